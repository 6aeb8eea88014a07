"""What units of work and queries do on a PostgreSQL connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import cache

import asyncpg

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database.calls import Call, StatementFailed
from sycee.runtime.database.greenlets import run_waiting, wait_for
from sycee.runtime.database.promise import Result, Row, Value
from sycee.runtime.database.schema import PUBLISH

COMMAND_S = 10.0
"""A statement that takes longer has lost its server."""
CONNECT_S = 2.0

_STATEMENTS_KEPT = 512
_SERVER_FAULTS = ("08", "53", "57", "58", "XX")
"""SQLSTATE classes in which not the statement is at fault: connection, resources, operator,
system, internal (PostgreSQL documentation, appendix A)."""


class ServerLost(Exception):
    """The transaction in hand is lost; whether its commit was done is unknown."""


async def connect(dsn: str, name: str) -> asyncpg.Connection[asyncpg.Record]:
    """A connection that speaks of one service's tables."""
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        statement_cache_size=_STATEMENTS_KEPT,
        max_cached_statement_lifetime=0,
        server_settings={
            "application_name": f"sycee {name}",
            "search_path": name,
            "synchronous_commit": "on",
            # Plans that suit every value: rows are found by key.
            "plan_cache_mode": "force_generic_plan",
        },
    )


@cache
def dollars(sql: str) -> str:
    """The statement with ``$1``, ``$2``, … for every ``?`` outside of quotes."""
    quoted = sql.split("'")
    number = 0
    for place in range(0, len(quoted), 2):
        head, *tail = quoted[place].split("?")
        for part in tail:
            number += 1
            head += f"${number}{part}"
        quoted[place] = head
    return "'".join(quoted)


class _Statements:
    """Runs statements from inside a plain function, and notes when the server was lost."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection
        self._server_lost = False
        self._has_failed = False

    @property
    def is_usable(self) -> bool:
        """Whether the connection stands."""
        return not self._server_lost and not self._connection.is_closed()

    async def close(self) -> None:
        """Close the connection: in order while it stands."""
        if not self.is_usable:
            self._connection.terminate()
            return
        try:
            await self._connection.close(timeout=CONNECT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()

    async def _command(self, sql: str) -> None:
        """Begin, end or mark a transaction."""
        try:
            await self._connection.execute(sql)
        except BaseException as fault:
            self._server_lost = True
            if isinstance(fault, Exception):
                raise ServerLost(str(fault)) from fault
            raise

    def _fetch_row(self, sql: str, values: tuple[Value, ...]) -> Row | None:
        record = self._wait(self._connection.fetchrow(dollars(sql), *values))
        return None if record is None else tuple(record)

    def _fetch_rows(self, sql: str, values: tuple[Value, ...]) -> list[Row]:
        return [tuple(row) for row in self._wait(self._connection.fetch(dollars(sql), *values))]

    def _change(self, sql: str, values: tuple[Value, ...]) -> int:
        status = self._wait(self._connection.execute(dollars(sql), *values))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else -1

    def _wait(self, awaitable: Awaitable[Result]) -> Result:
        try:
            return wait_for(awaitable)
        except asyncio.CancelledError:
            self._server_lost = True
            raise
        except Exception as fault:
            self._has_failed = True
            raise self._failed(fault) from fault

    def _failed(self, fault: Exception) -> Exception:
        if self._is_lost_by(fault):
            self._server_lost = True
            return Unavailable("The database's server is away.")
        return StatementFailed(str(fault))

    def _is_lost_by(self, fault: Exception) -> bool:
        """Whether not the statement is at fault; one that was refused before it was sent is."""
        if isinstance(fault, asyncpg.PostgresError):
            return (fault.sqlstate or "XX")[:2] in _SERVER_FAULTS
        return isinstance(fault, OSError | TimeoutError) or self._connection.is_closed()


class ReadSession(_Statements):
    """Queries, each over one snapshot."""

    async def query(self, query: Callable[[ReadSession], Result]) -> Result:
        """Run a query. Raises ``ServerLost`` instead when the server was."""
        await self._command("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            result = await run_waiting(lambda: query(self))
        except Exception as fault:
            if self._server_lost:
                raise ServerLost("lost during a query") from fault
            await self._command("ROLLBACK")
            raise
        await self._command("ROLLBACK")
        return result

    def run(self, sql: str, *values: Value) -> int:
        raise StatementFailed("a query writes nothing")

    def row(self, sql: str, *values: Value) -> Row | None:
        return self._fetch_row(sql, values)

    def rows(self, sql: str, *values: Value) -> Sequence[Row]:
        return self._fetch_rows(sql, values)

    def publish(self, topic: str, key: str, payload: bytes) -> None:
        raise StatementFailed("a query publishes nothing")


class WriteSession(_Statements):
    """Units of work in one transaction, each under a savepoint from its first statement on.

    A statement that fails would else end the transaction, also a query.
    """

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        super().__init__(connection)
        self.has_written = False
        self.has_published = False
        self._is_marked = False
        self._has_mark = False

    async def lock(self, number: int) -> None:
        """Hold the lock of this schema's writer; wait while another session does."""
        await self._command(f"SELECT pg_advisory_lock({number})")

    async def begin(self) -> None:
        """Begin a group's transaction."""
        self.has_written = self.has_published = self._has_mark = False
        await self._command("BEGIN")

    async def commit(self) -> None:
        """Make the group durable."""
        await self._command("COMMIT")

    async def roll_back(self) -> None:
        """Leave nothing of the group."""
        await self._command("ROLLBACK")

    async def run_unit(self, call: Call) -> None:
        """Run one unit: all of it stays in the transaction, or nothing."""
        self._is_marked = self._has_failed = False
        await run_waiting(lambda: call.run(self))
        if not self.is_usable:
            raise ServerLost("lost during a unit of work")
        if self._has_failed:
            call.fail_if_it_went_on()
        if self._is_marked and call.has_failed:
            await self._command("ROLLBACK TO unit")

    def run(self, sql: str, *values: Value) -> int:
        self._mark()
        self.has_written = True
        return self._change(sql, values)

    def row(self, sql: str, *values: Value) -> Row | None:
        self._mark()
        self.has_written |= not sql.startswith("SELECT")
        return self._fetch_row(sql, values)

    def rows(self, sql: str, *values: Value) -> Sequence[Row]:
        self._mark()
        self.has_written |= not sql.startswith("SELECT")
        return self._fetch_rows(sql, values)

    def publish(self, topic: str, key: str, payload: bytes) -> None:
        self.has_published = True
        self.run(PUBLISH, topic, key, payload)

    def _mark(self) -> None:
        """Set this unit's savepoint; the one before goes in the same round trip."""
        if self._is_marked:
            return
        self._wait(
            self._connection.execute(
                "RELEASE unit; SAVEPOINT unit" if self._has_mark else "SAVEPOINT unit"
            )
        )
        self._is_marked = self._has_mark = True
