"""The compiled engine for simulated ledgers, with room for little, so that it opens at once."""

from __future__ import annotations

from random import Random

from tests.simulation.disk import MemoryDisk
from tests.simulation.ledger import QUEUE_EVENTS_MAX, SimulatedJournal
from tests.simulation.loop import VirtualClock

from sycee.services.ledger.adapters.embedded import saving
from sycee.services.ledger.adapters.embedded.container import Container
from sycee.services.ledger.adapters.embedded.engine import EmbeddedEngine, restore
from sycee.services.ledger.adapters.embedded.kernel.state import empty
from sycee.services.ledger.adapters.embedded.snapshots import Snapshots
from sycee.services.ledger.contract import Ledger
from sycee.services.ledger.service import LedgerService

ACCOUNTS, TRANSFERS, OPEN = 1_000, 20_000, 20_000


def embedded(container: Container, clock: VirtualClock, disk: MemoryDisk) -> Ledger:
    """The compiled books as an engine; they need Numba.

    Their snapshots lie on the journal's disk, and are interrupted and damaged as it is."""
    # Of the journal as it is found, so that the story's own dice are thrown as for every engine.
    dice = Random(container.head.hash)
    snapshots = Snapshots(disk, threads=1)
    engine = _restored(container, snapshots if dice.random() < 0.8 else None)
    if dice.random() < 0.5:
        head = container.head
        snapshots.save(head.seq, head.hash, saving.sections(engine.books))
    journal = SimulatedJournal(container)
    return LedgerService(engine, journal, clock, QUEUE_EVENTS_MAX, is_threaded=True)


def _restored(container: Container, snapshots: Snapshots | None) -> EmbeddedEngine:
    engine = restore(
        container, snapshots, lambda done, total: None, lambda: empty(ACCOUNTS, TRANSFERS, OPEN)
    )
    assert engine.seq == container.head.seq
    return engine
