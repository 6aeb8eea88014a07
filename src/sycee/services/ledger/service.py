"""Keeps the contract: apply in memory, write the journal, and only then answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from sycee.kernel.clock import Clock, Instant
from sycee.kernel.refusal import Unavailable
from sycee.runtime import logs, metrics
from sycee.services.ledger.contract import (
    BATCH_MAX,
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
from sycee.services.ledger.domain.engine import Engine, Reading
from sycee.services.ledger.domain.entry import ACCOUNTS, TRANSFERS, Call, Entry, called
from sycee.services.ledger.domain.record import check_records, check_size

_log = logs.logger("ledger")
Answer = TypeVar("Answer")

_AT_ONCE_MAX = 256
"""Events that are applied on the event loop; more of them in a thread, where it may go on."""


class Journal(Protocol):
    """Where entries are kept."""

    async def append(self, timestamp: int, body: bytes) -> None:
        """Add the next entry; returns when it is on disk. Raises ``Unavailable`` when it may not
        be, and then nothing may be added any more."""
        ...


class _Results(NamedTuple):
    """The codes of a call, and the nanosecond of its last event."""

    codes: Sequence[int]
    timestamp: Instant


class _Waiting(NamedTuple):
    """A write that waits for its batch."""

    call: Call
    answer: asyncio.Future[_Results]

    @property
    def events(self) -> int:
        return self.call.events


class _Recorded(NamedTuple):
    """Calls that are in the books, and not on disk yet."""

    calls: list[_Waiting]
    begin: int
    entry: Entry
    timestamp: int


class LedgerService:
    """The books in memory and their journal on disk.

    Calls that arrive while an entry is being written leave together in the next one, which is
    applied meanwhile. So the books are ahead of the disk, by two entries at most; nobody is shown
    them until the disk has caught up; when it never will, because a write failed, nobody is shown
    them at all: the ledger stops, and a restart brings back what is durable.
    """

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        clock: Clock,
        queue_events_max: int,
        is_threaded: bool = False,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._clock = clock
        self._queue_events_max = queue_events_max
        self._is_threaded = is_threaded
        self._queue: deque[_Waiting] = deque()
        self._queued_events = 0
        self._in_flight: list[_Waiting] = []
        self._reads: deque[Callable[[], None]] = deque()
        self._is_stopped = False
        self._committer: asyncio.Task[None] | None = None

    async def create_accounts(self, command: Accounts) -> AccountResults:
        check_size(len(command.accounts))
        results = await self._submit(called(command))
        return AccountResults(tuple(map(int, results.codes)))

    async def create_transfers(self, command: Transfers) -> TransferResults:
        check_size(len(command.transfers))
        results = await self._submit(called(command))
        return TransferResults(tuple(map(int, results.codes)), results.timestamp)

    async def record_accounts(self, command: Records) -> RecordResults:
        return await self._record(ACCOUNTS, command)

    async def record_transfers(self, command: Records) -> RecordResults:
        return await self._record(TRANSFERS, command)

    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        check_size(len(query.ids))
        return await self._read(lambda: self._engine.lookup_accounts(query))

    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        check_size(len(query.ids))
        return await self._read(lambda: self._engine.lookup_transfers(query))

    async def list_transfers(self, query: ListTransfers) -> Transfers:
        check_size(query.limit)
        return await self._read(lambda: self._engine.list_transfers(query))

    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return await self._read(lambda: self._engine.trial_balance(query))

    async def balances_at(self, query: BalancesAt) -> Accounts:
        check_size(len(query.ids))
        return await self._read(lambda: self._engine.balances_at(query))

    async def list_changes(self, query: ListChanges) -> Changes:
        check_size(query.limit)
        return await self._read(lambda: self._engine.list_changes(query))

    async def expire_due(self) -> None:
        """Journal the time of day when a pending transfer's time is up and no call has come.

        Every entry expires what is due when it begins; an empty one does nothing else.
        """
        now = self._clock.now()
        if not self._is_stopped and await self._read(lambda: self._engine.is_due(now)):
            await self.create_transfers(Transfers(()))

    async def check(self) -> None:
        """Compare what must always be equal; a breach stops the ledger before it is built upon."""
        if self._is_stopped:
            return
        found = await self._read(self._engine.breaches)
        metrics.ledger_breaches().set(len(found))
        if found:
            _log.fault("books_breached", breaches="; ".join(found))
            self._is_stopped = True

    async def _record(self, kind: int, command: Records) -> RecordResults:
        check_records(command)
        results = await self._submit(Call(kind, command.records))
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

    async def _read(self, query: Callable[[], Answer]) -> Answer:
        self._check_running()
        if self._committer is None:
            return query()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answer_now() -> None:
            if answer.done():
                return
            if self._is_stopped:
                answer.set_exception(_stopped())
            else:
                _answer(answer, query)

        self._reads.append(answer_now)
        return await answer

    async def _commit_all(self) -> None:
        try:
            await self._keep_committing()
        except Unavailable:
            _log.fault("ledger_stopped", timestamp=self._engine.timestamp)
            self._is_stopped = True
        except BaseException:
            self._is_stopped = True
            raise
        finally:
            self._committer = None
            if self._is_stopped:
                self._refuse_all()

    async def _keep_committing(self) -> None:
        """Apply the next entry while the one before is written; between two, answer reads."""
        writing: asyncio.Task[None] | None = None
        try:
            while self._queue or writing:
                recorded = None
                if self._queue and not (self._reads and writing):
                    recorded = await self._apply(self._next_calls())
                if writing:
                    await writing
                    writing = None
                if recorded:
                    writing = asyncio.create_task(self._write(recorded))
                else:
                    self._answer_reads()
        finally:
            if writing:
                writing.cancel()

    def _next_calls(self) -> list[_Waiting]:
        calls = [self._queue.popleft()]
        events = calls[0].events
        while self._queue and events + self._queue[0].events <= BATCH_MAX:
            calls.append(self._queue.popleft())
            events += calls[-1].events
        self._queued_events -= events
        self._in_flight += calls
        return calls

    async def _apply(self, calls: list[_Waiting]) -> _Recorded:
        begin = max(self._clock.now(), self._engine.timestamp + 1)
        given = [waiting.call for waiting in calls]
        events = sum(call.events for call in given)
        if self._is_threaded and events > _AT_ONCE_MAX:
            entry = await asyncio.to_thread(self._engine.apply, begin, given)
        else:
            entry = self._engine.apply(begin, given)
        metrics.ledger_entry_events().observe(events)
        return _Recorded(calls, begin, entry, self._engine.timestamp)

    async def _write(self, recorded: _Recorded) -> None:
        await self._journal.append(recorded.begin, recorded.entry.body)
        timestamp = recorded.timestamp - sum(waiting.events for waiting in recorded.calls)
        for waiting, codes in zip(recorded.calls, recorded.entry.codes, strict=True):
            timestamp += waiting.events
            if not waiting.answer.done():
                waiting.answer.set_result(_Results(codes, Instant(timestamp)))
        del self._in_flight[: len(recorded.calls)]

    def _answer_reads(self) -> None:
        while self._reads:
            self._reads.popleft()()

    def _refuse_all(self) -> None:
        for waiting in (*self._in_flight, *self._queue):
            if not waiting.answer.done():
                waiting.answer.set_exception(_stopped())
        self._in_flight.clear()
        self._queue.clear()
        self._answer_reads()

    def _check_running(self) -> None:
        if self._is_stopped:
            raise _stopped()


class ReplayedLedger:
    """Books made from a journal, to be read and never written."""

    def __init__(self, books: Reading) -> None:
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
        return self._books.lookup_accounts(query)

    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        return self._books.lookup_transfers(query)

    async def list_transfers(self, query: ListTransfers) -> Transfers:
        return self._books.list_transfers(query)

    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return self._books.trial_balance(query)

    async def balances_at(self, query: BalancesAt) -> Accounts:
        return self._books.balances_at(query)

    async def list_changes(self, query: ListChanges) -> Changes:
        return self._books.list_changes(query)


def _only_for_reading() -> Unavailable:
    return Unavailable("these books are only for reading")


def _stopped() -> Unavailable:
    return Unavailable("the ledger stopped: its journal could not be written, or its books broke")


def _answer(answer: asyncio.Future[Answer], query: Callable[[], Answer]) -> None:
    """Let a read that fails fail alone."""
    try:
        answer.set_result(query())
    except Exception as fault:  # noqa: BLE001 - it is raised where the answer is awaited.
        answer.set_exception(fault)
