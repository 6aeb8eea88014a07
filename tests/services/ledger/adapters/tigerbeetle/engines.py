"""The engine under test: over the cluster in memory, or over a real one."""

from __future__ import annotations

from msgspec.structs import replace
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.tigerbeetle.double import Cluster

from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger
from sycee.services.ledger.contract import Changes, ListChanges

DEADLINE_S = 20.0
QUEUE = 65_536


def over(open_wire, lanes=3, deadline_s=DEADLINE_S):
    """An engine with generous bounds."""
    return TigerBeetleLedger(open_wire, deadline_s, QUEUE, lanes)


class Numbered:
    """A ledger whose changes are counted 1, 2, 3, … where the engine's cursors have gaps."""

    def __init__(self, ledger):
        self._ledger = ledger
        self._cursors = [0]

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def list_changes(self, query):
        after = self._cursors[query.after]
        found = (await self._ledger.list_changes(ListChanges(after, query.limit))).changes
        del self._cursors[query.after + 1 :]
        assert all(change.sequence == change.timestamp for change in found)
        self._cursors += [change.sequence for change in found]
        return Changes(
            tuple(
                replace(change, sequence=query.after + place)
                for place, change in enumerate(found, 1)
            )
        )


class Doubled:
    """An ``Engine`` of the conformance suite over the cluster in memory."""

    keeps_time = False

    def __init__(self):
        self.clock = FakeClock()
        self.cluster = Cluster(self.clock)
        self._open()

    def _open(self):
        self.engine = over(self.cluster.open)
        self.ledger = Numbered(self.engine)

    async def restart(self):
        await self.engine.close()
        self._open()
