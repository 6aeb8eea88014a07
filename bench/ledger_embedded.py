"""The embedded ledger engine: transfers per second, durable, through the contract's records.

Client included: batches are made before, handed in as bytes, and every code of every answer is
looked at. Two baselines stand in the same run: rows in SQLite, written in one transaction a batch,
and the reference model over the same journal. Then 10 million transfers: memory, disk, recovery,
start from a snapshot, balances of the past. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from bench.machine import report
from sycee.kernel.u128 import U128
from sycee.runtime.clock import SystemClock
from sycee.services.ledger.adapters.embedded.opening import Embedded, open_embedded
from sycee.services.ledger.contract import (
    AccountId,
    BalancesAt,
    Records,
    TransferFlags,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.service import LedgerService

Words = npt.NDArray[np.uint64]
Kind = Literal["rows", "segments"]
U = np.uint64

BATCH = 8189
ACCOUNTS = 10_000
ROUNDS = 5
SECONDS = 1.5
"""Of work per round, about."""
PENDING, POST = U(TransferFlags.PENDING), U(TransferFlags.POST_PENDING)
LINKED = U(TransferFlags.LINKED)


class Rate(msgspec.Struct, frozen=True):
    """Transfers per second: the median of the rounds, the least and the most."""

    median: int
    least: int
    most: int


class Large(msgspec.Struct, frozen=True):
    """What many transfers take."""

    transfers: int
    recovery_transfers_per_s: int
    snapshot_start_s: float
    snapshot_save_s: float
    memory_bytes_per_transfer: float
    disk_bytes_per_transfer: float
    balance_at_ms_p50: float
    balance_at_ms_max: float
    trial_balance_ms: float


def accounts(count: int) -> Records:
    """Accounts 1 to ``count``."""
    made = np.zeros((count, 16), U)
    made[:, 0] = np.arange(1, count + 1)
    made[:, 14] = U(840 | 1 << 32)
    return Records(made.tobytes())


class Traffic:
    """Makes batches; every transfer has an id of its own."""

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)
        self._batches = 0

    def uniform(self, size: int, flags: int = 0) -> Words:
        """Between any two accounts."""
        self._batches += 1
        made = np.zeros((size, 16), U)
        made[:, 0] = self._dice.integers(0, 2**63, size, dtype=U)
        made[:, 1] = self._batches
        made[:, 2] = self._dice.integers(1, ACCOUNTS + 1, size)
        made[:, 4] = made[:, 2] % U(ACCOUNTS) + U(1)
        made[:, 6] = self._dice.integers(1, 10_000, size)
        made[:, 14] = U(840 | 1 << 32 | flags << 48)
        return made

    def hot(self, size: int) -> Words:
        """All from one account."""
        made = self.uniform(size)
        made[:, 2] = 1
        made[:, 4] = self._dice.integers(2, ACCOUNTS + 1, size)
        return made

    def hostile(self, size: int) -> Words:
        """One in ten repeated, one in ten of an unknown account, chains of three, of which some
        fail, and pending transfers with timeouts."""
        made = self.uniform(size)
        repeated = np.arange(0, size - 10, 10)
        made[repeated + 9] = made[repeated]
        made[5::10, 2] = 10**9
        made[2::30, 14] |= LINKED << U(48)
        made[3::30, 14] |= LINKED << U(48)
        made[4::60, 6] = 2**63
        made[4::60, 7] = 2**63
        made[6::10, 14] |= PENDING << U(48)
        made[6::10, 13] |= U(3600) << U(32)
        return made

    def posts(self, pending: Words) -> Words:
        """Post all of these, in another order."""
        self._batches += 1
        made = np.zeros_like(pending)
        made[:, 0] = self._dice.integers(0, 2**63, len(pending), dtype=U)
        made[:, 1] = self._batches
        made[:, 6:8] = 2**64 - 1
        made[:, 8:10] = self._dice.permutation(pending[:, 0:2])
        made[:, 14] = POST << U(48)
        return made


@contextmanager
def opened(container: Kind) -> Iterator[tuple[LedgerService, Embedded, Path]]:
    """A ledger of its own in a folder of its own."""
    folder = Path(tempfile.mkdtemp(dir=Path.cwd()))
    kept = open_embedded(lambda name: folder / name, container, lambda done, total: None)
    try:
        service = LedgerService(
            kept.engine, kept.journal, SystemClock(), 1_000_000, is_threaded=True
        )
        yield service, kept, folder
    finally:
        kept.journal.close()
        shutil.rmtree(folder)


async def drive(service: LedgerService, batches: Sequence[Records], in_flight: int) -> float:
    """Seconds for all batches, with so many under way at once."""
    waiting = iter(batches)

    async def caller() -> None:
        for batch in waiting:
            answer = await service.record_transfers(batch)
            assert len(answer.codes) * 128 == len(batch.records)

    begin = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(in_flight)))
    return time.perf_counter() - begin


def rate(found: Sequence[float]) -> Rate:
    """What rounds say."""
    return Rate(round(statistics.median(found)), round(min(found)), round(max(found)))


async def load(
    container: Kind, make: Callable[[Traffic], Words], size: int, in_flight: int, guess: int
) -> Rate:
    """One workload, in as many rounds, on one ledger that grows."""
    traffic, found = Traffic(7), []
    with opened(container) as (service, _, _):
        await service.record_accounts(accounts(8_000))
        await service.record_accounts(Records(accounts(ACCOUNTS).records[8_000 * 128 :]))
        count = max(8, int(guess * SECONDS / size))
        for _ in range(ROUNDS):
            batches = [Records(make(traffic).tobytes()) for _ in range(count)]
            gc.collect()
            found.append(count * size / await drive(service, batches, in_flight))
    return rate(found)


async def two_phase(container: Kind) -> tuple[Rate, Rate]:
    """Pending transfers, then their posts, by batches of 8189."""
    traffic, pendings, posts = Traffic(7), [], []
    with opened(container) as (service, _, _):
        await service.record_accounts(accounts(8_000))
        await service.record_accounts(Records(accounts(ACCOUNTS).records[8_000 * 128 :]))
        for _ in range(ROUNDS):
            first = [traffic.uniform(BATCH, TransferFlags.PENDING) for _ in range(40)]
            then = [Records(traffic.posts(batch).tobytes()) for batch in first]
            batches = [Records(batch.tobytes()) for batch in first]
            pendings.append(40 * BATCH / await drive(service, batches, 2))
            posts.append(40 * BATCH / await drive(service, then, 2))
    return rate(pendings), rate(posts)


def sqlite_rows(folder: Path) -> Rate:
    """The first baseline: accounts and transfers as rows, one durable transaction per batch."""
    connection = sqlite3.connect(folder / "rows.sqlite", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, debits INTEGER, credits INTEGER);"
        "CREATE TABLE transfers (id BLOB PRIMARY KEY, debit INTEGER, credit INTEGER,"
        " amount INTEGER) WITHOUT ROWID;"
    )
    connection.executemany(
        "INSERT INTO accounts VALUES (?, 0, 0)", ((n,) for n in range(1, ACCOUNTS + 1))
    )
    traffic, found = Traffic(7), []
    for _ in range(ROUNDS):
        batches = [traffic.uniform(BATCH) for _ in range(10)]
        begin = time.perf_counter()
        for batch in batches:
            _write_rows(connection, batch)
        found.append(len(batches) * BATCH / (time.perf_counter() - begin))
    connection.close()
    return rate(found)


def _write_rows(connection: sqlite3.Connection, batch: Words) -> None:
    ids = [row.tobytes() for row in batch[:, 0:2]]
    debits, credits_, amounts = (batch[:, word].tolist() for word in (2, 4, 6))
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO transfers VALUES (?, ?, ?, ?)",
        zip(ids, debits, credits_, amounts, strict=True),
    )
    for side, who in (("debits", debits), ("credits", credits_)):
        connection.executemany(
            f"UPDATE accounts SET {side} = {side} + ? WHERE id = ?",
            zip(amounts, who, strict=True),
        )
    connection.execute("COMMIT")


async def reference() -> Rate:
    """The second baseline: the plain model, which applies and journals nothing here."""

    class Nowhere:
        async def append(self, timestamp: int, body: bytes) -> None:
            """Keep nothing."""

    service = LedgerService(ReferenceEngine(Books()), Nowhere(), SystemClock(), 1_000_000)
    await service.record_accounts(accounts(8_000))
    await service.record_accounts(Records(accounts(ACCOUNTS).records[8_000 * 128 :]))
    traffic, found = Traffic(7), []
    for _ in range(ROUNDS):
        batches = [Records(traffic.uniform(BATCH).tobytes()) for _ in range(4)]
        found.append(4 * BATCH / await drive(service, batches, 1))
    return rate(found)


async def large(container: Kind, transfers: int) -> Large:
    """Many transfers, a tenth of them of one account; then everything that grows with them."""
    traffic, dice = Traffic(7), random.Random(7)
    count = transfers // BATCH
    with opened(container) as (service, kept, folder):
        await service.record_accounts(accounts(8_000))
        await service.record_accounts(Records(accounts(ACCOUNTS).records[8_000 * 128 :]))
        await drive(service, [Records(traffic.uniform(BATCH).tobytes())], 1)
        before, stamps = _memory(), []
        for _ in range(count):
            batch = traffic.uniform(BATCH)
            batch[::10, 2] = 1
            batch[::10, 4] = 2
            stamps.append((await service.record_transfers(Records(batch.tobytes()))).timestamp)
        grown = _memory() - before
        waits = []
        for _ in range(200):
            who = AccountId(U128(dice.choice((1, 2, dice.randrange(3, ACCOUNTS)))))
            query = BalancesAt((who,), dice.choice(stamps) - dice.randrange(BATCH))
            begin = time.perf_counter()
            await service.balances_at(query)
            waits.append((time.perf_counter() - begin) * 1000)
        begin = time.perf_counter()
        line = (await service.trial_balance(TrialBalanceQuery())).lines[0]
        trial_ms = (time.perf_counter() - begin) * 1000
        assert line.debits_posted == line.credits_posted
        disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        final = kept.engine.books.state.accounts[:ACCOUNTS].tobytes()
        begin = time.perf_counter()
        await kept.close()
        save_s = time.perf_counter() - begin
        snapshots = folder / "ledger-snapshots"
        start_s = _start(container, folder, final)
        shutil.rmtree(snapshots)
        recovery_s = _start(container, folder, final)
    total = (count + 1) * BATCH
    return Large(
        transfers=total,
        recovery_transfers_per_s=round(total / recovery_s),
        snapshot_start_s=round(start_s, 2),
        snapshot_save_s=round(save_s, 2),
        memory_bytes_per_transfer=round(grown / (count * BATCH), 1),
        disk_bytes_per_transfer=round(disk / total, 1),
        balance_at_ms_p50=round(statistics.median(waits), 3),
        balance_at_ms_max=round(max(waits), 3),
        trial_balance_ms=round(trial_ms, 2),
    )


def _start(container: Kind, folder: Path, final: bytes) -> float:
    """Seconds until the books stand again; the balances must be those of before."""
    begin = time.perf_counter()
    kept = open_embedded(lambda name: folder / name, container, lambda done, total: None)
    took = time.perf_counter() - begin
    assert kept.engine.books.state.accounts[:ACCOUNTS].tobytes() == final
    kept.journal.close()
    return took


def _memory() -> int:
    """Bytes that are this process's own."""
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise AssertionError("Linux says how much memory is a process's own")


async def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transfers", type=int, default=10_000_000)
    parser.add_argument("--container", choices=("rows", "segments"), nargs="*")
    options = parser.parse_args()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        figures["SQLite rows, 8189 a transaction"] = _told(sqlite_rows(Path(folder)))
        figures["reference model, in memory, 8189"] = _told(await reference())
    for container in options.container or ("rows", "segments"):
        found: dict[str, object] = {}
        uniform, hot, hostile = Traffic.uniform, Traffic.hot, Traffic.hostile
        for name, make in (("uniform", uniform), ("one hot account", hot), ("hostile", hostile)):
            found[f"{name}, 8189"] = _told(
                await load(container, lambda t, make=make: make(t, BATCH), BATCH, 2, 800_000)
            )
        found["uniform, 1000, 8 in flight"] = _told(
            await load(container, lambda t: t.uniform(1000), 1000, 8, 500_000)
        )
        pending, post = await two_phase(container)
        found["pending, 8189"], found["post, 8189"] = _told(pending), _told(post)
        found["large"] = await large(container, options.transfers)
        figures[container] = found
    report(figures)


def _told(found: Rate) -> Rate:
    print(f"{found.median:>10,}/s", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    asyncio.run(main())
