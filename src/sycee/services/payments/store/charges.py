"""Charges as rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.intents import Charge, ChargePage
from sycee.services.payments.contract.shared import ChargeId, CustomerId, Page, PaymentId
from sycee.services.payments.domain.charges import twin_key
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Charge).decode


def add(session: Session, charge: Charge) -> None:
    """Keep a fresh charge."""
    is_good = charge.status == "succeeded"
    session.run(
        "INSERT INTO charges (id, merchant, payment, created, customer, amount, captured, refunded,"
        " twin, lapses, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        charge.id,
        charge.merchant,
        charge.payment,
        charge.created,
        charge.customer,
        charge.amount.minor,
        charge.amount_captured_minor,
        charge.amount_refunded_minor,
        twin_key(charge.method.card, charge.amount) if is_good else None,
        charge.capture_before if is_good else None,
        _encode(charge),
    )


def replace(session: Session, charge: Charge) -> None:
    """Overwrite what is known of a charge; whether it lapses stays."""
    session.run(
        "UPDATE charges SET customer = ?, captured = ?, refunded = ?, body = ? WHERE id = ?",
        charge.customer,
        charge.amount_captured_minor,
        charge.amount_refunded_minor,
        _encode(charge),
        charge.id,
    )


def note_not_held(session: Session, charge: ChargeId) -> None:
    """The charge was captured or released: it lapses no more."""
    session.run("UPDATE charges SET lapses = NULL WHERE id = ?", charge)


def find(session: Session, merchant: MerchantId, charge: ChargeId) -> Charge | None:
    """One charge of this merchant; a foreign one is not found."""
    row = session.row("SELECT body FROM charges WHERE id = ? AND merchant = ?", charge, merchant)
    return _charge(row) if row else None


def twin_at(session: Session, merchant: MerchantId, twin: str) -> Instant | None:
    """When the merchant last took the same amount from the same card."""
    row = session.row(
        "SELECT MAX(created) FROM charges WHERE merchant = ? AND twin = ?", merchant, twin
    )
    created = row[0] if row else None
    return Instant(created) if isinstance(created, int) else None


def lapsed(session: Session, now: Instant, limit: int) -> Sequence[Charge]:
    """Held charges whose authorization has lapsed."""
    rows = session.rows(
        "SELECT body FROM charges WHERE lapses <= ? ORDER BY lapses LIMIT ?", now, limit
    )
    return [_charge(row) for row in rows]


def page_of(
    session: Session,
    merchant: MerchantId,
    payment: PaymentId | None,
    customer: CustomerId | None,
    page: Page,
) -> ChargePage:
    """A page of a merchant's charges, newest first."""
    wanted = {"payment": payment, "customer": customer}
    found, has_more = pages.bodies(session, "charges", merchant, page, wanted)
    return ChargePage(tuple(map(_decode, found)), has_more)


def _charge(row: Row) -> Charge:
    body = row[0]
    assert isinstance(body, bytes), "a charge is MessagePack"
    return _decode(body)
