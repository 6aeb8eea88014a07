"""What the twin refuses, and the cards that its rail knows."""

from __future__ import annotations

from typing import NamedTuple

from bench.twin.shapes import Card, ErrorAnswer, PaymentIntent, Wrong


class Merchant(NamedTuple):
    """Who holds the key of a request."""

    id: str
    is_active: int
    currencies: str
    amount_max: int


class Refused(Exception):
    """An expected no."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.wrong = Wrong(code=code, message=message, param=param)

    def body(self) -> bytes:
        """The answer's body."""
        return error_body(self.wrong)


class Verdict(NamedTuple):
    """What the rail, or risk control before it, made of an attempt."""

    is_paid: bool
    authorization_code: str | None = None
    decline_code: str = ""
    message: str = ""


class TestCard(NamedTuple):
    """A card by its token, and how its bank answers."""

    number: str
    brand: str
    verdict: Verdict


APPROVED = Verdict(True, "A1B2C3")
DECLINED = Verdict(False, None, "generic_decline", "Your card was declined.")
POOR = Verdict(False, None, "insufficient_funds", "Your card has insufficient funds.")
TOO_OFTEN = Verdict(False, None, "fraudulent", "Your card was declined.")

CARDS = {
    "pm_card_visa": TestCard("4242424242424242", "visa", APPROVED),
    "pm_card_mastercard": TestCard("5555555555554444", "mastercard", APPROVED),
    "pm_card_chargeDeclined": TestCard("4000000000000002", "visa", DECLINED),
    "pm_card_chargeDeclinedInsufficientFunds": TestCard("4000000000009995", "visa", POOR),
}

SMALLEST = {"usd": 50, "eur": 50, "gbp": 30}


def check_merchant(merchant: Merchant, amount: int, currency: str) -> None:
    """Refuse what this merchant may not take."""
    if not merchant.is_active:
        raise Refused(403, "account_invalid", "This account may not take payments.")
    if currency not in merchant.currencies.split():
        raise Refused(400, "currency_not_accepted", f"No {currency} is taken here.", "currency")
    if amount < SMALLEST[currency]:
        raise Refused(400, "amount_too_small", "The amount is too small.", "amount")
    if amount > merchant.amount_max:
        raise Refused(400, "amount_too_large", "The amount is too large.", "amount")


def card_of(token: str) -> TestCard:
    """The card behind a token."""
    card = CARDS.get(token)
    if card is None:
        raise Refused(404, "resource_missing", "No such payment method.", "payment_method")
    return card


def shown_card(card: TestCard, fingerprint: str, year: int) -> Card:
    """The card as objects show it; it is valid for years."""
    return Card(
        brand=card.brand,
        display_brand=card.brand,
        exp_month=12,
        exp_year=year + 8,
        fingerprint=fingerprint,
        last4=card.number[-4:],
        networks={"available": [card.brand], "preferred": None},
    )


def declined_body(verdict: Verdict, payment: PaymentIntent) -> bytes:
    """The answer to a confirm whose card was declined."""
    return error_body(
        Wrong(
            type="card_error",
            code="card_declined",
            message=verdict.message,
            decline_code=verdict.decline_code,
            payment_intent=payment,
        )
    )


def error_body(wrong: Wrong) -> bytes:
    """An error as JSON."""
    return ErrorAnswer(error=wrong).model_dump_json(exclude_none=True).encode()
