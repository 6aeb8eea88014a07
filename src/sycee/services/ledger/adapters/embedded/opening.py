"""Opens the embedded engine in a data directory, and closes it with a snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from sycee.runtime import logs
from sycee.services.ledger.adapters.embedded.container import Container
from sycee.services.ledger.adapters.embedded.disk import Folder
from sycee.services.ledger.adapters.embedded.engine import (
    ContainerJournal,
    EmbeddedEngine,
    Progress,
    restore,
    save,
)
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.adapters.embedded.snapshots import Snapshots
from sycee.services.ledger.adapters.embedded.sqlite_container import open_rows

_log = logs.logger("ledger")

_SNAPSHOT_FROM = 10_000
"""Rows since the last snapshot from which on another is worth its time."""


class Embedded:
    """An engine and its journal, opened."""

    def __init__(
        self,
        engine: EmbeddedEngine,
        journal: ContainerJournal,
        snapshots: Snapshots,
        saved_rows: int,
    ) -> None:
        self.engine = engine
        self.journal = journal
        self._snapshots = snapshots
        self._saved_rows = saved_rows

    async def close(self) -> None:
        """Take a snapshot when that is worth it, and let go of the journal."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        try:
            rows = self.engine.books.row_count()
            is_settled = self.journal.head.seq == self.engine.seq
            if is_settled and rows - self._saved_rows >= _SNAPSHOT_FROM:
                save(self.engine, self.journal, self._snapshots)
        except OSError as fault:
            # Without it the next start takes longer, and nothing else.
            _log.warning("snapshot_failed", why=str(fault))
        finally:
            self.journal.close()


def open_embedded(
    place: Callable[[str], Path], container: Literal["rows", "segments"], progress: Progress
) -> Embedded:
    """The engine whose journal lies in a data directory.

    Raises ``JournalInUse``, ``JournalDamaged``, or an error of the disk.
    """
    kept = _open_container(place, container)
    try:
        snapshots = Snapshots(Folder(place("ledger-snapshots")))
        engine = restore(kept, snapshots, progress)
    except BaseException:
        kept.close()
        raise
    # Rows that were replayed are worth a snapshot as new ones are.
    return Embedded(engine, ContainerJournal(kept), snapshots, engine.restored_rows)


def _open_container(
    place: Callable[[str], Path], container: Literal["rows", "segments"]
) -> Container:
    if container == "rows":
        return open_rows(place("ledger.sqlite"))
    return open_segments(Folder(place("ledger-journal")))
