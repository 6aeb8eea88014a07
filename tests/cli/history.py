"""A merchant's events behind a real door, as they become visible one after the other."""

from __future__ import annotations

import time

import msgspec

from sycee.kernel.clock import SECOND_NS, Instant
from sycee.services.notify.contract import Event, EventId, Events, ListEvents
from tests.gateway.objects import PAYMENT, SHOP


class History:
    """Answers ``Notify.list_events`` from a list."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self.now_s = int(time.time())

    def add(self, id: str, type: str = "payment_intent.succeeded", age_s: int = 0) -> None:
        """An event becomes visible."""
        self._events.append(
            Event(
                EventId(id),
                SHOP,
                type,
                Instant((self.now_s - age_s) * SECOND_NS),
                False,
                msgspec.msgpack.encode(PAYMENT),
                "payment",
            )
        )

    def list_events(self, query: ListEvents) -> Events:
        """As the contract says: newest first, a page at a time."""
        found = [
            event
            for event in sorted(self._events, key=lambda one: (one.created, one.id), reverse=True)
            if event.created >= (query.created_from or 0)
            and (not query.types or event.type in query.types)
        ]
        if query.page.starting_after:
            ids = [event.id for event in found]
            found = found[ids.index(EventId(query.page.starting_after)) + 1 :]
        limit = query.page.limit
        return Events(tuple(found[:limit]), len(found) > limit)
