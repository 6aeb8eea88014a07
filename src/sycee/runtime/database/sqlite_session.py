"""What units of work and queries do on a SQLite connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database.calls import Call, StatementFailed
from sycee.runtime.database.promise import Row, Value
from sycee.runtime.database.schema import PUBLISH

BUSY_S = 1.0
"""How long to wait for another process that holds the file, such as an operator's tool."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -32768",
    # Through a map, an error of the disk would be a signal that ends the process.
    "PRAGMA mmap_size = 0",
)
_STATEMENTS_KEPT = 512
_PRIMARY = 0xFF
_FAULTS = (sqlite3.Error, OverflowError, UnicodeError)
"""The latter two: a number or a text that no column can hold."""
_DISK_FAULTS = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
    }
)


class DiskFailed(Exception):
    """The transaction in hand is lost, and nothing more may be trusted to this disk."""


class Locked(Exception):
    """Another process holds the file; it will pass."""


def connect(location: Path | str) -> sqlite3.Connection:
    """A connection that may be handed from thread to thread, for a path or a ``file:`` URI."""
    connection = sqlite3.connect(
        location,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS_KEPT,
        uri=isinstance(location, str),
    )
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


def is_disk_fault(fault: Exception) -> bool:
    """Whether the disk, and not the statement, is at fault."""
    return _code(fault) in _DISK_FAULTS


class _Statements:
    """Runs statements, and notes when the disk failed one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self.disk_failed = False

    def _fetch_row(self, sql: str, values: tuple[Value, ...]) -> Row | None:
        try:
            cursor = self._execute(sql, values)
            row: Row | None = cursor.fetchone()
            # A statement with rows left would hold its snapshot, and the checkpoints back.
            cursor.close()
        except _FAULTS as fault:
            raise self._failed(fault) from fault
        return row

    def _fetch_rows(self, sql: str, values: tuple[Value, ...]) -> list[Row]:
        try:
            rows: list[Row] = self._execute(sql, values).fetchall()
        except _FAULTS as fault:
            raise self._failed(fault) from fault
        return rows

    def _change(self, sql: str, values: tuple[Value, ...]) -> int:
        try:
            return self._execute(sql, values).rowcount
        except _FAULTS as fault:
            raise self._failed(fault) from fault

    def _failed(self, fault: Exception) -> Exception:
        if is_disk_fault(fault):
            self.disk_failed = True
            return Unavailable("The database's disk failed.")
        if _is_busy(fault):
            return Unavailable("The database is locked.")
        return StatementFailed(str(fault))


class ReadSession(_Statements):
    """Queries, each over one snapshot of what is on disk."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        connection.execute("PRAGMA query_only = ON")

    def run(self, sql: str, *values: Value) -> int:
        raise StatementFailed("a query writes nothing")

    def row(self, sql: str, *values: Value) -> Row | None:
        if not self._connection.in_transaction:
            self._execute("BEGIN")
        return self._fetch_row(sql, values)

    def rows(self, sql: str, *values: Value) -> Sequence[Row]:
        if not self._connection.in_transaction:
            self._execute("BEGIN")
        return self._fetch_rows(sql, values)

    def publish(self, topic: str, key: str, payload: bytes) -> None:
        raise StatementFailed("a query publishes nothing")

    def end(self) -> bool:
        """Let go of the snapshot; whether the disk still stands."""
        if self._connection.in_transaction and not self.disk_failed:
            self._execute("COMMIT")
        return not self.disk_failed

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class WriteSession(_Statements):
    """Units of work in one transaction, each under a savepoint from its first change on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.has_written = False
        self.has_published = False
        self._is_marked = False
        self._has_failed = False

    def begin(self) -> None:
        """Begin a group's transaction."""
        self.has_written = self.has_published = False
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.Error as fault:
            lost: type[Exception] = Locked if _is_busy(fault) else DiskFailed
            raise lost(str(fault)) from fault

    def run_unit(self, call: Call) -> None:
        """Run one unit: all of it stays in the transaction, or nothing."""
        self._is_marked = self._has_failed = False
        call.run(self)
        # SQLite ends the transaction by itself after some faults, whatever the unit made of them.
        if self.disk_failed or not self._connection.in_transaction:
            raise DiskFailed("the transaction was lost in a unit of work")
        if self._has_failed:
            call.fail_if_it_went_on()
        if self._is_marked:
            self._close_mark(call.has_failed)

    def roll_back(self) -> None:
        """End the transaction, if it still stands, and leave nothing of it."""
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def run(self, sql: str, *values: Value) -> int:
        if not self._is_marked:
            self._mark()
        return self._change(sql, values)

    def row(self, sql: str, *values: Value) -> Row | None:
        if not self._is_marked and not sql.startswith("SELECT"):
            self._mark()
        return self._fetch_row(sql, values)

    def rows(self, sql: str, *values: Value) -> Sequence[Row]:
        if not self._is_marked and not sql.startswith("SELECT"):
            self._mark()
        return self._fetch_rows(sql, values)

    def publish(self, topic: str, key: str, payload: bytes) -> None:
        self.has_published = True
        self.run(PUBLISH, topic, key, payload)

    def _mark(self) -> None:
        self._change("SAVEPOINT unit", ())
        self._is_marked = self.has_written = True

    def _close_mark(self, undo: bool) -> None:
        try:
            if undo:
                self._execute("ROLLBACK TO unit")
            self._execute("RELEASE unit")
        except sqlite3.Error as fault:
            raise DiskFailed(str(fault)) from fault

    def _failed(self, fault: Exception) -> Exception:
        self._has_failed = True
        return super()._failed(fault)


def _is_busy(fault: Exception) -> bool:
    return _code(fault) == sqlite3.SQLITE_BUSY


def _code(fault: Exception) -> int:
    """SQLite's primary result code; 0 of what Python found by itself."""
    code: int = getattr(fault, "sqlite_errorcode", 0)
    return code & _PRIMARY
