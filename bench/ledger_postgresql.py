"""Transfers per second of the ledger on PostgreSQL, durable, client and server on this machine.

Prints one JSON object. Compared in the same run: one transaction for each transfer, as a ledger is
usually written by hand. With ``--dsn`` on that database, in whose schema ``books`` the tables are
made anew; else on a server of its own in the current folder, with flushes.

Bars: in batches of 8,000 ≥ 45,000 transfers/s between accounts drawn at random, ≥ 60,000/s when
every transfer touches one hot account.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from struct import Struct
from uuid import UUID

import asyncpg
import msgspec

from bench.ledger import MachineClock
from bench.machine import report
from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.postgresql.engine import (
    Options,
    PostgresqlLedger,
    open_postgresql,
)
from sycee.services.ledger.contract import (
    BATCH_MAX,
    Account,
    AccountId,
    Accounts,
    BalancesAt,
    Records,
    TransferFlags,
    Transfers,
)
from sycee.services.ledger.domain.record import decode_transfers
from tests import postgres

RUNS = 5
BATCH = 8_000
BATCHES = 16
CALLERS = 3
ACCOUNTS = 10_000
HOT = 1
PENDING = int(TransferFlags.PENDING)
POST = int(TransferFlags.POST_PENDING)
NAIVE_SECONDS = 2.0
NAIVE_CALLERS = 16

_RECORD = Struct("<16s16s16s16s16s16sQIIIHHQ").pack
_NONE = bytes(16)
_ALL = b"\xff" * 16
_NAIVE_TABLES = """
DROP SCHEMA IF EXISTS naive CASCADE;
CREATE SCHEMA naive;
CREATE TABLE naive.accounts (
    id UUID PRIMARY KEY,
    debits NUMERIC(39, 0) NOT NULL DEFAULT 0,
    credits NUMERIC(39, 0) NOT NULL DEFAULT 0
);
CREATE TABLE naive.transfers (
    id UUID PRIMARY KEY,
    debit_account_id UUID NOT NULL REFERENCES naive.accounts (id),
    credit_account_id UUID NOT NULL REFERENCES naive.accounts (id),
    amount NUMERIC(39, 0) NOT NULL CHECK (amount >= 0)
);
"""


class Rates(msgspec.Struct, frozen=True):
    """Transfers per second of each run, in order, and their median."""

    median: int
    runs: list[int]


class Figures(msgspec.Struct, frozen=True):
    """What was measured."""

    uniform_records_per_s: Rates
    hot_account_records_per_s: Rates
    uniform_structs_per_s: Rates
    two_phase_per_s: Rates
    naive_uniform_per_s: Rates
    naive_hot_account_per_s: Rates
    one_call_ms_p50: float
    past_balance_of_hot_account_ms_p50: float
    bytes_per_transfer: int
    transfers_at_the_end: int
    server: str
    load_at_begin: float
    load_at_end: float
    batch: int = BATCH
    callers: int = CALLERS
    accounts: int = ACCOUNTS


Make = Callable[[random.Random], bytes]


def wide(number: int) -> bytes:
    """An id as it stands in a record."""
    return number.to_bytes(16, "little")


def plain(debit: int, credit: int, amount: int, flags: int = 0) -> bytes:
    """A transfer with an id of its own."""
    ids = (os.urandom(16), wide(debit), wide(credit), wide(amount), _NONE, _NONE)
    return _RECORD(*ids, 0, 0, 0, 1, 1, flags, 0)


def uniform(draw: random.Random) -> bytes:
    """Between any two accounts."""
    debit = draw.randint(1, ACCOUNTS)
    return plain(debit, debit % ACCOUNTS + 1 + draw.randrange(7), draw.randrange(1_000_000))


def hot(draw: random.Random) -> bytes:
    """From any account to one."""
    return plain(draw.randint(HOT + 1, ACCOUNTS), HOT, draw.randrange(1_000_000))


def posted(pending: bytes) -> bytes:
    """The transfer that posts one."""
    ids = (os.urandom(16), _NONE, _NONE, _ALL, pending[:16], _NONE)
    return _RECORD(*ids, 0, 0, 0, 0, 0, POST, 0)


def batches(make: Make, seed: int) -> list[bytes]:
    """All batches of one run."""
    draw = random.Random(seed)
    return [b"".join(make(draw) for _ in range(BATCH)) for _ in range(BATCHES)]


async def sent(calls: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """Seconds until all calls are answered, so many at once."""
    waiting = list(reversed(calls))

    async def caller() -> None:
        while waiting:
            await waiting.pop()()

    begin = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return time.perf_counter() - begin


async def record(ledger: PostgresqlLedger, records: bytes) -> None:
    """One batch, of which every transfer must succeed."""
    answer = await ledger.record_transfers(Records(records))
    assert not any(answer.codes), "every transfer succeeds"


async def record_structs(ledger: PostgresqlLedger, command: Transfers) -> None:
    """The same, of Structs."""
    answer = await ledger.create_transfers(command)
    assert not any(answer.codes), "every transfer succeeds"


async def by_records(ledger: PostgresqlLedger, make: Make, seed: int) -> int:
    """Transfers per second."""
    made = batches(make, seed)
    took = await sent([lambda one=one: record(ledger, one) for one in made])  # type: ignore[misc]
    return round(BATCH * BATCHES / took)


async def by_structs(ledger: PostgresqlLedger, seed: int) -> int:
    """Transfers per second."""
    made = [Transfers(tuple(decode_transfers(one))) for one in batches(uniform, seed)]
    took = await sent([lambda one=one: record_structs(ledger, one) for one in made])  # type: ignore[misc]
    return round(BATCH * BATCHES / took)


async def in_two_phases(ledger: PostgresqlLedger, seed: int) -> int:
    """Transfers per second, half of them reserving and half posting."""
    draw = random.Random(seed)
    pendings = [
        [plain(*draw.sample(range(1, ACCOUNTS), 2), 5, PENDING) for _ in range(BATCH)]
        for _ in range(BATCHES // 4)
    ]
    both = [
        [b"".join(batch) for batch in pendings],
        [b"".join(map(posted, batch)) for batch in pendings],
    ]
    took = 0.0
    for made in both:
        took += await sent([lambda one=one: record(ledger, one) for one in made])  # type: ignore[misc]
    return round(2 * BATCH * len(pendings) / took)


async def naive(dsn: str, make: Make, seed: int) -> int:
    """Transfers per second, each in a transaction of its own."""
    pool = await asyncpg.create_pool(dsn, min_size=NAIVE_CALLERS, max_size=NAIVE_CALLERS)
    draw, done = random.Random(seed), 0
    until = time.perf_counter() + NAIVE_SECONDS

    async def caller() -> None:
        nonlocal done
        async with pool.acquire() as connection:
            while time.perf_counter() < until:
                transfer = next(iter(decode_transfers(make(draw))))
                await naive_transfer(connection, transfer.debit_account_id, transfer)
                done += 1

    await asyncio.gather(*(caller() for _ in range(NAIVE_CALLERS)))
    await pool.close()
    return round(done / NAIVE_SECONDS)


async def naive_transfer(connection, debit, transfer) -> None:  # type: ignore[no-untyped-def]
    """A row and two balances; accounts in order of id, so that no two wait for each other."""
    ids = [UUID(int=number) for number in (transfer.id, debit, transfer.credit_account_id)]
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO naive.transfers VALUES ($1, $2, $3, $4)", *ids, transfer.amount
        )
        for account in sorted(ids[1:]):
            column = "debits" if account == ids[1] else "credits"
            await connection.execute(
                f"UPDATE naive.accounts SET {column} = {column} + $2 WHERE id = $1",  # noqa: S608
                account,
                transfer.amount,
            )


async def prepare_naive(dsn: str) -> None:
    """The tables of the baseline."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(_NAIVE_TABLES)
    rows = [(UUID(int=number), 0, 0) for number in range(1, ACCOUNTS + 8)]
    await connection.copy_records_to_table("accounts", schema_name="naive", records=rows)
    await connection.close()


async def rates(measure: Callable[[int], Awaitable[int]]) -> Rates:
    """Several runs and their median."""
    runs = [await measure(seed) for seed in range(RUNS)]
    return Rates(round(statistics.median(runs)), runs)


async def p50_ms(call: Callable[[], Awaitable[object]]) -> float:
    """The median time of a call, one after the other."""
    took = []
    for _ in range(201):
        begin = time.perf_counter()
        await call()
        took.append(time.perf_counter() - begin)
    return round(statistics.median(took) * 1e3, 2)


async def past(ledger: PostgresqlLedger, begin: int) -> None:
    """The hot account at any instant."""
    at = begin + random.randrange(time.time_ns() - begin)
    await ledger.balances_at(BalancesAt((AccountId(U128(HOT)),), at))


async def asked(dsn: str, query: str) -> object:
    """What the database says of itself."""
    connection = await asyncpg.connect(dsn)
    answer: object = await connection.fetchval(query)
    await connection.close()
    return answer


async def measure(dsn: str) -> Figures:
    """Measure everything on an empty database."""
    load = os.getloadavg()[0]
    begin = time.time_ns()
    ledger = await open_postgresql(Options(dsn), MachineClock())
    opening = [Account(AccountId(U128(n)), 1, 1) for n in range(1, ACCOUNTS + 8)]
    for first in range(0, len(opening), BATCH_MAX):
        await ledger.create_accounts(Accounts(tuple(opening[first : first + BATCH_MAX])))
    await prepare_naive(dsn)
    draw = random.Random(1)
    figures = Figures(
        uniform_records_per_s=await rates(lambda seed: by_records(ledger, uniform, seed)),
        hot_account_records_per_s=await rates(lambda seed: by_records(ledger, hot, seed)),
        uniform_structs_per_s=await rates(lambda seed: by_structs(ledger, seed)),
        two_phase_per_s=await rates(lambda seed: in_two_phases(ledger, seed)),
        naive_uniform_per_s=await rates(lambda seed: naive(dsn, uniform, seed)),
        naive_hot_account_per_s=await rates(lambda seed: naive(dsn, hot, seed)),
        one_call_ms_p50=await p50_ms(lambda: record(ledger, uniform(draw))),
        past_balance_of_hot_account_ms_p50=await p50_ms(lambda: past(ledger, begin)),
        bytes_per_transfer=int(str(await asked(dsn, _BYTES_PER_TRANSFER))),
        transfers_at_the_end=int(str(await asked(dsn, "SELECT COUNT(*) FROM books.transfers"))),
        server=str(await asked(dsn, "SHOW server_version")),
        load_at_begin=load,
        load_at_end=os.getloadavg()[0],
    )
    await ledger.close()
    return figures


_BYTES_PER_TRANSFER = (
    "SELECT pg_total_relation_size('books.transfers') / COUNT(*) FROM books.transfers"
)


def main() -> None:
    """Measure on the given server, or on one of our own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", help="a database to measure on")
    dsn = parser.parse_args().dsn
    if dsn:
        asyncio.run(emptied(dsn))
        report(asyncio.run(measure(dsn)))
        return
    with postgres.running(Path.cwd(), flushes=True) as server:
        report(asyncio.run(measure(server.dsn("postgres"))))


async def emptied(dsn: str) -> None:
    """Drop the tables of an earlier run."""
    await asked(dsn, "DROP SCHEMA IF EXISTS books CASCADE")


if __name__ == "__main__":
    main()
