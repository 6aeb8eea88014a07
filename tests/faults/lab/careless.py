"""The platform with one mistake planted: its databases do not wait for the disk.

Every ``PRAGMA synchronous = FULL`` becomes ``NORMAL``, the speed tip of many tutorials. The power
campaign must lose acknowledged payments with it, or it proves nothing.
"""

from __future__ import annotations

import functools
import sqlite3


class CarelessConnection(sqlite3.Connection):
    """Waits for the disk at checkpoints only."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        """Run a statement, unless it asks for care."""
        return super().execute(sql.replace("synchronous = FULL", "synchronous = NORMAL"), *values)  # type: ignore[arg-type]


sqlite3.connect = functools.partial(sqlite3.connect, factory=CarelessConnection)  # type: ignore[assignment]

if __name__ == "__main__":
    from sycee.cli.__main__ import main

    main()
