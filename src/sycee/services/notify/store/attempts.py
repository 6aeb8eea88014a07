"""Attempts as rows: each that ended, whatever became of its delivery."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import AttemptId, DeliveryAttempt, DeliveryId, ListAttempts
from sycee.services.notify.store.pages import Selection

SLICE = 500
"""Rows that one unit of work removes; it holds up all others meanwhile."""


class Made(msgspec.Struct, frozen=True):
    """An attempt that ended, and whose it is."""

    merchant: MerchantId
    delivery: DeliveryId
    attempt: DeliveryAttempt


def add(session: Session, made: Made) -> None:
    """Write an attempt down."""
    attempt = made.attempt
    session.run(
        "INSERT INTO attempts (id, merchant, delivery, began, duration_ms, status, answer, error,"
        " key_generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        attempt.id,
        made.merchant,
        made.delivery,
        attempt.began,
        attempt.duration_ms,
        attempt.status,
        attempt.answer,
        attempt.error,
        attempt.key_generation,
    )


def page(session: Session, query: ListAttempts) -> tuple[tuple[DeliveryAttempt, ...], bool]:
    """A page of a delivery's attempts, newest first, and whether there are more."""
    owned = "SELECT id FROM deliveries WHERE merchant = ? AND id = ?"
    if session.row(owned, query.merchant, query.delivery) is None:
        raise NotFound(f"No such delivery: {query.delivery}", param="id")
    selection = Selection(
        "attempts", "id, began, duration_ms, status, answer, error, key_generation"
    ).where("merchant = ?", query.merchant)
    selection.where("delivery = ?", query.delivery)
    rows, more = selection.page(session, query.page)
    return tuple(_attempt(row) for row in rows), more


def drop(session: Session, before: Instant) -> int:
    """Forget a slice of the attempts that began before an instant; how many."""
    return session.run(
        "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE began < ? LIMIT ?)",
        before,
        SLICE,
    )


def _attempt(row: Row) -> DeliveryAttempt:
    return DeliveryAttempt(
        id=AttemptId(str(row[0])),
        began=Instant(_int(row[1])),
        duration_ms=_int(row[2]),
        status=None if row[3] is None else _int(row[3]),
        answer=str(row[4]),
        error=None if row[5] is None else str(row[5]),
        key_generation=_int(row[6]),
    )


def _int(value: object) -> int:
    assert isinstance(value, int), "a number column holds integers"
    return value
