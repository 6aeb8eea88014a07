"""The documented test cards, by number and by name: one row per card, its answer last."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import Shop, lunch, open_shop


class Row(NamedTuple):
    """A card and how a payment with it ends: a status, or an error code and its decline code."""

    name: str
    number: str
    code: str
    decline_code: str | None = None


# docs.stripe.com/testing, as tables: names are those behind pm_card_ and tok_.
PAYS = [
    Row("visa", "4242424242424242", "succeeded"),
    Row("visa_debit", "4000056655665556", "succeeded"),
    Row("mastercard", "5555555555554444", "succeeded"),
    Row("mastercard_debit", "5200828282828210", "succeeded"),
    Row("mastercard_prepaid", "5105105105105100", "succeeded"),
    Row("amex", "378282246310005", "succeeded"),
    Row("discover", "6011111111111117", "succeeded"),
    Row("diners", "3056930009020004", "succeeded"),
    Row("jcb", "3566002020360505", "succeeded"),
    Row("unionpay", "6200000000000005", "succeeded"),
    Row("de", "4000002760000016", "succeeded"),
    Row("cn", "4000001560000002", "succeeded"),
    Row("jp", "4000003920000003", "succeeded"),
    Row("br", "4000000760000002", "succeeded"),
    Row("threeDSecureOptional", "4000000000003055", "succeeded"),
    Row("riskLevelElevated", "4000000000009235", "succeeded"),
    Row("bypassPending", "4000000000000077", "succeeded"),
]
DECLINES = [
    Row("visa_chargeDeclined", "4000000000000002", "card_declined", "generic_decline"),
    Row(
        "visa_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        "card_declined",
        "insufficient_funds",
    ),
    Row("visa_chargeDeclinedLostCard", "4000000000009987", "card_declined", "lost_card"),
    Row("visa_chargeDeclinedStolenCard", "4000000000009979", "card_declined", "stolen_card"),
    Row("chargeDeclinedExpiredCard", "4000000000000069", "expired_card", "expired_card"),
    Row("chargeDeclinedIncorrectCvc", "4000000000000127", "incorrect_cvc", "incorrect_cvc"),
    Row(
        "chargeDeclinedProcessingError",
        "4000000000000119",
        "processing_error",
        "processing_error",
    ),
    Row(
        "visa_chargeDeclinedVelocityLimitExceeded",
        "4000000000006975",
        "card_declined",
        "card_velocity_exceeded",
    ),
    Row("radarBlock", "4100000000000019", "card_declined", "fraudulent"),
]
ASKS = [
    Row("authenticationRequiredOnSetup", "4000002500003155", "requires_action"),
    Row("authenticationRequired", "4000002760003184", "requires_action"),
    Row("threeDSecure2Required", "4000000000003220", "requires_action"),
    Row("threeDSecureRequired", "4000000000003063", "requires_action"),
    Row("threeDSecureRequiredChargeDeclined", "4000008400001629", "requires_action"),
    Row(
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        "requires_action",
    ),
]


def named(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


def pay(shop: Shop, row: Row, by: str) -> stripe.PaymentIntent:
    """A payment with the card, named one way or typed."""
    typed = {"number": row.number, "exp_month": 12, "exp_year": 2040, "cvc": "1234"[: _cvc(row)]}
    given = {
        "name": {"payment_method": f"pm_card_{row.name}"},
        "token": _described({"token": f"tok_{row.name}"}),
        "number": _described(typed),
    }[by]
    params = {key: value for key, value in lunch().items() if key != "payment_method"}
    return shop.client.v1.payment_intents.create({**params, **given, "expand": ["latest_charge"]})


def _cvc(row: Row) -> int:
    return 4 if row.name.startswith("amex") else 3


def _described(card: dict[str, object]) -> dict[str, object]:
    return {"payment_method_data": {"type": "card", "card": card}}


WAYS = pytest.mark.parametrize("by", ["name", "token", "number"])


@WAYS
@named(PAYS + ASKS)
def test_a_card_pays_or_asks(shop: Shop, row: Row, by: str) -> None:
    intent = pay(shop, row, by)
    assert intent.status == row.code
    if row.code == "succeeded":
        card = intent.latest_charge.payment_method_details.card
        assert card.last4 == row.number[-4:]


@WAYS
@named(DECLINES)
def test_a_card_declines(shop: Shop, row: Row, by: str) -> None:
    with pytest.raises(stripe.CardError) as caught:
        pay(shop, row, by)
    error = caught.value.error
    assert caught.value.http_status == 402
    assert (error.type, error.code, error.decline_code) == (
        "card_error",
        row.code,
        row.decline_code,
    )
    assert error.payment_intent.status == "requires_payment_method"
    charge = shop.client.v1.charges.retrieve(error.charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, row.code)
    assert charge.balance_transaction is None


def test_a_card_that_may_be_saved_and_never_pays(shop: Shop) -> None:
    client = shop.client
    jenny = client.v1.customers.create({})
    card = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": jenny.id})
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_intents.create(lunch(customer=jenny.id, payment_method=card.id))
    assert caught.value.code == "card_declined"


def test_an_unknown_test_method_is_missing(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.payment_intents.create(lunch(payment_method="pm_card_nonsense"))
    assert (caught.value.code, caught.value.param) == ("resource_missing", "payment_method")


def test_any_other_number_that_is_a_card_pays(shop: Shop) -> None:
    assert pay(shop, Row("", "4000000000000010", ""), "number").status == "succeeded"
    assert pay(shop, Row("", "4539578763621486", ""), "number").status == "succeeded"
