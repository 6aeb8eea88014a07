"""Moves the books of a data directory, of which nothing runs, into another engine."""

from __future__ import annotations

from collections.abc import Callable

from sycee.assembly.configuration import Configuration
from sycee.assembly.storage import claim, path_of
from sycee.runtime.clock import SystemClock
from sycee.runtime.database.sqlite_reading import open_sqlite_reading
from sycee.services.ledger.app import Moved, move_to_tigerbeetle

__all__ = ["Moved", "move_books"]


async def move_books(configuration: Configuration, progress: Callable[[int, int], None]) -> Moved:
    """Into the cluster that the settings name; ``DataInUse`` while a platform runs on them."""
    claim(configuration.folder, "ledger")
    path = path_of(configuration.folder, "ledger")
    database = await open_sqlite_reading(path, "ledger")
    try:
        return await move_to_tigerbeetle(database, configuration.ledger, SystemClock(), progress)
    finally:
        await database.close()
