"""Attempts as rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.runtime.database import Row, Session
from sycee.services.payments.contract.shared import AttemptId, PaymentId
from sycee.services.payments.domain.attempts import Attempt

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Attempt).decode


def add(session: Session, attempt: Attempt) -> None:
    """Keep a fresh attempt, open."""
    session.run(
        "INSERT INTO attempts (id, merchant, payment, is_open, started, body)"
        " VALUES (?, ?, ?, 1, ?, ?)",
        attempt.id,
        attempt.merchant,
        attempt.payment,
        attempt.started,
        _encode(attempt),
    )


def find(session: Session, attempt: AttemptId) -> Attempt | None:
    """The attempt, open or closed."""
    row = session.row("SELECT body FROM attempts WHERE id = ?", attempt)
    return _attempt(row) if row else None


def find_open(session: Session, attempt: AttemptId) -> Attempt | None:
    """The attempt as it was last noted; None when its outcome is known."""
    row = session.row("SELECT body FROM attempts WHERE id = ? AND is_open = 1", attempt)
    return _attempt(row) if row else None


def replace(session: Session, attempt: Attempt) -> None:
    """Note more of an open attempt."""
    session.run("UPDATE attempts SET body = ? WHERE id = ?", _encode(attempt), attempt.id)


def close(session: Session, attempt: Attempt) -> None:
    """Note an attempt's ending, with the next number of all endings."""
    session.run(
        "UPDATE attempts SET is_open = 0, body = ?,"
        " closing = (SELECT COALESCE(MAX(closing), 0) + 1 FROM attempts) WHERE id = ?",
        _encode(attempt),
        attempt.id,
    )


def last_closing(session: Session) -> int:
    """The number of the latest ending; 0 before the first."""
    row = session.row("SELECT MAX(closing) FROM attempts")
    last = row[0] if row else None
    return last if isinstance(last, int) else 0


def open_ones(session: Session, after: AttemptId, limit: int) -> Sequence[AttemptId]:
    """Open attempts, oldest first."""
    rows = session.rows(
        "SELECT id FROM attempts WHERE is_open = 1 AND id > ? ORDER BY id LIMIT ?", after, limit
    )
    return [AttemptId(str(row[0])) for row in rows]


def latest_of(session: Session, payment: PaymentId) -> Attempt | None:
    """The newest attempt to pay; a payment that was challenged has one."""
    row = session.row(
        "SELECT body FROM attempts WHERE payment = ? ORDER BY id DESC LIMIT 1", payment
    )
    return _attempt(row) if row else None


def _attempt(row: Row) -> Attempt:
    body = row[0]
    assert isinstance(body, bytes), "an attempt is MessagePack"
    return _decode(body)
