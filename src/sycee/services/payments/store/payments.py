"""Payments as rows."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.intents import Payment, PaymentPage
from sycee.services.payments.contract.shared import AttemptId, CustomerId, Page, PaymentId
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Payment).decode


def next_number(session: Session) -> int:
    """The number of the next payment; one writer at a time makes it unique."""
    row = session.row("SELECT MAX(number) FROM payments")
    last = row[0] if row else None
    return last + 1 if isinstance(last, int) else 1


def add(session: Session, payment: Payment, attempt: AttemptId | None = None) -> None:
    """Keep a fresh payment, with its open attempt when it is tried at once."""
    session.run(
        "INSERT INTO payments (id, number, merchant, created, customer, status, attempt, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        payment.id,
        payment.number,
        payment.merchant,
        payment.created,
        payment.customer,
        payment.status.value,
        attempt,
        _encode(payment),
    )


def replace(session: Session, payment: Payment, attempt: AttemptId | None = None) -> None:
    """Overwrite what is known of a payment, with its open attempt if it has one."""
    session.run(
        "UPDATE payments SET customer = ?, status = ?, attempt = ?, body = ? WHERE id = ?",
        payment.customer,
        payment.status.value,
        attempt,
        _encode(payment),
        payment.id,
    )


def find(session: Session, merchant: MerchantId, payment: PaymentId) -> Payment | None:
    """One payment of this merchant; a foreign one is not found."""
    row = session.row("SELECT body FROM payments WHERE id = ? AND merchant = ?", payment, merchant)
    return _payment(row) if row else None


def find_any(session: Session, payment: PaymentId) -> Payment | None:
    """One payment of whichever merchant."""
    row = session.row("SELECT body FROM payments WHERE id = ?", payment)
    return _payment(row) if row else None


def find_number(session: Session, merchant: MerchantId, number: int) -> Payment | None:
    """One payment of this merchant by its short number."""
    row = session.row(
        "SELECT body FROM payments WHERE number = ? AND merchant = ?", number, merchant
    )
    return _payment(row) if row else None


def page_of(
    session: Session, merchant: MerchantId, customer: CustomerId | None, page: Page
) -> PaymentPage:
    """A page of a merchant's payments, newest first."""
    found, has_more = pages.bodies(session, "payments", merchant, page, {"customer": customer})
    return PaymentPage(tuple(map(_decode, found)), has_more)


def _payment(row: Row) -> Payment:
    body = row[0]
    assert isinstance(body, bytes), "a payment is MessagePack"
    return _decode(body)
