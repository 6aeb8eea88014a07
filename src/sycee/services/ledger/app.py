"""Builds the ledger: replays its journal, then opens for calls."""

from __future__ import annotations

import msgspec

from sycee.runtime.host import Host
from sycee.services.ledger.contract import Ledger
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Replay
from sycee.services.ledger.jobs import keep_expiring, replay_into
from sycee.services.ledger.service import LedgerService

__all__ = ["JournalDamaged", "Settings", "build"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the ledger."""

    expire_every_s: float = 1.0
    """Seconds between two looks for pending transfers whose time is up."""
    queue_events_max: int = 65_536
    """Events that may wait for the journal; beyond, calls are refused as unavailable."""


async def build(host: Host, settings: Settings) -> Ledger:
    """The books of this host's database. Raises ``JournalDamaged`` rather than open wrong books."""
    database = await host.database("ledger")
    replay = Replay()
    await replay_into(replay, database, lambda done, total: None)
    service = LedgerService(database, host.clock, replay, settings.queue_events_max)
    host.job("ledger.expire", lambda: keep_expiring(service, settings.expire_every_s))
    return service
