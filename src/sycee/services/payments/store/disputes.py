"""Disputes as rows, and the money that they move."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.disputes import Dispute, DisputeId, DisputePage
from sycee.services.payments.contract.intents import BalanceTransaction
from sycee.services.payments.contract.shared import ChargeId, Page, PaymentId
from sycee.services.payments.domain.disputes import DisputeMove, is_waiting
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Dispute).decode
_decode_move = msgspec.msgpack.Decoder(DisputeMove).decode
_decode_transaction = msgspec.msgpack.Decoder(BalanceTransaction).decode


def add(session: Session, dispute: Dispute) -> None:
    """Keep a fresh dispute; the database refuses a second one of the same case."""
    session.run(
        "INSERT INTO disputes (id, merchant, payment, charge, created, rail_case, amount, status,"
        " lapses, is_unsent, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
        dispute.id,
        dispute.merchant,
        dispute.payment,
        dispute.charge,
        dispute.created,
        dispute.case,
        dispute.amount.minor,
        dispute.status.value,
        dispute.due_by,
        _encode(dispute),
    )


def replace(session: Session, dispute: Dispute) -> None:
    """Overwrite what is known of a dispute; only one that waits for an answer lapses."""
    session.run(
        "UPDATE disputes SET status = ?, lapses = ?, body = ? WHERE id = ?",
        dispute.status.value,
        dispute.due_by if is_waiting(dispute) else None,
        _encode(dispute),
        dispute.id,
    )


def note_unsent(session: Session, dispute: DisputeId, is_unsent: bool) -> None:
    """Note whether the rail has yet to hear what the merchant says."""
    session.run("UPDATE disputes SET is_unsent = ? WHERE id = ?", int(is_unsent), dispute)


def find(session: Session, merchant: MerchantId, dispute: DisputeId) -> Dispute | None:
    """One dispute of this merchant; a foreign one is not found."""
    row = session.row("SELECT body FROM disputes WHERE id = ? AND merchant = ?", dispute, merchant)
    return _dispute(session, row) if row else None


def find_case(session: Session, case: str) -> Dispute | None:
    """The dispute that a rail means."""
    row = session.row("SELECT body FROM disputes WHERE rail_case = ?", case)
    return _dispute(session, row) if row else None


def unsent(session: Session, limit: int) -> Sequence[Dispute]:
    """Disputes whose rail has yet to hear what the merchant says."""
    rows = session.rows("SELECT body FROM disputes WHERE is_unsent = 1 ORDER BY id LIMIT ?", limit)
    return [_dispute(session, row) for row in rows]


def lapsed(session: Session, now: Instant, limit: int) -> Sequence[Dispute]:
    """Disputes that nobody answered in time."""
    rows = session.rows(
        "SELECT body FROM disputes WHERE lapses <= ? ORDER BY lapses LIMIT ?", now, limit
    )
    return [_dispute(session, row) for row in rows]


def page_of(
    session: Session,
    merchant: MerchantId,
    payment: PaymentId | None,
    charge: ChargeId | None,
    page: Page,
) -> DisputePage:
    """A page of a merchant's disputes, newest first."""
    wanted = {"payment": payment, "charge": charge}
    found, has_more = pages.bodies(session, "disputes", merchant, page, wanted)
    return DisputePage(tuple(_dispute(session, (body,)) for body in found), has_more)


def add_move(session: Session, move: DisputeMove) -> None:
    """Record money that is to move."""
    session.run(
        "INSERT INTO dispute_moves (id, payment, is_open, body) VALUES (?, ?, 1, ?)",
        move.id,
        move.payment,
        _encode(move),
    )


def open_moves(session: Session, after: str, limit: int) -> Sequence[DisputeMove]:
    """The next moves by id that the ledger may not know of; those of a dispute in their order."""
    rows = session.rows(
        "SELECT body FROM dispute_moves WHERE is_open = 1 AND id > ? ORDER BY id LIMIT ?",
        after,
        limit,
    )
    return [_decode_move(_body(row)) for row in rows]


def end_move(session: Session, move: str) -> bool:
    """Note that the ledger has moved the money; whether that was not noted before."""
    changed = session.run(
        "UPDATE dispute_moves SET is_open = 0,"
        " closing = (SELECT COALESCE(MAX(closing), 0) FROM attempts) WHERE id = ? AND is_open = 1",
        move,
    )
    return changed == 1


def _dispute(session: Session, row: Row) -> Dispute:
    """A dispute with its balance transactions as they are now."""
    dispute = _decode(_body(row))
    booked = session.rows(
        "SELECT body FROM balance_transactions WHERE source = ? ORDER BY id", dispute.id
    )
    transactions = tuple(_decode_transaction(_body(each)) for each in booked)
    return msgspec.structs.replace(dispute, balance_transactions=transactions)


def _body(row: Row) -> bytes:
    body = row[0]
    assert isinstance(body, bytes), "a body is MessagePack"
    return body
