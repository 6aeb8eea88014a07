"""Opens a SQLite database only to read it, whether or not the process that writes it runs."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database.promise import Result, Session
from sycee.runtime.database.sqlite_session import ReadSession, connect

Trace = tuple[tuple[int, int] | None, ...]
"""Size and time of change of the files of one database; None of one that is absent."""


async def open_sqlite_reading(path: Path, name: str) -> SqliteReading:
    """Open for ``verify`` and the like: it makes no file, and changes what none of them says."""
    return await asyncio.to_thread(_open, path, name)


class SqliteReading:
    """Keeps ``Database``, except that it refuses to write.

    Beside a running writer it sees each commit from the next read on. Of a platform that was
    stopped it sees the state at opening, and refuses to go on when a writer has come meanwhile.
    """

    def __init__(
        self, name: str, connection: sqlite3.Connection, still: Callable[[], bool]
    ) -> None:
        self._name = name
        self._session = ReadSession(connection)
        self._is_as_opened = still

    @property
    def is_exclusive(self) -> bool:
        return False

    async def write(self, unit: Callable[[Session], Result]) -> Result:
        raise Unavailable(f"The database of {self._name} is open for reading only.")

    async def read(self, query: Callable[[Session], Result]) -> Result:
        self._check()
        try:
            result = query(self._session)
        finally:
            self._session.end()
        self._check()
        return result

    async def close(self) -> None:
        self._session.close()
        self._is_as_opened = lambda: False

    def _check(self) -> None:
        if not self._is_as_opened():
            raise Unavailable(
                f"The database of {self._name} is closed, or was started meanwhile; open it again."
            )


def _open(path: Path, name: str) -> SqliteReading:
    log, index = _beside(path, "-wal"), _beside(path, "-shm")
    if not path.exists():
        raise Unavailable(f"There is no database of {name}.")
    if log.exists() and index.exists():
        return SqliteReading(name, connect(f"{path.absolute().as_uri()}?mode=ro"), lambda: True)
    before = _trace(path)
    if not log.exists():
        # Nobody writes. Without ``immutable``, SQLite would make a log and an index.
        location = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        return SqliteReading(name, connect(location), lambda: _trace(path) == before)
    return SqliteReading(name, _connect_copy(path), lambda: _trace(path) == before)


def _connect_copy(path: Path) -> sqlite3.Connection:
    """A log without its index, as in a copied folder: to read it, SQLite must make the index."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(_beside(path, "-wal"), _beside(copy, "-wal"))
        copied = connect(copy)
        memory = connect(":memory:")
        copied.backup(memory)
        copied.close()
    return memory


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _trace(path: Path) -> Trace:
    return tuple(_size_and_time(_beside(path, suffix)) for suffix in ("", "-wal", "-shm"))


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_size, facts.st_mtime_ns
