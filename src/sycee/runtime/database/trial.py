"""Tries a folder's disk as the databases would use it: with a write-ahead log, and durably."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from time import perf_counter

import msgspec

SQLITE_OLDEST = (3, 35, 0)
"""The first with RETURNING."""


class Trial(msgspec.Struct, frozen=True):
    """How a disk did."""

    has_wal: bool
    """Whether it can keep a write-ahead log, which takes shared memory and honest locks."""
    commits: int
    took_s: float


def try_disk(folder: Path, commits_max: int = 200, within_s: float = 0.5) -> Trial:
    """Commit one after the other, each durable. Raises ``OSError`` or ``sqlite3.Error``.

    Leaves nothing behind.
    """
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=folder) as scratch:
        path = Path(scratch) / "trial.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
            return Trial(mode == "wal", *_commit(connection, commits_max, within_s))


def _commit(connection: sqlite3.Connection, commits_max: int, within_s: float) -> tuple[int, float]:
    begin = perf_counter()
    for number in range(1, commits_max + 1):
        # Setting the version is the smallest change that is committed.
        connection.execute(f"PRAGMA user_version = {number}")
        took_s = perf_counter() - begin
        if took_s >= within_s:
            break
    return number, took_s
