"""SQLite with group commit: units of work run on the event loop, and only COMMIT in a thread.

A statement that ran in another thread would have to win the interpreter lock back from a busy loop
each time, up to 5 ms; COMMIT waits for the disk, and has nothing to win back before it is done.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from time import perf_counter

from sycee.kernel.refusal import Unavailable
from sycee.runtime import logs, metrics
from sycee.runtime.database.calls import SLICE_S, UNITS_MAX, Call, Waiting
from sycee.runtime.database.checkpoints import LOG_BYTES_MAX, Checkpoints
from sycee.runtime.database.promise import Result, Session
from sycee.runtime.database.schema import SQLITE_SEQ, Schema
from sycee.runtime.database.sqlite_session import (
    DiskFailed,
    Locked,
    ReadSession,
    WriteSession,
    connect,
)

STOPPED = "The database of {} has stopped: its disk failed."

log = logs.logger("database")


async def open_sqlite(path: Path, schema: Schema, name: str) -> SqliteDatabase:
    """Open a service's database for its one writing process, making it where it is missing."""
    opened = await asyncio.to_thread(open_connections, path, schema, name)
    return SqliteDatabase(name, *opened)


class SqliteDatabase:
    """Keeps ``Database`` and ``Publisher``.

    The first error of the disk stops it for good: what is not on disk is not acknowledged, and as
    nobody can know what the disk still holds, nothing is read either. A restart recovers what is
    durable. A unit that raised, or only read, is answered before the commit only when no
    neighbour had written before it: else it may have seen rows that are not on disk yet.
    """

    def __init__(
        self,
        name: str,
        writing: sqlite3.Connection,
        reading: sqlite3.Connection,
        checkpoints: Checkpoints,
    ) -> None:
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._connection = writing
        self._session = WriteSession(writing)
        self._reading = ReadSession(reading)
        self._checkpoints = checkpoints
        self._thread = ThreadPoolExecutor(1, f"commit {name}")
        self._waiting: deque[Call] = deque()
        self._wakes: list[Callable[[], None]] = []
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._refusal: str | None = None
        self._is_closed = False
        self._is_shared = False
        checkpoints.start(lambda: self._loop.call_soon_threadsafe(self._stop))

    @property
    def name(self) -> str:
        return self._name

    @property
    def is_exclusive(self) -> bool:
        return True  # who opens a file has claimed it, see ``open_sqlite``

    def on_publish(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    async def write(self, unit: Callable[[Session], Result]) -> Result:
        self._check_open()
        call = Waiting(unit, self._loop)
        self._waiting.append(call)
        if self._quiet.is_set():
            self._quiet.clear()
            self._loop.call_soon(self._begin_group)
        return await call.answer

    async def read(self, query: Callable[[Session], Result]) -> Result:
        """Reads of one turn of the loop share a snapshot, unless a group begins or ends between.

        Taking one for each costs system calls, and nothing is acknowledged within a turn.
        """
        self._check_open()
        if not self._is_shared:
            self._is_shared = True
            self._loop.call_soon(self._let_go)
        try:
            return query(self._reading)
        finally:
            if self._reading.disk_failed:
                self._stop()

    async def close(self) -> None:
        if self._refusal is None:
            self._refusal = f"The database of {self._name} is closed."
        await self._quiet.wait()
        self._let_go()
        if not self._is_closed:
            self._is_closed = True
            await asyncio.to_thread(self._close)

    def _check_open(self) -> None:
        if self._refusal is not None:
            raise Unavailable(self._refusal)

    def _begin_group(self) -> None:
        """Run what waits in one transaction, then have it committed."""
        group: list[Call] = []
        # A snapshot that was left open would keep the log from being begun anew.
        self._let_go()
        try:
            self._session.begin()
            self._run_units(group)
        except Locked:
            self._refuse_waiting()
        except DiskFailed:
            log.fault("disk_failed", database=self._name)
            self._abandon(group)
            return
        except BaseException:
            self._abandon(group)
            raise
        if self._session.has_written:
            commit = self._loop.run_in_executor(self._thread, self._commit)
            commit.add_done_callback(lambda done: self._end_group(group, done))
        else:
            self._session.roll_back()
            self._go_on()

    def _run_units(self, group: list[Call]) -> None:
        """Run units until the group is full; those that must wait for its commit join it."""
        until = perf_counter() + SLICE_S
        waiting, session = self._waiting, self._session
        while waiting and len(group) < UNITS_MAX and perf_counter() < until:
            call = waiting.popleft()
            if call.is_abandoned:
                continue
            group.append(call)
            session.run_unit(call)
            if not session.has_written:
                group.pop().settle()

    def _refuse_waiting(self) -> None:
        while self._waiting:
            self._waiting.popleft().refuse(f"The database of {self._name} is locked.")

    def _commit(self) -> float:
        """In the commit thread: make the group durable; the seconds it took."""
        begin = perf_counter()
        self._connection.execute("COMMIT")
        return perf_counter() - begin

    def _end_group(self, group: list[Call], commit: asyncio.Future[float]) -> None:
        try:
            seconds = commit.result()
        except Exception:  # noqa: BLE001 - whatever it was, nothing of the group is on disk
            log.fault("commit_failed", database=self._name)
            self._abandon(group)
            return
        self._let_go()
        metrics.group_units(self._name).observe(len(group))
        metrics.commit_seconds(self._name).observe(seconds)
        for call in group:
            call.settle()
        if self._session.has_published:
            for wake in self._wakes:
                wake()
        if self._checkpoints.is_due:
            # No snapshot is older than the log's end now, so all of the log can be moved.
            moved = self._loop.run_in_executor(self._thread, self._checkpoints.catch_up)
            moved.add_done_callback(lambda _: self._go_on())
        else:
            self._go_on()

    def _let_go(self) -> None:
        """Have the next read see what has been acknowledged since."""
        if not self._is_shared:
            return
        self._is_shared = False
        if not self._reading.end():
            self._stop()

    def _go_on(self) -> None:
        """Begin the next group after those who were just answered have had a chance to join."""
        self._loop.call_soon(self._begin_if_waiting)

    def _begin_if_waiting(self) -> None:
        if self._waiting:
            self._begin_group()
        else:
            self._quiet.set()

    def _abandon(self, group: list[Call]) -> None:
        """The group is lost, and with it the database."""
        self._stop()
        for call in group:
            call.refuse(STOPPED.format(self._name))
        with suppress(sqlite3.Error):
            self._session.roll_back()
        self._quiet.set()

    def _stop(self) -> None:
        """Take nothing more on. A commit that is under way is answered by its own outcome."""
        self._refusal = STOPPED.format(self._name)
        while self._waiting:
            self._waiting.popleft().refuse(self._refusal)

    def _close(self) -> None:
        self._thread.shutdown()
        self._connection.close()
        self._reading.close()
        self._checkpoints.end()


def open_connections(
    path: Path, schema: Schema, name: str
) -> tuple[sqlite3.Connection, sqlite3.Connection, Checkpoints]:
    """Connections to a database whose tables stand and whose every row is on disk."""
    with ExitStack() as opened:
        writing = opened.enter_context(closing(connect(path)))
        (mode,) = writing.execute("PRAGMA journal_mode = WAL").fetchone()
        assert mode == "wal", f"{path} does not take a write-ahead log"
        writing.execute(f"PRAGMA journal_size_limit = {LOG_BYTES_MAX}")
        # After a failed flush the system may show rows that never reached the disk. Moving them
        # writes them anew, so that whatever is visible from here on is durable.
        writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        _apply(writing, schema, name)
        reading = opened.enter_context(closing(connect(path)))
        checkpoints = Checkpoints(path)
        opened.pop_all()
    return writing, reading, checkpoints


def _apply(connection: sqlite3.Connection, schema: Schema, name: str) -> None:
    known = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
    ).fetchone()
    if known is not None:
        (version,) = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()
        schema.check(name, version or 0)
    connection.executescript(f"BEGIN IMMEDIATE;\n{schema.script(SQLITE_SEQ)}\nCOMMIT;")
