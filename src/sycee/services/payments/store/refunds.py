"""Refunds as rows."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.intents import Refund, RefundPage
from sycee.services.payments.contract.shared import ChargeId, Page, PaymentId, RefundId
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Refund).decode


def add(session: Session, refund: Refund) -> None:
    """Keep a fresh refund."""
    session.run(
        "INSERT INTO refunds (id, merchant, payment, charge, created, amount, status, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        refund.id,
        refund.merchant,
        refund.payment,
        refund.charge,
        refund.created,
        refund.amount.minor,
        refund.status,
        _encode(refund),
    )


def replace(session: Session, refund: Refund) -> None:
    """Overwrite what is known of a refund."""
    session.run(
        "UPDATE refunds SET status = ?, body = ? WHERE id = ?",
        refund.status,
        _encode(refund),
        refund.id,
    )


def remove(session: Session, refund: RefundId) -> None:
    """Forget a refund that nobody was told of."""
    session.run("DELETE FROM refunds WHERE id = ?", refund)


def find(session: Session, merchant: MerchantId, refund: RefundId) -> Refund | None:
    """One refund of this merchant; a foreign one is not found."""
    row = session.row("SELECT body FROM refunds WHERE id = ? AND merchant = ?", refund, merchant)
    return _refund(row) if row else None


def page_of(
    session: Session,
    merchant: MerchantId,
    payment: PaymentId | None,
    charge: ChargeId | None,
    page: Page,
) -> RefundPage:
    """A page of a merchant's refunds, newest first."""
    wanted = {"payment": payment, "charge": charge}
    found, has_more = pages.bodies(session, "refunds", merchant, page, wanted)
    return RefundPage(tuple(map(_decode, found)), has_more)


def _refund(row: Row) -> Refund:
    body = row[0]
    assert isinstance(body, bytes), "a refund is MessagePack"
    return _decode(body)
