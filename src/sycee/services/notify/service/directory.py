"""All endpoints in memory, so that an event nobody waits for costs next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database import Database, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import EndpointId, EndpointStatus, Event
from sycee.services.notify.domain.types import Wanted
from sycee.services.notify.store import endpoints
from sycee.services.notify.store.endpoints import Sealed

Result = TypeVar("Result")


class _Entry:
    """An endpoint, made ready for being asked often."""

    def __init__(self, sealed: Sealed) -> None:
        self.sealed = sealed
        self.id = sealed.endpoint.id
        self.wants = Wanted(sealed.endpoint).matches


class Directory:
    """The endpoints that get events. The database is the truth; this follows each change of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._one_change = asyncio.Lock()
        self._is_doubtful = False
        self._enabled: dict[EndpointId, _Entry] = {}
        self._of_merchant: dict[MerchantId, list[_Entry]] = {}

    async def load(self) -> None:
        """Begin anew with what the database holds."""
        async with self._one_change:
            everything = await self._database.read(endpoints.everything)
            self._enabled.clear()
            self._of_merchant.clear()
            for sealed in everything:
                self._put(sealed)
            self._is_doubtful = False

    async def refresh(self) -> None:
        """Begin anew if nobody knows whether the database made a change that was asked of it."""
        if self._is_doubtful:
            await self.load()

    async def change(
        self, merchant: MerchantId, endpoint: EndpointId, unit: Callable[[Session], Result]
    ) -> Result:
        """Run a unit of work that may change this endpoint, and follow it.

        Once begun it is finished even when the caller stops waiting: otherwise the memory would
        lag behind the database until the next start.
        """
        return await asyncio.shield(asyncio.create_task(self._change(merchant, endpoint, unit)))

    def enabled(self, endpoint: EndpointId) -> Sealed | None:
        """The endpoint, if it gets events."""
        entry = self._enabled.get(endpoint)
        return None if entry is None else entry.sealed

    def waiting_for(self, event: Event) -> list[EndpointId]:
        """Which endpoints want this event."""
        entries = self._of_merchant.get(event.merchant)
        return [] if entries is None else [entry.id for entry in entries if entry.wants(event)]

    async def _change(
        self, merchant: MerchantId, endpoint: EndpointId, unit: Callable[[Session], Result]
    ) -> Result:
        def both(session: Session) -> tuple[Result, Sealed | None]:
            result = unit(session)
            return result, endpoints.one(session, merchant, endpoint)

        async with self._one_change:
            try:
                result, sealed = await self._database.write(both)
            except Unavailable:
                self._is_doubtful = True
                raise
            self._drop(merchant, endpoint)
            if sealed is not None:
                self._put(sealed)
        return result

    def _put(self, sealed: Sealed) -> None:
        endpoint = sealed.endpoint
        if endpoint.status is EndpointStatus.ENABLED:
            entry = self._enabled[endpoint.id] = _Entry(sealed)
            self._of_merchant.setdefault(endpoint.merchant, []).append(entry)

    def _drop(self, merchant: MerchantId, endpoint: EndpointId) -> None:
        entry = self._enabled.pop(endpoint, None)
        if entry is None:
            return
        entries = self._of_merchant[merchant]
        entries.remove(entry)
        if not entries:
            del self._of_merchant[merchant]
