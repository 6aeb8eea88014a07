"""What the simulated banks tell of disputes, and how they decide them."""

from __future__ import annotations

from sycee.kernel.money import Currency, Money
from sycee.runtime.database import Session
from sycee.services.payments.adapters.rail import (
    Answer,
    News,
    Notice,
    Operation,
    Order,
    Verdict,
)
from sycee.services.payments.adapters.testcard import book
from sycee.services.payments.adapters.testcard.cards import TestCard

WINNING, LOSING = "winning_evidence", "losing_evidence"
"""What a statement says for its dispute to be won or lost (docs.stripe.com/testing)."""

_NOTHING = Money(0, Currency("USD"))
_NETWORK_REASONS = {"fraudulent": "10.4", "product_not_received": "13.1"}
"""Visa's codes: fraud without a card present, goods not received."""


def follow(session: Session, card: TestCard, order: Order, answer: Answer) -> None:
    """Dispute what such a card has just paid."""
    if card.dispute is None or answer.verdict is not Verdict.APPROVED:
        return
    if order.operation not in (Operation.PAY, Operation.CAPTURE):
        return
    case = f"case.{order.id}"
    notice = Notice(
        id=f"{case}.disputed",
        news=News.DISPUTED,
        case=case,
        order=order.original or order.id,
        amount=order.amount,
        reason=card.dispute,
        is_inquiry=card.is_inquiry,
        network_reason_code=_NETWORK_REASONS.get(card.dispute),
    )
    book.tell(session, notice)


def decide(session: Session, case: str, statement: str | None) -> None:
    """Decide a dispute by what the merchant says; other words leave it under review."""
    news = {WINNING: News.WON, LOSING: News.LOST}.get((statement or "").strip())
    if news is not None:
        book.tell(session, Notice(f"{case}.decided", news, case, order="", amount=_NOTHING))
