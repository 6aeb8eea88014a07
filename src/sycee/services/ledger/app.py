"""Builds the ledger: replays its journal, then opens for calls."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Literal

import msgspec

from sycee.runtime import logs
from sycee.runtime.host import Host
from sycee.services.ledger.contract import Ledger
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Replay
from sycee.services.ledger.jobs import keep_expiring, replay_into
from sycee.services.ledger.service import LedgerService
from sycee.services.ledger.store import DatabaseJournal

__all__ = ["JournalDamaged", "Settings", "build"]

_log = logs.logger("ledger")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the ledger."""

    engine: Literal["embedded", "reference"] = "reference"
    """What keeps the books: ``embedded`` compiles the rules and needs Numba; ``reference`` is the
    plain model, slower by a factor of ten and smaller by 130 MB. Both keep the same journal."""
    container: Literal["rows", "segments"] = "rows"
    """Where the embedded engine keeps its journal: rows of SQLite, or raw preallocated files."""
    expire_every_s: float = 1.0
    """Seconds between two looks for pending transfers whose time is up."""
    queue_events_max: int = 65_536
    """Events that may wait for the journal; beyond, calls are refused as unavailable."""


async def build(host: Host, settings: Settings) -> Ledger:
    """The books of this host. Raises ``JournalDamaged`` rather than open wrong books."""
    if settings.engine == "embedded" and _has_numba():
        # Numba takes long to load, and is not needed by those who do without it.
        from sycee.services.ledger.adapters.embedded.opening import open_embedded

        kept = await asyncio.to_thread(open_embedded, host.path, settings.container, _quietly)
        service = LedgerService(
            kept.engine, kept.journal, host.clock, settings.queue_events_max, is_threaded=True
        )
        host.at_close(kept.close)
    else:
        service = await _build_reference(host, settings)
    host.job("ledger.expire", lambda: keep_expiring(service, settings.expire_every_s))
    return service


async def _build_reference(host: Host, settings: Settings) -> LedgerService:
    database = await host.database("ledger")
    replay = Replay()
    await replay_into(replay, database, _quietly)
    journal = DatabaseJournal(database, replay.head)
    engine = ReferenceEngine(replay.books)
    return LedgerService(engine, journal, host.clock, settings.queue_events_max)


def _quietly(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _has_numba() -> bool:
    """Whether the compiled engine can run; without Numba the reference model does its work."""
    if importlib.util.find_spec("numba") is not None:
        return True
    _log.warning("engine_not_compiled", why="Numba is not installed; pip install 'sycee[engine]'")
    return False
