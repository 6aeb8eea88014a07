"""Moves what commits wrote from SQLite's log into its file, off the path of commits."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from sycee.runtime import logs
from sycee.runtime.database.sqlite_session import connect, is_disk_fault

EVERY_S = 1.0
LOG_BYTES_MAX = 64 * 2**20
"""A log that grows beyond this is moved between two commits, so that it can begin anew."""
LEFT_BYTES_MAX = 2 * 2**20
PASSES_MAX = 8
"""Before that, it is moved beside the commits until little is left, or the writer is too fast."""

log = logs.logger("database")


class Checkpoints:
    """A thread and a connection of its own for one database.

    Under steady load a checkpoint never catches up with the writer, and the log grows. When it has
    grown large, ``catch_up`` moves the rest while no commit is under way.
    """

    def __init__(self, path: Path) -> None:
        self.has_failed = False
        self._path = path
        self._connection = connect(path)
        self._page_bytes = int(self._connection.execute("PRAGMA page_size").fetchone()[0])
        self._connection_lock = threading.Lock()
        self._ended = threading.Event()
        self.is_due = False
        """The log has grown large: ``catch_up`` should be called between two commits."""
        self._on_failure: Callable[[], object] = lambda: None
        self._thread = threading.Thread(
            target=self._keep, name=f"checkpoints {path.name}", daemon=True
        )

    def start(self, on_failure: Callable[[], object]) -> None:
        """Begin; ``on_failure`` is called in the thread when the disk fails."""
        self._on_failure = on_failure
        self._thread.start()

    def catch_up(self) -> None:
        """Between two commits: move the rest of a log that has grown large."""
        self.is_due = False
        self._move("PASSIVE")

    def end(self) -> None:
        """Stop, move everything, and empty the log."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        if not self.has_failed:
            self._move("TRUNCATE")
        self._connection.close()

    def _keep(self) -> None:
        while not self._ended.wait(EVERY_S):
            has_grown = self._move_most()
            if self.has_failed:
                self._on_failure()
                return
            self.is_due = has_grown

    def _move_most(self) -> bool:
        """Move what can be moved beside the commits; whether the log has grown large."""
        moved = 0
        for _ in range(PASSES_MAX):
            before, moved = moved, self._move("PASSIVE")
            if moved <= LOG_BYTES_MAX:
                return False
            if before and moved - before <= LEFT_BYTES_MAX:
                break
        return True

    def _move(self, mode: str) -> int:
        """Run one checkpoint; the bytes in the log when it began."""
        try:
            with self._connection_lock:
                pragma = f"PRAGMA wal_checkpoint({mode})"
                frames = int(self._connection.execute(pragma).fetchone()[1])
        except sqlite3.Error as fault:
            self.has_failed = self.has_failed or is_disk_fault(fault)
            log.fault("checkpoint_failed", file=self._path.name)
            return 0
        return frames * self._page_bytes
