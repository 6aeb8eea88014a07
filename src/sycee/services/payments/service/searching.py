"""Finds what a query describes, and keeps what searches look through up to date."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import msgspec

from sycee.kernel.clock import seconds
from sycee.runtime import logs
from sycee.runtime.database import Session
from sycee.runtime.host import Message
from sycee.services.notify.contract import Event
from sycee.services.payments.contract.customers import Customer
from sycee.services.payments.contract.intents import Charge, Payment
from sycee.services.payments.contract.searches import (
    ChargesFound,
    CustomersFound,
    PageUnknown,
    PaymentsFound,
    Search,
)
from sycee.services.payments.domain.documents import answerable
from sycee.services.payments.domain.searches import read_query
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import searches as rows

LIMIT_MAX = 100
SECOND_MAX = 2**53
SLICE = 50
"""Rows of before that are indexed at once: few enough not to be felt by others."""

Object = TypeVar("Object", Payment, Charge, Customer)

log = logs.logger("payments.search")

_event = msgspec.msgpack.Decoder(Event).decode


class _Named(msgspec.Struct, frozen=True):
    """Of a subject, which it is."""

    id: str


class _Found(NamedTuple):
    """The bodies of a page; whether more follow; how many there are in all, when it was asked."""

    bodies: list[bytes]
    has_more: bool
    total: int | None


_named = msgspec.msgpack.Decoder(_Named).decode


class SearchingService:
    """All of ``Searches``."""

    _parts: Parts

    async def search_payments(self, query: Search) -> PaymentsFound:
        found = await self._search("payment", query)
        items = _decoded(found, Payment)
        return PaymentsFound(items, _next_page(found, items), found.total)

    async def search_charges(self, query: Search) -> ChargesFound:
        found = await self._search("charge", query)
        items = _decoded(found, Charge)
        return ChargesFound(items, _next_page(found, items), found.total)

    async def search_customers(self, query: Search) -> CustomersFound:
        found = await self._search("customer", query)
        items = _decoded(found, Customer)
        return CustomersFound(items, _next_page(found, items), found.total)

    async def _search(self, kind: str, search: Search) -> _Found:
        query = answerable(kind, read_query(search.query))
        before = None if search.page is None else _last_of(search.page)
        limit = min(max(search.limit, 1), LIMIT_MAX)

        def look(session: Session) -> _Found:
            bodies = rows.bodies(session, kind, search.merchant, query, before, limit)
            total = None
            if search.is_counted:
                total = rows.count(session, kind, search.merchant, query)
            return _Found(bodies[:limit], len(bodies) > limit, total)

        return await self._parts.database.read(look)


class Indexer:
    """Follows the events of payments, and looks once through what was there before them."""

    def __init__(self, parts: Parts) -> None:
        self._database = parts.database

    async def receive(self, messages: Sequence[Message]) -> None:
        """Index what a batch of events tells of, each object once and as it is now.

        The rows themselves are read, in the unit that indexes them: so it does not matter how often
        an event comes, nor in which order.
        """
        changed: dict[str, dict[str, None]] = {}
        for message in messages:
            try:
                event = _event(message.payload)
            except msgspec.DecodeError:
                # Waiting would not mend it, and would hold up what comes after it.
                log.fault("event_unreadable", key=message.key)
                continue
            if event.subject_kind in rows.KINDS:
                id = _named(event.subject).id
                changed.setdefault(event.subject_kind, {})[id] = None
        if not changed:
            return

        def unit(session: Session) -> None:
            for kind, ids in changed.items():
                rows.refresh(session, kind, list(ids))

        await self._database.write(unit)

    async def look_through(self) -> None:
        """Index the rows of before, slice by slice; a restart goes on where this ended."""
        for kind in rows.KINDS:
            while await self._look_through(kind):
                pass

    async def _look_through(self, kind: str) -> bool:
        return await self._database.write(lambda session: rows.look_through(session, kind, SLICE))


def _decoded(found: _Found, shape: type[Object]) -> tuple[Object, ...]:
    decode = msgspec.msgpack.Decoder(shape).decode
    return tuple(map(decode, found.bodies))


def _next_page(found: _Found, items: Sequence[Payment | Charge | Customer]) -> str | None:
    if not found.has_more:
        return None
    last = f"{seconds(items[-1].created)} {items[-1].id}"
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def _last_of(page: str) -> tuple[int, str]:
    """The second and the id after which a page begins."""
    try:
        last = base64.b64decode(page + "=" * (-len(page) % 4), altchars=b"-_", validate=True)
        created, id = last.decode("ascii").split(" ")
        return min(int(created), SECOND_MAX), id
    except (binascii.Error, ValueError) as error:
        raise PageUnknown("page is not one that a search answered.", param="page") from error
