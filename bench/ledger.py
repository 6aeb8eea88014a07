"""Transfers per second: in memory, durable through the contract at 1 and 64 callers, at replay.

Prints one JSON object. Bars: 15 µs for a transfer in memory; 50,000 transfers/s at replay.
"""

from __future__ import annotations

import asyncio
import itertools
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.machine import report
from sycee.kernel.clock import Instant
from sycee.kernel.ids import derived_number
from sycee.kernel.u128 import U128
from sycee.runtime.database import Row, Session, Value
from sycee.services.ledger import jobs
from sycee.services.ledger.contract import (
    ALL,
    Account,
    AccountId,
    Accounts,
    Transfer,
    TransferFlags,
    TransferId,
    Transfers,
)
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.entry import apply, called
from sycee.services.ledger.domain.journal import BEGINNING, Replay
from sycee.services.ledger.service import LedgerService
from sycee.services.ledger.store import DatabaseJournal

Result = TypeVar("Result")
SECONDS = 3.0
PAYMENTS = 20_000
MERCHANTS = 50
CLEARING = AccountId(U128(1))
RAIL = AccountId(U128(2))
FEES = AccountId(U128(3))
PENDING = int(TransferFlags.PENDING)
POST = int(TransferFlags.POST_PENDING)
LINKED = int(TransferFlags.LINKED)
SCHEMA = Path(jobs.__file__).parents[1] / "schema.sql"


class Figures(msgspec.Struct, frozen=True):
    """What was measured."""

    memory_us_per_pending_transfer: float
    memory_us_per_chain_of_three: float
    memory_bytes_per_transfer: int
    replay_transfers_per_s: int
    durable_transfers_per_s_1_caller: int
    durable_transfers_per_s_64_callers: int
    durable_journal_batches_64_callers: int
    disk: str = "SQLite, WAL, synchronous=FULL"


class MachineClock:
    """The machine's time."""

    def now(self) -> Instant:
        return Instant(time.time_ns())

    def monotonic_s(self) -> float:
        return time.monotonic()


class Connection:
    """A session straight on a connection; the ledger publishes nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, *values: Value) -> int:
        return self._connection.execute(sql, values).rowcount

    def row(self, sql: str, *values: Value) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def rows(self, sql: str, *values: Value) -> Sequence[Row]:
        return self._connection.execute(sql, values).fetchall()

    def publish(self, topic: str, key: str, payload: bytes) -> None:
        raise NotImplementedError


class Disk:
    """The least that keeps the promise of ``Database`` for one writer: commits in a thread."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(SCHEMA.read_text())
        self._session: Session = Connection(self._connection)

    async def write(self, unit: Callable[[Session], Result]) -> Result:
        result = unit(self._session)
        await asyncio.to_thread(self._connection.commit)
        return result

    async def read(self, query: Callable[[Session], Result]) -> Result:
        return query(self._session)

    async def close(self) -> None:
        self._connection.close()


def merchant(number: int) -> AccountId:
    """The account of a merchant."""
    return AccountId(U128(10 + number % MERCHANTS))


def opening() -> Accounts:
    """All accounts."""
    ids = [CLEARING, RAIL, FEES, *map(merchant, range(MERCHANTS))]
    return Accounts(tuple(Account(account, 840, 1) for account in ids))


def transfer_id(number: int, step: str) -> TransferId:
    """The id of a payment's step, as payments derives it."""
    return TransferId(U128(derived_number(str(number), step)))


def reservation(number: int) -> Transfers:
    """What creating a payment asks of the ledger."""
    pending = Transfer(
        transfer_id(number, "reserve"),
        CLEARING,
        merchant(number),
        U128(2000),
        840,
        1,
        PENDING,
        timeout_s=604_800,
    )
    return Transfers((pending,))


def capture(number: int) -> Transfers:
    """What capturing it asks."""
    return Transfers(
        (
            Transfer(
                transfer_id(number, "post"),
                amount=ALL,
                flags=POST | LINKED,
                pending_id=transfer_id(number, "reserve"),
            ),
            Transfer(transfer_id(number, "rail"), RAIL, CLEARING, U128(2000), 840, 2, LINKED),
            Transfer(transfer_id(number, "fee"), merchant(number), FEES, U128(88), 840, 3),
        )
    )


def timed(books: Books, commands: Sequence[Transfers]) -> float:
    """Microseconds per command, each a batch of its own; all must succeed."""
    begin = time.perf_counter()
    for command in commands:
        codes = apply(books, books.timestamp + 1, [called(command)]).codes[0]
        assert not any(codes), codes
    return round((time.perf_counter() - begin) / len(commands) * 1e6, 2)


def in_memory() -> tuple[float, float, int]:
    """Microseconds per reservation and per capture, and bytes per transfer."""
    books = Books()
    apply(books, 1, [called(opening())])
    reservations = [reservation(number) for number in range(PAYMENTS)]
    captures = [capture(number) for number in range(PAYMENTS)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pending, chain = timed(books, reservations), timed(books, captures)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return pending, chain, grown * 1024 // len(books.transfers)


async def caller(ledger: LedgerService, numbers: Iterator[int], until: float) -> int:
    """Reserve until the time is up; the number of transfers."""
    done = 0
    while time.perf_counter() < until:
        answer = await ledger.create_transfers(reservation(next(numbers)))
        assert answer.codes == (0,)
        done += 1
    return done


async def durable(path: Path, callers: int) -> tuple[int, int]:
    """Transfers per second with so many callers, and how many batches that took."""
    disk = Disk(path)
    journal, engine = DatabaseJournal(disk, BEGINNING), ReferenceEngine(Books())
    ledger = LedgerService(engine, journal, MachineClock(), queue_events_max=65_536)
    await ledger.create_accounts(opening())
    numbers = itertools.count()
    until = time.perf_counter() + SECONDS
    done = await asyncio.gather(*(caller(ledger, numbers, until) for _ in range(callers)))
    audit = await jobs.verify(disk, lambda done, total: None)
    assert audit.findings == ()
    await disk.close()
    return round(sum(done) / SECONDS), audit.batches


async def replayed(path: Path) -> int:
    """Transfers per second when the journal at ``path`` is read and applied again."""
    disk, replay = Disk(path), Replay()
    begin = time.perf_counter()
    await jobs.replay_into(replay, disk, lambda done, total: None)
    took = time.perf_counter() - begin
    await disk.close()
    return round(len(replay.books.transfers) / took)


async def main() -> None:
    """Measure everything."""
    pending, chain, size = in_memory()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        alone, _ = await durable(Path(folder) / "1.sqlite", callers=1)
        crowd, batches = await durable(Path(folder) / "64.sqlite", callers=64)
        replay = await replayed(Path(folder) / "64.sqlite")
    report(Figures(pending, chain, size, replay, alone, crowd, batches))


if __name__ == "__main__":
    asyncio.run(main())
