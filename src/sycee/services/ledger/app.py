"""Builds the ledger: replays its journal, then opens for calls; or reaches books elsewhere."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
from typing import TYPE_CHECKING, Literal

import msgspec

from sycee.kernel.clock import Clock
from sycee.runtime import logs
from sycee.runtime.database import Database
from sycee.runtime.host import Host
from sycee.services.ledger.adapters.embedded.owner import JournalInUse
from sycee.services.ledger.contract import Ledger
from sycee.services.ledger.domain.engine import EngineMissing, ReferenceEngine
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Replay
from sycee.services.ledger.jobs import (
    Progress,
    keep_checking,
    keep_expiring,
    replay_into,
    verify,
)
from sycee.services.ledger.jobs.move import Moved, MoveRefused, move
from sycee.services.ledger.service import LedgerService
from sycee.services.ledger.store import DatabaseJournal

if TYPE_CHECKING:
    from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger

SEGMENTS = "ledger-journal"
"""The folder of a journal in segments, in the data directory."""

__all__ = [
    "SEGMENTS",
    "EngineMissing",
    "JournalDamaged",
    "JournalInUse",
    "MoveRefused",
    "Moved",
    "Settings",
    "build",
    "move_to_tigerbeetle",
]

_CLUSTERS = 2**128
_log = logs.logger("ledger")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the ledger."""

    engine: Literal["auto", "embedded", "reference", "postgresql", "tigerbeetle"] = "auto"
    """What keeps the books. ``embedded`` compiles the rules and needs Numba; ``reference`` is the
    plain model, slower by a factor of ten and smaller by 130 MB; both keep the same journal.
    ``auto`` is ``embedded`` in a process of the ledger's own, as soon as it has been compiled, and
    ``reference`` beside other services. ``postgresql`` keeps the books in the database that
    ``postgresql`` names, ``tigerbeetle`` in the cluster at ``tigerbeetle_addresses``."""
    container: Literal["rows", "segments"] = "rows"
    """Where the embedded engine keeps its journal: rows of SQLite, or raw preallocated files."""
    postgresql: str = ""
    """``postgresql://user@host/database`` of the engine of that name; the password comes from
    ``PGPASSWORD`` or ``PGPASSFILE``."""
    takeover_after_s: float = 10.0
    """How long a writer of a PostgreSQL database may show no life until another takes over."""
    expire_every_s: float = 1.0
    """Seconds between two looks for pending transfers whose time is up."""
    check_every_s: float = 10.0
    """Seconds between two proofs that debits equal credits; a breach stops the ledger."""
    queue_events_max: int = 65_536
    """Events that may wait for the journal; beyond, calls are refused as unavailable."""
    tigerbeetle_addresses: str = ""
    """``host:port`` of every replica, in their order, with commas between."""
    tigerbeetle_cluster_id: int = 0
    """The cluster's number, as it was formatted; 0 is for trials."""
    tigerbeetle_deadline_s: float = 5.0
    """Seconds after which a call that the cluster has not answered is unavailable."""

    def __post_init__(self) -> None:
        if self.engine == "tigerbeetle" and not self.tigerbeetle_addresses:
            raise ValueError("engine tigerbeetle takes tigerbeetle_addresses")
        if not 0 <= self.tigerbeetle_cluster_id < _CLUSTERS:
            raise ValueError("tigerbeetle_cluster_id is a number of 128 bits")
        if self.tigerbeetle_deadline_s <= 0:
            raise ValueError("tigerbeetle_deadline_s is above zero")
        if self.engine == "postgresql" and not self.postgresql:
            raise ValueError("ledger.engine = postgresql needs ledger.postgresql")
        if self.container == "segments" and self.engine != "embedded":
            raise ValueError("ledger.container = segments needs ledger.engine = embedded")
        if self.expire_every_s >= self.takeover_after_s:
            raise ValueError("ledger.takeover_after_s must be longer than ledger.expire_every_s")


async def build(host: Host, settings: Settings, is_alone: bool = False) -> Ledger:
    """The books of this host. Raises ``JournalDamaged`` rather than open wrong books, and
    ``EngineMissing`` when the engine needs what is not installed.

    ``is_alone`` says that the process serves nothing else.
    """
    if settings.engine == "tigerbeetle":
        cluster = _reach_tigerbeetle(settings)
        host.at_close(cluster.close)
        return cluster
    if settings.engine == "postgresql":
        return await _build_postgresql(host, settings)
    if _is_embedded(settings, is_alone):
        # Numba takes long to load, and is not needed by those who do without it.
        from sycee.services.ledger.adapters.embedded.opening import open_embedded

        kept = await asyncio.to_thread(open_embedded, host.path, settings.container, _quietly)
        service = LedgerService(
            kept.engine, kept.journal, host.clock, settings.queue_events_max, is_threaded=True
        )
        host.at_close(kept.close)
    else:
        service = await _build_reference(host, settings)
    host.job("ledger.check", lambda: keep_checking(service, settings.check_every_s))
    host.job("ledger.expire", lambda: keep_expiring(service, settings.expire_every_s))
    return service


async def _build_postgresql(host: Host, settings: Settings) -> Ledger:
    # The driver takes a while to load, and is not needed by those who do without it.
    from sycee.services.ledger.adapters.postgresql.engine import Options, open_postgresql

    options = Options(
        settings.postgresql,
        holder=f"{socket.gethostname()}:{os.getpid()}",
        patience_s=settings.takeover_after_s,
        queue_events_max=settings.queue_events_max,
    )
    ledger = await open_postgresql(options, host.clock)
    host.at_close(ledger.close)
    host.job("ledger.expire", lambda: keep_expiring(ledger, settings.expire_every_s))
    return ledger


async def _build_reference(host: Host, settings: Settings) -> LedgerService:
    database = await host.database("ledger")
    replay = Replay()
    await replay_into(replay, database, _quietly)
    journal = DatabaseJournal(database, replay.head)
    engine = ReferenceEngine(replay.books)
    return LedgerService(engine, journal, host.clock, settings.queue_events_max)


def _quietly(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _is_embedded(settings: Settings, is_alone: bool) -> bool:
    """Whether the compiled engine is wanted and can run; the reference model says why not."""
    if settings.engine == "reference" or (settings.engine == "auto" and not is_alone):
        return False
    if importlib.util.find_spec("numba") is None:
        if settings.container == "segments":
            raise EngineMissing("Segments need Numba: pip install 'sycee[engine]'.")
        _log.warning("engine_is_plain", why="Numba is missing: pip install 'sycee[engine]'")
        return False
    from sycee.services.ledger.adapters.embedded.kernel import cache

    if settings.engine == "auto" and not cache.is_compiled():
        _log.warning("engine_is_plain", why="being compiled, for the next start")
        cache.compile_beside()
        return False
    return True


async def move_to_tigerbeetle(
    database: Database, settings: Settings, clock: Clock, progress: Progress
) -> Moved:
    """Copy the books of a journal that nobody writes into a cluster, and compare both.

    Raises ``MoveRefused`` when the cluster holds other books, or the journal is not right.
    """
    audit = await verify(database, progress)
    if audit.ledger is None or audit.findings:
        row = audit.findings[0]
        raise MoveRefused(f"the books are not right: {row.row}: {row.problem}")
    cluster = _reach_tigerbeetle(settings)
    try:
        return await move(audit.ledger, cluster, clock, progress)
    finally:
        await cluster.close()


def _reach_tigerbeetle(settings: Settings) -> TigerBeetleLedger:
    """The books of a cluster, whether it answers now or later."""
    # Its modules, too, are needed by those only who use it.
    from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger, over_library

    return TigerBeetleLedger(
        over_library(settings.tigerbeetle_cluster_id, settings.tigerbeetle_addresses),
        settings.tigerbeetle_deadline_s,
        settings.queue_events_max,
    )
