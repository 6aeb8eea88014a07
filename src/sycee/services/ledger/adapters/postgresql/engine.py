"""Keeps the contract on PostgreSQL: one writer, batches shared by callers, answers after commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple, TypeVar

import asyncpg
import msgspec

from sycee.kernel.clock import Clock, Instant
from sycee.kernel.refusal import Unavailable
from sycee.runtime import logs, metrics
from sycee.services.ledger.adapters.postgresql import book, rows
from sycee.services.ledger.adapters.postgresql.book import Claim, Connection, Deposed, Position
from sycee.services.ledger.adapters.postgresql.excerpt import questions_of
from sycee.services.ledger.adapters.postgresql.plain import (
    PlainBatch,
    Standing,
    Standings,
    accounts_of,
)
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
from sycee.services.ledger.domain.entry import ACCOUNTS, TRANSFERS, Call, called
from sycee.services.ledger.domain.record import RECORD_BYTES, check_records, check_size

_log = logs.logger("ledger")
Answer = TypeVar("Answer")


class Options(msgspec.Struct, frozen=True):
    """How the engine works."""

    dsn: str
    holder: str = "sycee"
    """Who this writer is, in the table of the fence."""
    patience_s: float = 10.0
    """How long a holder of the lock may show no life before another writer takes over."""
    reconnect_s: float = 5.0
    """How long a call waits for a server that went away."""
    readers: int = 4
    """Queries that run at once; more wait for their turn."""
    queue_events_max: int = 65_536
    """Events that may wait; beyond, calls are refused as unavailable."""
    batch_events_max: int = BATCH_MAX
    """Events in one transaction; a call is never divided."""
    standings_max: int = 200_000
    """Accounts whose balances are kept in memory."""


class _Results(NamedTuple):
    """The codes of a call, and the nanosecond of its last event."""

    codes: bytes
    timestamp: Instant


class _Waiting(NamedTuple):
    """A write that waits for its batch."""

    kind: int
    records: bytes
    answer: asyncio.Future[_Results]

    @property
    def events(self) -> int:
        return len(self.records) // RECORD_BYTES


class _Batch(NamedTuple):
    """Calls that are recorded together; ``plain`` has their rows when they can go the short way."""

    calls: list[_Waiting]
    plain: PlainBatch | None
    after: Position
    """Where the books will be; of a batch that goes by the rules, where they were."""


class PostgresqlLedger:
    """The books in a PostgreSQL database, which this process alone writes.

    What is recorded is decided here and added in one transaction, which begins at the fence: a
    writer that was taken for dead and comes back is refused there, and stops. While a plain batch
    is being written, the next one is prepared; it is thrown away when the first one fails.
    """

    def __init__(
        self,
        options: Options,
        clock: Clock,
        connection: Connection,
        readers: asyncpg.Pool[asyncpg.Record],
        claim: Claim,
    ) -> None:
        self._options = options
        self._clock = clock
        self._connection: Connection | None = connection
        self._readers = readers
        self._epoch = claim.epoch
        self._position = claim.position
        self._standings: Standings = {}
        self._queue: deque[_Waiting] = deque()
        self._queued_events = 0
        self._in_flight: list[_Waiting] = []
        self._committer: asyncio.Task[None] | None = None
        self._stopped: str = ""

    async def create_accounts(self, command: Accounts) -> AccountResults:
        check_size(len(command.accounts))
        results = await self._submit(ACCOUNTS, called(command).records)
        return AccountResults(tuple(results.codes))

    async def create_transfers(self, command: Transfers) -> TransferResults:
        check_size(len(command.transfers))
        results = await self._submit(TRANSFERS, called(command).records)
        return TransferResults(tuple(results.codes), results.timestamp)

    async def record_accounts(self, command: Records) -> RecordResults:
        check_records(command)
        results = await self._submit(ACCOUNTS, command.records)
        return RecordResults(results.codes, results.timestamp)

    async def record_transfers(self, command: Records) -> RecordResults:
        check_records(command)
        results = await self._submit(TRANSFERS, command.records)
        return RecordResults(results.codes, results.timestamp)

    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        check_size(len(query.ids))
        return Accounts(tuple(await self._read(lambda c: book.lookup_accounts(c, query.ids))))

    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        check_size(len(query.ids))
        return Transfers(tuple(await self._read(lambda c: book.lookup_transfers(c, query.ids))))

    async def list_transfers(self, query: ListTransfers) -> Transfers:
        check_size(query.limit)
        found = await self._read(
            lambda c: book.list_transfers(c, query.account, query.after, query.limit)
        )
        return Transfers(tuple(found))

    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return TrialBalance(tuple(await self._read(lambda c: book.trial_balance(c, query.ledger))))

    async def balances_at(self, query: BalancesAt) -> Accounts:
        check_size(len(query.ids))
        found = await self._read(lambda c: book.balances_at(c, query.ids, query.timestamp))
        return Accounts(tuple(found))

    async def list_changes(self, query: ListChanges) -> Changes:
        check_size(query.limit)
        found = await self._read(lambda c: book.list_changes(c, query.after, query.limit))
        return Changes(tuple(found))

    async def expire_due(self) -> None:
        """Record what is due though nobody calls; when nothing is, show that this writer lives."""
        if self._stopped or self._committer is not None:
            return
        if self._is_due(max(self._clock.now(), self._position.timestamp + 1)):
            await self._submit(TRANSFERS, b"")
            return
        self._committer = asyncio.create_task(self._keep(self._beat))
        await self._committer

    async def close(self) -> None:
        """Finish what is queued, then let go of the lock. Later calls raise ``Unavailable``."""
        self._stopped = self._stopped or "the ledger is closed"
        if self._committer is not None:
            await asyncio.wait({self._committer})
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await _closed(connection)
        self._readers.terminate()

    async def _submit(self, kind: int, records: bytes) -> _Results:
        self._check_running()
        events = len(records) // RECORD_BYTES
        if self._queued_events + events > self._options.queue_events_max:
            raise Unavailable("the ledger has more work waiting than it takes on")
        answer: asyncio.Future[_Results] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(kind, records, answer))
        self._queued_events += events
        if self._committer is None:
            self._committer = asyncio.create_task(self._keep(self._commit_all))
        return await answer

    async def _read(self, query: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        """Run a query; a connection that stood idle may have gone, so it is tried once more."""
        for is_last in (False, True):
            try:
                async with self._readers.acquire() as connection:
                    return await query(connection)
            except book.FAULTS as fault:
                if not book.is_lost(fault):
                    raise
                if is_last or self._readers.is_closing():
                    raise Unavailable("the ledger's database is away") from fault
        raise AssertionError("the last attempt answers or raises")

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run the writer's work; whatever goes wrong, nobody waits for an answer in vain."""
        try:
            await work()
        except Deposed:
            self._stop("another writer has taken over; this one stopped")
        except Unavailable:
            self._lose()
        except book.FAULTS as fault:
            if book.is_lost(fault):
                self._lose()
            else:
                self._stop("the ledger stopped: its database refused what the rules allow")
        except BaseException:
            self._stop("the ledger stopped by a fault")
            raise
        finally:
            self._committer = None
        if self._queue and not self._stopped:
            self._committer = asyncio.create_task(self._keep(self._commit_all))

    async def _beat(self) -> None:
        await book.beat(await self._writing(), self._epoch)

    async def _commit_all(self) -> None:
        ahead: _Batch | None = None
        connection = await self._writing()
        while ahead is not None or self._queue:
            batch = ahead or await self._first_batch()
            ahead = None
            if batch.plain is None:
                await self._write_by_rules(connection, batch.calls)
                continue
            writing = asyncio.create_task(self._write_plain(connection, batch, batch.plain))
            try:
                if self._queue:
                    ahead = await self._next_batch(batch.after)
            finally:
                is_written = await writing
            if not is_written:
                if ahead is not None:
                    self._put_back(ahead.calls)
                    ahead = None
                await self._write_by_rules(connection, batch.calls)

    def _put_back(self, calls: list[_Waiting]) -> None:
        """What was prepared on top of a batch that failed waits again, at the front."""
        self._queue.extendleft(reversed(calls))
        self._queued_events += sum(call.events for call in calls)
        del self._in_flight[-len(calls) :]

    async def _first_batch(self) -> _Batch:
        """The next batch while none is under way, when old standings may be let go."""
        if len(self._standings) > self._options.standings_max:
            self._standings.clear()
        return await self._next_batch(self._position)

    async def _next_batch(self, position: Position) -> _Batch:
        calls = [self._queue.popleft()]
        events = calls[0].events
        while self._queue and events + self._queue[0].events <= self._options.batch_events_max:
            calls.append(self._queue.popleft())
            events += calls[-1].events
        self._queued_events -= events
        self._in_flight += calls
        begin = max(self._clock.now(), position.timestamp + 1)
        if not events or self._is_due(begin) or any(call.kind == ACCOUNTS for call in calls):
            return _Batch(calls, None, position)
        plain = PlainBatch(self._standings, begin, position.sequence)
        after = Position(begin + events, position.sequence + events, position.next_due)
        if await self._is_plain(plain, b"".join(call.records for call in calls)):
            return _Batch(calls, plain, after)
        plain.undo()
        return _Batch(calls, None, position)

    async def _is_plain(self, plain: PlainBatch, records: bytes) -> bool:
        unknown = accounts_of(records) - self._standings.keys()
        if unknown:
            await self._load(unknown)
        for is_plain in plain.take(records):
            if not is_plain:
                return False
            await asyncio.sleep(0)
        return True

    async def _load(self, unknown: set[bytes]) -> None:
        ids = [int.from_bytes(number, "little") for number in unknown]
        for account in await self._read(lambda c: book.lookup_accounts(c, ids)):
            self._standings[account.id.to_bytes(16, "little")] = Standing(account)

    async def _write_plain(self, connection: Connection, batch: _Batch, plain: PlainBatch) -> bool:
        """Record the batch and answer; False when it has to go by the rules."""
        begin = perf_counter()
        try:
            stream = rows.copied(plain.rows)
            await book.record_plain(connection, self._epoch, stream, batch.after)
        except book.IdKnown:
            await book.roll_back(connection)
            return False
        self._position = batch.after
        self._answer(batch.calls, [bytes(call.events) for call in batch.calls], begin)
        return True

    async def _write_by_rules(self, connection: Connection, calls: list[_Waiting]) -> None:
        started = perf_counter()
        begin = max(self._clock.now(), self._position.timestamp + 1)
        decoded = [_decoded(call.kind, call.records) for call in calls]
        await book.begin(connection, self._epoch)
        found = await book.excerpt(connection, questions_of(decoded), begin)
        decided = found.decide(begin, self._position.sequence, decoded)
        self._standings.clear()
        self._position = await book.record(connection, decided)
        self._answer(calls, [*map(bytes, decided.codes)], started)

    def _answer(self, calls: list[_Waiting], codes: list[bytes], begin: float) -> None:
        """What was committed: the first of what is in flight, up to the position."""
        metrics.group_units("ledger").observe(len(calls))
        metrics.commit_seconds("ledger").observe(perf_counter() - begin)
        del self._in_flight[: len(calls)]
        timestamp = self._position.timestamp - sum(call.events for call in calls)
        for call, results in zip(calls, codes, strict=True):
            timestamp += call.events
            if not call.answer.done():
                call.answer.set_result(_Results(results, Instant(timestamp)))

    async def _writing(self) -> Connection:
        """The writer's connection; a new one when the last was lost and nobody took over."""
        if self._connection is None or self._connection.is_closed():
            async with asyncio.timeout(self._options.reconnect_s):
                connection = await book.connect(self._options.dsn, "writer")
                try:
                    patience_s = self._options.patience_s
                    claim = await book.claim(
                        connection, self._options.holder, patience_s, self._epoch
                    )
                except BaseException:
                    connection.terminate()
                    raise
            self._connection, self._epoch = connection, claim.epoch
            self._position = claim.position
        return self._connection

    def _is_due(self, begin: int) -> bool:
        due = self._position.next_due
        return due is not None and due <= begin

    def _lose(self) -> None:
        """The server is away: nobody knows what became of the batch in hand."""
        _log.fault("ledger_database_lost")
        self._forget("the ledger's database is away")
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _stop(self, why: str) -> None:
        _log.fault("ledger_stopped", why=why)
        self._stopped = why
        self._forget(why)
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _forget(self, why: str) -> None:
        for call in (*self._in_flight, *self._queue):
            if not call.answer.done():
                call.answer.set_exception(Unavailable(why))
        self._in_flight = []
        self._queue.clear()
        self._queued_events = 0
        self._standings.clear()

    def _check_running(self) -> None:
        if self._stopped:
            raise Unavailable(self._stopped)


async def open_postgresql(options: Options, clock: Clock) -> PostgresqlLedger:
    """The ledger on a database; waits until this process is its one writer."""
    connection = await book.connect(options.dsn, "writer")
    try:
        await book.prepare(connection)
        claim = await book.claim(connection, options.holder, options.patience_s)
        readers = await book.pool(options.dsn, options.readers)
    except BaseException:
        connection.terminate()
        raise
    return PostgresqlLedger(options, clock, connection, readers, claim)


def _decoded(kind: int, records: bytes) -> Call:
    return Call(kind, records, Call(kind, records).command)


async def _closed(connection: Connection) -> None:
    try:
        await connection.close(timeout=book.CONNECT_S)
    except book.FAULTS:
        connection.terminate()
