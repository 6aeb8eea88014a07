"""Builds the ledger: replays its journal, then opens for calls; or reaches the engine elsewhere."""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.clock import Clock
from sycee.runtime.database import Database
from sycee.runtime.host import Host
from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger, over_library
from sycee.services.ledger.adapters.tigerbeetle.library import EngineMissing
from sycee.services.ledger.contract import Ledger
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Replay
from sycee.services.ledger.jobs import Progress, keep_expiring, replay_into, verify
from sycee.services.ledger.jobs.move import Moved, MoveRefused, move
from sycee.services.ledger.service import LedgerService

__all__ = [
    "Engine",
    "EngineMissing",
    "JournalDamaged",
    "MoveRefused",
    "Moved",
    "Settings",
    "build",
    "move_to_tigerbeetle",
]

_CLUSTERS = 2**128


class Engine(Enum):
    """What keeps the books."""

    EMBEDDED = "embedded"
    TIGERBEETLE = "tigerbeetle"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the ledger."""

    expire_every_s: float = 1.0
    """Seconds between two looks for pending transfers whose time is up."""
    queue_events_max: int = 65_536
    """Events that may wait for the journal; beyond, calls are refused as unavailable."""
    engine: Engine = Engine.EMBEDDED
    """``embedded`` keeps the books here; ``tigerbeetle`` in a cluster of that make."""
    tigerbeetle_addresses: str = ""
    """``host:port`` of every replica, in their order, with commas between."""
    tigerbeetle_cluster_id: int = 0
    """The cluster's number, as it was formatted; 0 is for trials."""
    tigerbeetle_deadline_s: float = 5.0
    """Seconds after which a call that the cluster has not answered is unavailable."""

    def __post_init__(self) -> None:
        if self.engine is Engine.TIGERBEETLE and not self.tigerbeetle_addresses:
            raise ValueError("engine tigerbeetle takes tigerbeetle_addresses")
        if not 0 <= self.tigerbeetle_cluster_id < _CLUSTERS:
            raise ValueError("tigerbeetle_cluster_id is a number of 128 bits")
        if self.tigerbeetle_deadline_s <= 0:
            raise ValueError("tigerbeetle_deadline_s is above zero")


async def build(host: Host, settings: Settings) -> Ledger:
    """The books of this host's database. Raises ``JournalDamaged`` rather than open wrong books,
    and ``EngineMissing`` when the engine needs what is not installed."""
    if settings.engine is Engine.TIGERBEETLE:
        cluster = _reach_tigerbeetle(settings)
        host.job("ledger.tigerbeetle", cluster.close_at_the_end)
        return cluster
    database = await host.database("ledger")
    replay = Replay()
    await replay_into(replay, database, lambda done, total: None)
    service = LedgerService(database, host.clock, replay, settings.queue_events_max)
    host.job("ledger.expire", lambda: keep_expiring(service, settings.expire_every_s))
    return service


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
    return TigerBeetleLedger(
        over_library(settings.tigerbeetle_cluster_id, settings.tigerbeetle_addresses),
        settings.tigerbeetle_deadline_s,
        settings.queue_events_max,
    )
