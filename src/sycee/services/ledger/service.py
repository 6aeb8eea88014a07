"""Keeps the contract: apply in memory, write the journal, and only then answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from sycee.kernel.clock import Clock, Instant
from sycee.kernel.refusal import Unavailable
from sycee.runtime import logs
from sycee.runtime.database import Database
from sycee.services.ledger import store
from sycee.services.ledger.contract import (
    BATCH_MAX,
    AccountResults,
    Accounts,
    BalancesAt,
    BatchTooLarge,
    Changes,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    RecordResults,
    Records,
    RecordsMisshapen,
    TransferResults,
    Transfers,
    TrialBalance,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.entry import (
    ACCOUNTS,
    TRANSFERS,
    Call,
    apply,
    called,
    called_with,
)
from sycee.services.ledger.domain.journal import Replay, following
from sycee.services.ledger.domain.record import RECORD_BYTES

_log = logs.logger("ledger")
Answer = TypeVar("Answer")


class _Results(NamedTuple):
    """The codes of a call, and the nanosecond of its last event."""

    codes: list[int]
    timestamp: Instant


class _Waiting(NamedTuple):
    """A write that waits for its batch."""

    call: Call
    answer: asyncio.Future[_Results]

    @property
    def events(self) -> int:
        return self.call.events


class LedgerService:
    """The books in memory and their journal on disk.

    Calls that arrive while a batch is being written leave together in the next one. The books
    change before the disk does, so nobody is shown them until the disk has caught up; when it
    never will, because a write failed, nobody is shown them at all: the ledger stops, and a
    restart brings back what is durable.
    """

    def __init__(
        self, database: Database, clock: Clock, replay: Replay, queue_events_max: int
    ) -> None:
        self._database = database
        self._clock = clock
        self._books = replay.books
        self._head = replay.head
        self._queue_events_max = queue_events_max
        self._queue: deque[_Waiting] = deque()
        self._queued_events = 0
        self._in_flight: list[_Waiting] = []
        self._reads: list[Callable[[], None]] = []
        self._is_durable = True
        self._is_stopped = False
        self._committer: asyncio.Task[None] | None = None

    async def create_accounts(self, command: Accounts) -> AccountResults:
        _check_size(len(command.accounts))
        results = await self._submit(called(command))
        return AccountResults(tuple(results.codes))

    async def create_transfers(self, command: Transfers) -> TransferResults:
        _check_size(len(command.transfers))
        results = await self._submit(called(command))
        return TransferResults(tuple(results.codes), results.timestamp)

    async def record_accounts(self, command: Records) -> RecordResults:
        return await self._record(ACCOUNTS, command)

    async def record_transfers(self, command: Records) -> RecordResults:
        return await self._record(TRANSFERS, command)

    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        _check_size(len(query.ids))
        return await self._read(lambda books: read.lookup_accounts(books, query))

    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        _check_size(len(query.ids))
        return await self._read(lambda books: read.lookup_transfers(books, query))

    async def list_transfers(self, query: ListTransfers) -> Transfers:
        _check_size(query.limit)
        return await self._read(lambda books: read.list_transfers(books, query))

    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return await self._read(lambda books: read.trial_balance(books, query))

    async def balances_at(self, query: BalancesAt) -> Accounts:
        _check_size(len(query.ids))
        return await self._read(lambda books: read.balances_at(books, query))

    async def list_changes(self, query: ListChanges) -> Changes:
        _check_size(query.limit)
        return await self._read(lambda books: read.list_changes(books, query))

    async def expire_due(self) -> None:
        """Journal the time of day when a pending transfer's time is up and no call has come.

        Every batch expires what is due when it begins; an empty one does nothing else.
        """
        now = max(self._clock.now(), self._books.timestamp)
        if not self._is_stopped and self._books.next_due(now) is not None:
            await self.create_transfers(Transfers(()))

    async def _record(self, kind: int, command: Records) -> RecordResults:
        check_records(command)
        results = await self._submit(called_with(kind, command.records))
        return RecordResults(bytes(results.codes), results.timestamp)

    async def _submit(self, call: Call) -> _Results:
        self._check_running()
        if self._queued_events + call.events > self._queue_events_max:
            raise Unavailable("the ledger has more work waiting than it takes on")
        answer: asyncio.Future[_Results] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(call, answer))
        self._queued_events += call.events
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_all())
        return await answer

    async def _read(self, query: Callable[[Books], Answer]) -> Answer:
        self._check_running()
        if self._is_durable:
            return query(self._books)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answer_now() -> None:
            if answer.done():
                return
            if self._is_stopped:
                answer.set_exception(_stopped())
            else:
                answer.set_result(query(self._books))

        self._reads.append(answer_now)
        return await answer

    async def _commit_all(self) -> None:
        try:
            while self._queue:
                await self._commit(self._next_batch())
        except Unavailable:
            _log.fault("ledger_stopped", batch=self._head.seq + 1)
        finally:
            self._committer = None
            if not self._is_durable:
                self._stop()

    def _next_batch(self) -> list[_Waiting]:
        calls = [self._queue.popleft()]
        events = calls[0].events
        while self._queue and events + self._queue[0].events <= BATCH_MAX:
            calls.append(self._queue.popleft())
            events += calls[-1].events
        self._queued_events -= events
        return calls

    async def _commit(self, calls: list[_Waiting]) -> None:
        self._is_durable = False
        self._in_flight = calls
        begin = max(self._clock.now(), self._books.timestamp + 1)
        entry = apply(self._books, begin, [waiting.call for waiting in calls])
        batch = following(self._head, begin, entry.body)
        await self._database.write(lambda session: store.append(session, batch))
        self._head = batch
        self._in_flight = []
        self._is_durable = True
        self._answer_writes(calls, entry.codes)
        self._answer_reads()

    def _answer_writes(self, calls: list[_Waiting], codes: list[list[int]]) -> None:
        timestamp = self._books.timestamp - sum(waiting.events for waiting in calls)
        for waiting, results in zip(calls, codes, strict=True):
            timestamp += waiting.events
            if not waiting.answer.done():
                waiting.answer.set_result(_Results(results, Instant(timestamp)))

    def _answer_reads(self) -> None:
        reads, self._reads = self._reads, []
        for answer_now in reads:
            answer_now()

    def _stop(self) -> None:
        self._is_stopped = True
        for call in (*self._in_flight, *self._queue):
            if not call.answer.done():
                call.answer.set_exception(_stopped())
        self._queue.clear()
        self._answer_reads()

    def _check_running(self) -> None:
        if self._is_stopped:
            raise _stopped()


class ReplayedLedger:
    """Books made from a journal, to be read and never written."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def create_accounts(self, command: Accounts) -> AccountResults:
        raise _only_for_reading()

    async def create_transfers(self, command: Transfers) -> TransferResults:
        raise _only_for_reading()

    async def record_accounts(self, command: Records) -> RecordResults:
        raise _only_for_reading()

    async def record_transfers(self, command: Records) -> RecordResults:
        raise _only_for_reading()

    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        return read.lookup_accounts(self._books, query)

    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        return read.lookup_transfers(self._books, query)

    async def list_transfers(self, query: ListTransfers) -> Transfers:
        return read.list_transfers(self._books, query)

    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return read.trial_balance(self._books, query)

    async def balances_at(self, query: BalancesAt) -> Accounts:
        return read.balances_at(self._books, query)

    async def list_changes(self, query: ListChanges) -> Changes:
        return read.list_changes(self._books, query)


def _only_for_reading() -> Unavailable:
    return Unavailable("these books are only for reading")


def check_records(command: Records) -> None:
    """Refuse what is not a batch of records."""
    events, rest = divmod(len(command.records), RECORD_BYTES)
    if rest:
        raise RecordsMisshapen(f"{len(command.records)} bytes; a record has {RECORD_BYTES}")
    _check_size(events)


def _check_size(events: int) -> None:
    if events > BATCH_MAX:
        raise BatchTooLarge(f"{events} at once; {BATCH_MAX} are allowed")


def _stopped() -> Unavailable:
    return Unavailable("the ledger stopped because its journal could not be written")
