"""How the bank behind a test card answers: pure functions of the card and the order."""

from __future__ import annotations

from sycee.kernel.ids import derived_number
from sycee.services.payments.adapters.rail import Answer, Operation, Order, Verdict
from sycee.services.payments.adapters.testcard.cards import (
    BY_NAME,
    DECLINED,
    ORDINARY,
    Challenge,
    Decline,
    TestCard,
)

AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
UNKNOWN_ORIGINAL = Decline(
    "processing_error", "processing_error", "The acquirer does not know the payment."
)

TAKEN_BACK = Decline(
    "processing_error", "processing_error", "The order was taken back before it arrived."
)

CHALLENGED = Answer(Verdict.CHALLENGED)
APPROVED = Answer(Verdict.APPROVED)
PENDING = Answer(Verdict.PENDING)
_FIRST_STEPS = frozenset({Operation.AUTHORIZE, Operation.PAY, Operation.VERIFY})


def card_of(token: str) -> TestCard:
    """The behaviour that a token names; one that is unknown pays."""
    return BY_NAME.get(token.partition(".")[0], ORDINARY)


def is_first_step(order: Order) -> bool:
    """Whether the order begins something, rather than going on with an ``original``."""
    return order.operation in _FIRST_STEPS


def begin(card: TestCard, order: Order, is_set_up: bool) -> Answer:
    """Answer an authorization, a payment or a verification."""
    if not order.authenticated and _asks_payer(card.challenge, order, is_set_up):
        return declined(AUTHENTICATION_REQUIRED) if order.off_session else CHALLENGED
    decline = _decline_of(card, order)
    if decline is not None:
        return declined(decline, card.risk)
    return Answer(
        Verdict.APPROVED, authorization_code=_authorization_code(order.id), risk=card.risk
    )


def go_on(card: TestCard, order: Order, original: Answer | None) -> Answer:
    """Answer a capture, a void or a refund of an order that the book knows, or does not."""
    if takes_back(order, original):
        return APPROVED
    if original is None or original.verdict is not Verdict.APPROVED:
        return declined(UNKNOWN_ORIGINAL)
    if order.operation is Operation.REFUND and card.refund != "succeeded":
        return PENDING
    return APPROVED


def takes_back(order: Order, original: Answer | None) -> bool:
    """Whether the order's original must be refused if it arrives later."""
    return order.operation is Operation.VOID and original is None


def final(card: TestCard, answer: Answer) -> Answer:
    """How an answer that was pending ends, when the acquirer is asked later."""
    if answer.verdict is not Verdict.PENDING:
        return answer
    return declined(DECLINED) if card.refund == "failed" else APPROVED


def declined(decline: Decline, risk: str = "normal") -> Answer:
    """A no in the rail's words."""
    return Answer(Verdict.DECLINED, decline.code, decline.decline_code, decline.message, risk=risk)


def may_be_set_up(card: TestCard, order: Order) -> bool:
    """Whether it matters to the answer that the card was set up before."""
    return order.off_session and card.challenge is Challenge.UNLESS_SET_UP


def sets_up(card: TestCard, order: Order, answer: Answer) -> bool:
    """Whether the payer has now agreed to later payments."""
    return (
        card.challenge is Challenge.UNLESS_SET_UP
        and order.operation is Operation.VERIFY
        and order.authenticated
        and answer.verdict is Verdict.APPROVED
    )


def _decline_of(card: TestCard, order: Order) -> Decline | None:
    if order.operation is Operation.VERIFY and card.declines_payments_only:
        return None
    return card.decline


def _asks_payer(challenge: Challenge, order: Order, is_set_up: bool) -> bool:
    if challenge is Challenge.UNLESS_SET_UP:
        return not (order.off_session and is_set_up)
    if challenge is Challenge.ON_SESSION:
        return not order.off_session
    return challenge is Challenge.ALWAYS


def _authorization_code(order: str) -> str:
    return f"{derived_number('authorization', order) % 1_000_000:06d}"
