"""Keeps the ledger's contract with a TigerBeetle cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sycee.services.ledger.adapters.tigerbeetle import changes, sums
from sycee.services.ledger.adapters.tigerbeetle.cluster import LANES, Cluster
from sycee.services.ledger.adapters.tigerbeetle.library import load
from sycee.services.ledger.adapters.tigerbeetle.messages import RECORD_BYTES, Operation
from sycee.services.ledger.adapters.tigerbeetle.past import account_at
from sycee.services.ledger.adapters.tigerbeetle.reads import Reads
from sycee.services.ledger.adapters.tigerbeetle.session import Session, Wire
from sycee.services.ledger.contract import (
    Account,
    AccountResults,
    Accounts,
    BalancesAt,
    Changes,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    RecordResults,
    Records,
    TransferResults,
    Transfers,
    TrialBalance,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.record import (
    check_records,
    check_size,
    encode_accounts,
    encode_transfers,
)

_PAST_AT_ONCE = 32
"""Accounts whose past is looked for at the same time, for one call."""
_RESERVED = range(92, 96)
"""Where a transfer's record has its timeout, and an account's has nothing."""


def over_library(cluster_id: int, addresses: str) -> Callable[[], Wire]:
    """Opens sessions with a cluster through the installed client; ``EngineMissing`` without it."""
    library = load()
    return lambda: Session(library, cluster_id, addresses)


class TigerBeetleLedger:
    """Keeps ``Ledger``. Calls that wait at the same time are recorded in any order, in that of
    their arrival when there is one lane."""

    def __init__(
        self,
        open_wire: Callable[[], Wire],
        deadline_s: float,
        queue_events_max: int,
        lanes: int = LANES,
    ) -> None:
        self._cluster = Cluster(open_wire, deadline_s, queue_events_max, lanes)
        self._reads = Reads(self._cluster)

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more calls."""
        return self._cluster.is_closed

    async def close(self) -> None:
        """End the sessions; every call in flight and every later one is ``Unavailable``."""
        await self._cluster.close()

    async def create_accounts(self, command: Accounts) -> AccountResults:
        check_size(len(command.accounts))
        records = encode_accounts(command.accounts)
        results = await self._cluster.write(Operation.CREATE_ACCOUNTS, records)
        return AccountResults(tuple(results.codes))

    async def create_transfers(self, command: Transfers) -> TransferResults:
        check_size(len(command.transfers))
        records = encode_transfers(command.transfers)
        results = await self._cluster.write(Operation.CREATE_TRANSFERS, records)
        return TransferResults(tuple(results.codes), results.timestamp)

    async def record_accounts(self, command: Records) -> RecordResults:
        check_records(command)
        records = _without_reserved(command.records)
        return await self._cluster.write(Operation.CREATE_ACCOUNTS, records)

    async def record_transfers(self, command: Records) -> RecordResults:
        check_records(command)
        return await self._cluster.write(Operation.CREATE_TRANSFERS, command.records)

    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        check_size(len(query.ids))
        return Accounts((await self._reads.accounts(query.ids)).accounts)

    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        check_size(len(query.ids))
        return Transfers(await self._reads.transfers(query.ids))

    async def list_transfers(self, query: ListTransfers) -> Transfers:
        check_size(query.limit)
        if query.limit <= 0:
            return Transfers(())
        first = max(query.after, 0) + 1
        return Transfers(await self._reads.transfers_of(query.account, first, limit=query.limit))

    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return await sums.trial_balance(self._reads, query)

    async def balances_at(self, query: BalancesAt) -> Accounts:
        check_size(len(query.ids))
        page = await self._reads.accounts(query.ids)
        at = query.timestamp
        if at >= page.read_at:
            return Accounts(page.accounts)
        some = asyncio.Semaphore(_PAST_AT_ONCE)

        async def as_it_stood(now: Account) -> Account:
            async with some:
                return await account_at(self._reads, now, at)

        known = (account for account in page.accounts if account.timestamp <= at)
        return Accounts(tuple(await asyncio.gather(*map(as_it_stood, known))))

    async def list_changes(self, query: ListChanges) -> Changes:
        check_size(query.limit)
        return await changes.list_changes(self._reads, query)


def _without_reserved(records: bytes) -> bytes:
    """Accounts' records as the contract reads them: what is reserved is of no account."""
    cleaned = bytearray(records)
    nothing = bytes(len(records) // RECORD_BYTES)
    for place in _RESERVED:
        cleaned[place::RECORD_BYTES] = nothing
    return bytes(cleaned)
