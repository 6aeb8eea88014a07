"""PostgreSQL with group commit: one connection writes, in groups; a few others read."""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter

import asyncpg

from sycee.kernel.refusal import Unavailable
from sycee.runtime import logs, metrics
from sycee.runtime.database.calls import UNITS_MAX, Call, Waiting
from sycee.runtime.database.postgres_session import (
    ReadSession,
    ServerLost,
    WriteSession,
    connect,
)
from sycee.runtime.database.promise import Result, Session
from sycee.runtime.database.schema import POSTGRES_SEQ, Schema

READERS = 4
"""Queries that run at once; more wait for their turn."""

log = logs.logger("database")


async def open_postgres(
    dsn: str, schema: Schema, name: str, sole_writer: bool = True
) -> PostgresDatabase:
    """Open a service's tables, in the PostgreSQL schema of its name, making what is missing.

    A ``sole_writer`` holds an advisory lock while it writes: another process waits, and so does
    this one after a lost connection, until the server has ended what it was doing there.
    """
    connection = await connect(dsn, name)
    try:
        await _apply(connection, schema, name)
    except BaseException:
        await connection.close()
        raise
    return PostgresDatabase(dsn, name, sole_writer, ReadSession(connection))


class PostgresDatabase:
    """Keeps ``Database`` and ``Publisher``.

    When the server is lost, all that waited in the group are refused, as nobody can know whether
    it was committed, and the next group connects anew. The server answers for its own disk: after
    a failed flush it ends every connection and recovers (``data_sync_retry`` off).
    """

    def __init__(self, dsn: str, name: str, sole_writer: bool, reader: ReadSession) -> None:
        self._dsn = dsn
        self._name = name
        self._sole_writer = sole_writer
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Call] = deque()
        self._committer: asyncio.Task[None] | None = None
        self._writer: WriteSession | None = None
        self._readers = [reader]
        self._reading = asyncio.Semaphore(READERS)
        self._wakes: list[Callable[[], None]] = []
        self._is_closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def is_exclusive(self) -> bool:
        return False  # a lock ends with its connection, and another writer may come in between

    def on_publish(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    async def write(self, unit: Callable[[Session], Result]) -> Result:
        self._check_open()
        call = Waiting(unit, self._loop)
        self._waiting.append(call)
        if self._committer is None:
            self._committer = self._loop.create_task(self._commit_all())
        return await call.answer

    async def read(self, query: Callable[[Session], Result]) -> Result:
        self._check_open()
        async with self._reading:
            try:
                while self._readers:
                    # A connection that stood idle may have gone long ago.
                    with suppress(ServerLost):
                        return await self._read_with(self._readers.pop(), query)
                return await self._read_with(ReadSession(await self._connect()), query)
            except ServerLost as fault:
                raise self._away() from fault

    async def close(self) -> None:
        self._is_closed = True
        if self._committer is not None:
            await self._committer
        sessions = [*self._readers, *filter(None, [self._writer])]
        self._readers, self._writer = [], None
        for session in sessions:
            await session.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable(f"The database of {self._name} is closed.")

    def _away(self) -> Unavailable:
        return Unavailable(f"The database server of {self._name} is away.")

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                # Those who were just answered join the next group.
                await asyncio.sleep(0)
                await self._commit_group()
        finally:
            self._committer = None

    async def _commit_group(self) -> None:
        group: list[Call] = []
        try:
            session = await self._writing()
            await session.begin()
            await self._run_units(session, group)
            await self._end_group(session, group)
        except ServerLost:
            log.fault("server_lost", database=self._name)
            await self._abandon(group)
        except BaseException:
            await self._abandon(group)
            raise

    async def _run_units(self, session: WriteSession, group: list[Call]) -> None:
        """Run units until the group is full; those that must wait for its commit join it."""
        while self._waiting and len(group) < UNITS_MAX:
            call = self._waiting.popleft()
            if call.is_abandoned:
                continue
            group.append(call)
            await session.run_unit(call)
            if not session.has_written:
                group.pop().settle()

    async def _end_group(self, session: WriteSession, group: list[Call]) -> None:
        if not session.has_written:
            await session.roll_back()
            return
        begin = perf_counter()
        await session.commit()
        metrics.group_units(self._name).observe(len(group))
        metrics.commit_seconds(self._name).observe(perf_counter() - begin)
        for call in group:
            call.settle()
        if session.has_published:
            for wake in self._wakes:
                wake()

    async def _abandon(self, group: list[Call]) -> None:
        for call in (*group, *self._waiting):
            call.refuse(self._away().detail)
        self._waiting.clear()
        if self._writer is not None:
            writer, self._writer = self._writer, None
            await writer.close()

    async def _writing(self) -> WriteSession:
        if self._writer is None or not self._writer.is_usable:
            connection = await self._connect()
            self._writer = WriteSession(connection)
            if self._sole_writer:
                await self._writer.lock(zlib.crc32(self._name.encode()))
        return self._writer

    async def _read_with(self, session: ReadSession, query: Callable[[Session], Result]) -> Result:
        try:
            return await session.query(query)
        finally:
            if session.is_usable and not self._is_closed:
                self._readers.append(session)
            else:
                await session.close()

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        try:
            return await connect(self._dsn, self._name)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
            raise ServerLost(str(fault)) from fault


async def _apply(connection: asyncpg.Connection[asyncpg.Record], schema: Schema, name: str) -> None:
    assert name.isidentifier(), "a service's name goes into SQL"
    async with connection.transaction():
        # Two processes that start at once must not both find that a table is missing.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('sycee schema'))")
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        if await connection.fetchval("SELECT to_regclass('schema_version')") is not None:
            version = await connection.fetchval("SELECT MAX(version) FROM schema_version")
            schema.check(name, version or 0)
        await connection.execute(schema.script(POSTGRES_SEQ))
