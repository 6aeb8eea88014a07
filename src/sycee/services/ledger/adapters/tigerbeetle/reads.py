"""Questions to a cluster, one request each, or as few as its bounds allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sycee.services.ledger.adapters.tigerbeetle.cluster import Cluster
from sycee.services.ledger.adapters.tigerbeetle.messages import (
    EVENTS_MAX,
    RECORDS_MAX,
    Event,
    Kind,
    Operation,
    account_filter,
    balance_timestamp,
    events,
    events_filter,
    ids,
    is_instant,
    query_filter,
)
from sycee.services.ledger.adapters.tigerbeetle.session import Reply, TooMuch
from sycee.services.ledger.contract import Account, Transfer
from sycee.services.ledger.domain.bits import TIMESTAMP_MAX
from sycee.services.ledger.domain.record import decode_accounts, decode_transfers

_ID_BYTES = 16


class Page(NamedTuple):
    """Some accounts in order of time, and when the cluster read them."""

    read_at: int
    accounts: tuple[Account, ...]


class EventPage(NamedTuple):
    """Some events in order of time, and when the cluster read them."""

    read_at: int
    events: tuple[Event, ...]


class Reads:
    """Every method sees all that was acknowledged before it is called."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def accounts(self, numbers: Sequence[int]) -> Page:
        """Those that exist, in order of asking; read at once unless they are very many."""
        reply = await self._lookup(Operation.LOOKUP_ACCOUNTS, ids(numbers))
        return Page(reply.timestamp, tuple(decode_accounts(reply.body)))

    async def transfers(self, numbers: Sequence[int]) -> tuple[Transfer, ...]:
        """Those that exist, in order of asking."""
        reply = await self._lookup(Operation.LOOKUP_TRANSFERS, ids(numbers))
        return tuple(decode_transfers(reply.body))

    async def _lookup(self, operation: Operation, numbers: bytes) -> Reply:
        try:
            return await self._cluster.read(operation, numbers)
        except TooMuch:
            middle = len(numbers) // _ID_BYTES // 2 * _ID_BYTES
            assert middle, "a cluster takes at least one id"
        first = await self._lookup(operation, numbers[:middle])
        second = await self._lookup(operation, numbers[middle:])
        return Reply(first.timestamp, first.body + second.body)

    async def opened(self, first: int, ledger: int = 0, limit: int = RECORDS_MAX) -> Page:
        """Accounts that were opened at ``first`` or later, with their balances of now."""
        body = query_filter(first, ledger, min(limit, RECORDS_MAX))
        reply = await self._cluster.read(Operation.QUERY_ACCOUNTS, body)
        return Page(reply.timestamp, tuple(decode_accounts(reply.body)))

    async def transfers_of(
        self,
        account: int,
        first: int = 1,
        last: int = TIMESTAMP_MAX,
        limit: int = RECORDS_MAX,
        latest: bool = False,
    ) -> tuple[Transfer, ...]:
        """One account's transfers between two nanoseconds; the latest first when asked so."""
        if not (ids((account,)) and is_instant(first) and is_instant(last) and first <= last):
            return ()
        body = account_filter(account, first, last, limit, latest)
        reply = await self._cluster.read(Operation.GET_ACCOUNT_TRANSFERS, body)
        return tuple(decode_transfers(reply.body))

    async def last_balance_of(self, account: int, last: int) -> int:
        """When the balances of an account with ``HISTORY`` last changed, by then; 0 if never."""
        body = account_filter(account, 1, last, 1, latest=True)
        reply = await self._cluster.read(Operation.GET_ACCOUNT_BALANCES, body)
        return balance_timestamp(reply.body)

    async def events(
        self, first: int, last: int = TIMESTAMP_MAX, limit: int = EVENTS_MAX
    ) -> EventPage:
        """Change events between two nanoseconds."""
        body = events_filter(first, last, min(limit, EVENTS_MAX))
        reply = await self._cluster.read(Operation.GET_CHANGE_EVENTS, body)
        return EventPage(reply.timestamp, tuple(events(reply.body)))

    async def event(self, timestamp: int) -> Event:
        """The change event of a nanosecond at which there is one."""
        found = (await self.events(timestamp, timestamp, 2)).events
        assert found, "every transfer has its change event"
        # An imported transfer may claim the nanosecond of an expiry.
        return next((each for each in found if each.kind != Kind.EXPIRED), found[0])
