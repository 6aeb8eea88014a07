"""Events as rows: the body as it was published, and beside it what they are found by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec

from sycee.kernel import ids
from sycee.kernel.clock import Instant, after
from sycee.runtime.database import Session, Value
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import Event, EventId, ListEvents
from sycee.services.notify.store.pages import Selection

ROWS_MAX = 64
"""Events in one statement."""
_ID_SLACK_S = 3600.0
"""How far an event's id, which tells when it was made, may be from its instant."""
_NO_ENTROPY, _ALL_ENTROPY = b"\x00" * 8, b"\xff" * 8
_UNDELIVERED = (
    "EXISTS (SELECT 1 FROM deliveries WHERE deliveries.event = events.id"
    " AND deliveries.merchant = events.merchant AND deliveries.status <> 'delivered')"
)

decode = msgspec.msgpack.Decoder(Event).decode


class Published(msgspec.Struct, frozen=True):
    """An event with the bytes it came in, which are kept untouched."""

    event: Event
    body: bytes


def add(session: Session, batch: Sequence[Published]) -> None:
    """Keep events; one that is there stays as it is."""
    for start in range(0, len(batch), ROWS_MAX):
        rows = batch[start : start + ROWS_MAX]
        values: list[Value] = []
        for row in rows:
            event = row.event
            values += (event.merchant, event.id, event.type, event.created, row.body)
        session.run(_insert(len(rows)), *values)


def one(session: Session, merchant: MerchantId, event: EventId) -> Event | None:
    """One event of this merchant, or None."""
    row = session.row("SELECT body FROM events WHERE merchant = ? AND id = ?", merchant, event)
    return None if row is None else event_of(row[0])


def page(session: Session, query: ListEvents) -> tuple[tuple[Event, ...], bool]:
    """A page of a merchant's events, newest first, and whether there are more."""
    selection = Selection("events", "id, body").where("merchant = ?", query.merchant)
    if query.types:
        tests = [_type_test(kind) for kind in query.types]
        condition = " OR ".join(test for test, _ in tests)
        selection.where(f"({condition})", *(value for _, values in tests for value in values))
    if query.created_from is not None:
        # The bounds on the id spare the search most of the rows that the instant rules out.
        selection.where("id >= ?", _id_before(query.created_from))
        selection.where("created >= ?", query.created_from)
    if query.created_to is not None:
        selection.where("id <= ?", _id_after(query.created_to))
        selection.where("created <= ?", query.created_to)
    if query.delivered is not None:
        selection.where(f"{'NOT ' if query.delivered else ''}{_UNDELIVERED}")
    rows, more = selection.page(session, query.page)
    return tuple(event_of(row[1]) for row in rows), more


def between(
    session: Session,
    merchant: MerchantId,
    since: Instant,
    until: Instant,
    last: EventId | None,
    limit: int,
) -> list[Event]:
    """A merchant's events between two instants, oldest first, after the ``last`` one seen."""
    rows = session.rows(
        "SELECT body FROM events WHERE merchant = ? AND id > ? AND created BETWEEN ? AND ?"
        " ORDER BY id LIMIT ?",
        merchant,
        last or _id_before(since),
        since,
        until,
        limit,
    )
    return [event_of(row[0]) for row in rows]


def event_of(body: object) -> Event:
    """The event in a ``body`` column."""
    assert isinstance(body, bytes), "an event's body is MessagePack"
    return decode(body)


@cache
def _insert(count: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?, ?)"] * count)
    return (
        f"INSERT INTO events (merchant, id, type, created, body) VALUES {rows}"  # noqa: S608
        " ON CONFLICT (merchant, id) DO NOTHING"
    )


def _type_test(kind: str) -> tuple[str, tuple[Value, ...]]:
    if not kind.endswith("*"):
        return "type = ?", (kind,)
    prefix = kind.removesuffix("*")
    return "substr(type, 1, ?) = ?", (len(prefix), prefix)


def _id_before(instant: Instant) -> str:
    return ids.encode("evt", max(after(instant, -_ID_SLACK_S), Instant(0)), _NO_ENTROPY)


def _id_after(instant: Instant) -> str:
    return ids.encode("evt", after(instant, _ID_SLACK_S), _ALL_ENTROPY)
