"""Durable units of work per second, in groups and each alone; and events relayed per second.

Prints one JSON object. A unit writes a row and an event. Compared, in the same run and on the same
disk: units on the loop with only COMMIT in a thread (what we do), the same groups with the units in
the thread too, and one transaction for each unit in a thread; each on an idle loop, and on one that
is kept busy by other requests in steps as long as a small request takes. With ``--dsn``, also the
same groups on that PostgreSQL database, where the tables are made and left.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec

from bench.machine import report
from sycee.runtime import floor
from sycee.runtime.database import Session
from sycee.runtime.database.calls import Call, Waiting
from sycee.runtime.database.schema import SQLITE_SEQ, Schema
from sycee.runtime.database.sqlite import open_sqlite
from sycee.runtime.database.sqlite_session import WriteSession, connect
from sycee.runtime.host import Message
from sycee.runtime.queue import LocalQueue

SECONDS = 1.0
CALLERS = (1, 16, 64)
STEP_US = 60
EVENTS = 50_000
SCHEMA = Schema(
    "CREATE TABLE IF NOT EXISTS payments (id TEXT PRIMARY KEY, amount BIGINT, body BYTEA);"
)

Unit = Callable[[Session], None]
Write = Callable[[Unit], Awaitable[None]]


class Rate(msgspec.Struct, frozen=True):
    """What one way of writing reached."""

    way: str
    callers: int
    loop_is_busy: bool
    units_per_s: int
    latency_ms_p50: float
    latency_ms_p99: float


class Figures(msgspec.Struct, frozen=True):
    """What was measured."""

    rates: list[Rate]
    relayed_events_per_s: int
    step_us: int = STEP_US
    disk: str = "SQLite, WAL, synchronous=FULL"


class InThread:
    """Units run in a thread: all that wait in one transaction, or each in one of its own."""

    def __init__(self, path: Path, in_groups: bool) -> None:
        self._connection = connect(path)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(SCHEMA.script(SQLITE_SEQ))
        self._session = WriteSession(self._connection)
        self._thread = ThreadPoolExecutor(1)
        self._most = 256 if in_groups else 1
        self._waiting: list[Call] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, unit: Unit) -> None:
        """One durable unit."""
        loop = asyncio.get_running_loop()
        call = Waiting(unit, loop)
        self._waiting.append(call)
        if self._writer is None:
            self._writer = loop.create_task(self._write_all())
        await call.answer

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(0)
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await loop.run_in_executor(self._thread, self._commit, group)
            for call in group:
                call.settle()
        self._writer = None

    def _commit(self, group: Sequence[Call]) -> None:
        self._session.begin()
        for call in group:
            self._session.run_unit(call)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._thread.shutdown()
        self._connection.close()


async def keep_busy() -> None:
    """What other requests do to the loop."""
    while True:
        until = time.perf_counter() + STEP_US / 1e6
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)


def payment(number: int) -> Unit:
    """A unit that writes a row and an event."""

    def unit(session: Session) -> None:
        session.run("INSERT INTO payments VALUES (?, ?, ?)", f"pi_{number}", number, bytes(200))
        session.publish("events", f"evt_{number}", bytes(300))

    return unit


async def rate(
    way: str, callers: int, is_busy: bool, write: Write, numbers: itertools.count[int]
) -> Rate:
    """Write with so many callers until the time is up."""
    latencies: list[float] = []
    others = [asyncio.create_task(keep_busy())] if is_busy else []
    until = time.perf_counter() + SECONDS

    async def caller() -> None:
        while (begin := time.perf_counter()) < until:
            await write(payment(next(numbers)))
            latencies.append(time.perf_counter() - begin)

    await asyncio.gather(*(caller() for _ in range(callers)))
    for other in others:
        other.cancel()
    latencies.sort()
    p50, p99 = (round(latencies[int(len(latencies) * part)] * 1e3, 2) for part in (0.5, 0.99))
    return Rate(way, callers, is_busy, round(len(latencies) / SECONDS), p50, p99)


async def rates(folder: Path) -> list[Rate]:
    """Every way with every number of callers, by turns."""
    numbers = itertools.count()
    ours = await open_sqlite(folder / "ours.sqlite", SCHEMA, "bench")
    grouped = InThread(folder / "grouped.sqlite", in_groups=True)
    alone = InThread(folder / "alone.sqlite", in_groups=False)
    ways: dict[str, Write] = {
        "groups, units on the loop": ours.write,
        "groups, units in a thread": grouped.write,
        "one transaction each": alone.write,
    }
    found = [
        await rate(way, callers, is_busy, write, numbers)
        for is_busy in (False, True)
        for callers in CALLERS
        for way, write in ways.items()
    ]
    await ours.close()
    grouped.close()
    alone.close()
    return found


async def postgres_rates(dsn: str) -> list[Rate]:
    """Our groups on a server."""
    if not dsn:
        return []
    from sycee.runtime.database.postgres import open_postgres

    # Other runs may have left their rows.
    numbers = itertools.count(time.time_ns())
    database = await open_postgres(dsn, SCHEMA, "bench")
    found = [
        await rate("groups on PostgreSQL", callers, is_busy, database.write, numbers)
        for is_busy in (False, True)
        for callers in CALLERS
    ]
    await database.close()
    return found


async def relayed(folder: Path) -> int:
    """Events per second from an outbox to a consumer in the same process."""
    database = await open_sqlite(folder / "relay.sqlite", SCHEMA, "bench")
    fill = sqlite3.connect(folder / "relay.sqlite")
    rows = (("events", f"evt_{number}", bytes(300)) for number in range(EVENTS))
    fill.executemany("INSERT INTO outbox (topic, key, payload) VALUES (?, ?, ?)", rows)
    fill.commit()
    fill.close()
    came, all_came = 0, asyncio.Event()

    async def handle(messages: Sequence[Message]) -> None:
        nonlocal came
        came += len(messages)
        if came >= EVENTS:
            all_came.set()

    queue = LocalQueue()
    queue.subscribe("events", "bench", handle)
    queue.attach(database)
    begin = time.perf_counter()
    running = asyncio.create_task(queue.run())
    await all_came.wait()
    took = time.perf_counter() - begin
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await database.close()
    return round(EVENTS / took)


async def main(dsn: str) -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        found = await rates(Path(folder)) + await postgres_rates(dsn)
        report(Figures(found, await relayed(Path(folder))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", default="")
    floor.run(main(parser.parse_args().dsn))
