"""Deliveries as rows; while one is being sent, its ``next_at`` is the end of its lease."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import (
    Delivery,
    DeliveryId,
    DeliveryStatus,
    EndpointId,
    Event,
    EventId,
    ListDeliveries,
)
from sycee.services.notify.domain.retries import Outcome
from sycee.services.notify.store.events import event_of
from sycee.services.notify.store.pages import Selection

SLICE = 500
"""Rows that one unit of work removes or changes at once; it holds up all others meanwhile."""


class Fresh(msgspec.Struct, frozen=True):
    """A delivery about to be queued."""

    id: DeliveryId
    merchant: MerchantId
    endpoint: EndpointId
    event: EventId


class Leased(msgspec.Struct, frozen=True):
    """A delivery that is ours to send until ``until``, which also proves that it is still ours."""

    id: DeliveryId
    endpoint: EndpointId
    event: Event
    attempts: int
    until: Instant


class Lease(msgspec.Struct, frozen=True):
    """For how long a life of a deliverer takes deliveries."""

    life: str
    """New for every start."""
    until: Instant


def queue(session: Session, fresh: Fresh, now: Instant) -> None:
    """Queue a delivery, unless this event was queued for this endpoint before."""
    session.run(
        "INSERT INTO deliveries (id, merchant, endpoint, event, status, attempts, queued, next_at)"
        " VALUES (?, ?, ?, ?, 'pending', 0, ?, ?) ON CONFLICT (endpoint, event) DO NOTHING",
        fresh.id,
        fresh.merchant,
        fresh.endpoint,
        fresh.event,
        now,
        now,
    )


def requeue(session: Session, fresh: Fresh, now: Instant) -> None:
    """Queue a delivery; one of this event to this endpoint begins anew, under its own id."""
    session.run(
        "INSERT INTO deliveries (id, merchant, endpoint, event, status, attempts, queued, next_at)"
        " VALUES (?, ?, ?, ?, 'pending', 0, ?, ?) ON CONFLICT (endpoint, event) DO UPDATE SET"
        " status = 'pending', attempts = 0, queued = excluded.queued, next_at = excluded.next_at",
        fresh.id,
        fresh.merchant,
        fresh.endpoint,
        fresh.event,
        now,
        now,
    )


def lease(
    session: Session, endpoint: EndpointId, now: Instant, lease: Lease, limit: int
) -> list[Leased]:
    """Take deliveries that are due, the longest waiting first."""
    rows = session.rows(
        "SELECT d.id, d.attempts, e.body FROM deliveries d"
        " JOIN events e ON e.merchant = d.merchant AND e.id = d.event"
        " WHERE d.endpoint = ? AND d.status = 'pending' AND d.next_at <= ?"
        " ORDER BY d.next_at, d.id LIMIT ?",
        endpoint,
        now,
        limit,
    )
    if rows:
        _note(session, now, lease)
    for row in rows:
        session.run("UPDATE deliveries SET next_at = ? WHERE id = ?", lease.until, row[0])
    return [
        Leased(DeliveryId(str(row[0])), endpoint, event_of(row[2]), _int(row[1]), lease.until)
        for row in rows
    ]


def take_back(session: Session, life: str, now: Instant) -> int:
    """Make due what other lives had leased and cannot send any more; how many."""
    count = session.run(
        "UPDATE deliveries SET next_at = ? WHERE status = 'pending'"
        " AND next_at IN (SELECT until FROM leases WHERE life <> ?)",
        now,
        life,
    )
    session.run("DELETE FROM leases WHERE life <> ?", life)
    return count


def settle(session: Session, leased: Leased, outcome: Outcome) -> bool:
    """Write down how an attempt ended; False when the delivery is no longer ours to say."""
    return (
        session.run(
            "UPDATE deliveries SET status = ?, attempts = ?, next_at = ?, last_status = ?,"
            " last_error = ? WHERE id = ? AND status = 'pending' AND next_at = ?",
            outcome.status.value,
            outcome.attempts,
            outcome.next_at,
            outcome.last_status,
            outcome.last_error,
            leased.id,
            leased.until,
        )
        > 0
    )


def hand_back(session: Session, leased: Leased, now: Instant) -> None:
    """Give up a lease: the attempt was not made, or nobody knows how it ended."""
    session.run(
        "UPDATE deliveries SET next_at = ? WHERE id = ? AND status = 'pending' AND next_at = ?",
        now,
        leased.id,
        leased.until,
    )


def status_of(session: Session, endpoint: EndpointId, event: EventId) -> DeliveryStatus | None:
    """Where the delivery of an event to an endpoint stands; None when it was never queued."""
    row = session.row(
        "SELECT status FROM deliveries WHERE endpoint = ? AND event = ?", endpoint, event
    )
    return DeliveryStatus(row[0]) if row else None


def next_due(session: Session, endpoint: EndpointId) -> Instant | None:
    """When the endpoint's next delivery is due."""
    row = session.row(
        "SELECT MIN(next_at) FROM deliveries WHERE endpoint = ? AND status = 'pending'", endpoint
    )
    return _instant(row[0]) if row else None


def pending_endpoints(session: Session) -> list[EndpointId]:
    """Endpoints for which something is pending."""
    rows = session.rows("SELECT DISTINCT endpoint FROM deliveries WHERE status = 'pending'")
    return [EndpointId(str(row[0])) for row in rows]


def kill(session: Session, endpoint: EndpointId, error: str, before: Instant | None = None) -> int:
    """Give up a slice of what is pending, or of what was queued before an instant; how many."""
    return session.run(
        "UPDATE deliveries SET status = 'dead', next_at = NULL, last_error = ? WHERE id IN"
        " (SELECT id FROM deliveries WHERE endpoint = ? AND status = 'pending' AND queued < ?"
        " LIMIT ?)",
        error,
        endpoint,
        Instant(2**63 - 1) if before is None else before,
        SLICE,
    )


def drop(session: Session, endpoint: EndpointId) -> int:
    """Remove a slice of what is pending; how many."""
    return session.run(
        "DELETE FROM deliveries WHERE id IN"
        " (SELECT id FROM deliveries WHERE endpoint = ? AND status = 'pending' LIMIT ?)",
        endpoint,
        SLICE,
    )


def page(session: Session, query: ListDeliveries) -> tuple[tuple[Delivery, ...], bool]:
    """A page of a merchant's deliveries, newest first, and whether there are more."""
    selection = Selection(
        "deliveries", "id, event, endpoint, status, attempts, next_at, last_status, last_error"
    ).where("merchant = ?", query.merchant)
    if query.endpoint is not None:
        selection.where("endpoint = ?", query.endpoint)
    if query.event is not None:
        selection.where("event = ?", query.event)
    if query.status is DeliveryStatus.DEAD:
        selection.where("status = 'dead'")  # in the statement itself, for the index of the dead
    elif query.status is not None:
        selection.where("status = ?", query.status.value)
    rows, more = selection.page(session, query.page)
    return tuple(_deliveries(rows)), more


def _deliveries(rows: Iterable[Row]) -> Iterable[Delivery]:
    for row in rows:
        yield Delivery(
            id=DeliveryId(str(row[0])),
            event=EventId(str(row[1])),
            endpoint=EndpointId(str(row[2])),
            status=DeliveryStatus(row[3]),
            attempts=_int(row[4]),
            next_at=_instant(row[5]),
            last_status=None if row[6] is None else _int(row[6]),
            last_error=None if row[7] is None else str(row[7]),
        )


def _note(session: Session, now: Instant, lease: Lease) -> None:
    session.run("DELETE FROM leases WHERE until <= ?", now)
    session.run(
        "INSERT INTO leases (until, life) VALUES (?, ?) ON CONFLICT (until, life) DO NOTHING",
        lease.until,
        lease.life,
    )


def _int(value: object) -> int:
    assert isinstance(value, int), "a number column holds integers"
    return value


def _instant(value: object) -> Instant | None:
    return Instant(value) if isinstance(value, int) else None
