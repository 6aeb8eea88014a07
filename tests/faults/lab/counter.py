"""The smallest program with a promise: commits a number per line it reads, then tells it.

``python -m tests.faults.lab.counter FILE FULL|NORMAL``: what the tools of the lab are tried on.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

STDOUT = 1


def count(path: Path, synchronous: str) -> None:
    """Commit one number per line of input, and print it when it is committed."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY)")
    while sys.stdin.buffer.readline():
        cursor = connection.execute("INSERT INTO numbers DEFAULT VALUES")
        os.write(STDOUT, b"%d\n" % (cursor.lastrowid or 0))


def committed(path: Path) -> int:
    """The highest number that is there."""
    with closing(sqlite3.connect(path)) as connection:
        (highest,) = connection.execute("SELECT coalesce(max(number), 0) FROM numbers").fetchone()
    return int(highest)


if __name__ == "__main__":
    count(Path(sys.argv[1]), sys.argv[2])
