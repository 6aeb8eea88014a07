"""The compiled engine for simulated ledgers, with room for little, so that it opens at once."""

from __future__ import annotations

from tests.simulation.ledger import QUEUE_EVENTS_MAX, SimulatedJournal
from tests.simulation.loop import VirtualClock

from sycee.services.ledger.adapters.embedded.container import Container
from sycee.services.ledger.adapters.embedded.engine import restore
from sycee.services.ledger.adapters.embedded.kernel.state import empty
from sycee.services.ledger.contract import Ledger
from sycee.services.ledger.service import LedgerService

ACCOUNTS, TRANSFERS, OPEN = 1_000, 20_000, 20_000


def embedded(container: Container, clock: VirtualClock) -> Ledger:
    """The compiled books as an engine; they need Numba."""
    engine = restore(
        container, None, lambda done, total: None, lambda: empty(ACCOUNTS, TRANSFERS, OPEN)
    )
    journal = SimulatedJournal(container)
    return LedgerService(engine, journal, clock, QUEUE_EVENTS_MAX, is_threaded=True)
