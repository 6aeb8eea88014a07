"""Floors on which a ledger runs, whatever keeps its books: opened, held at a gate, restarted."""

from __future__ import annotations

import asyncio

from tests.services.floor import FakeHost

from sycee.services.ledger import app
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.journal import BEGINNING
from sycee.services.ledger.service import LedgerService
from sycee.services.ledger.store import DatabaseJournal


class GatedJournal:
    """Holds every write at a gate until the test opens it, then writes it or fails it."""

    def __init__(self, journal):
        self._journal = journal
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_gate = asyncio.Event()
        self.failure = None

    async def append(self, timestamp, body):
        self.at_gate.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        await self._journal.append(timestamp, body)


class ReferenceHost(FakeHost):
    """The reference model, and its journal in a database."""

    async def open(self):
        """The ledger as it is configured."""
        return await app.build(self, app.Settings(engine="reference"))

    async def gated(self, queue_events_max=10):
        """A ledger with little room for what waits, and the gate of its journal."""
        gate = GatedJournal(DatabaseJournal(await self.database("ledger"), BEGINNING))
        engine = ReferenceEngine(Books())
        return LedgerService(engine, gate, self.clock, queue_events_max), gate

    async def restarted(self):
        """The ledger of the next start."""
        return await ReferenceHost(self.folder, self.clock).open()

    async def batches(self):
        """How many batches are in the journal."""
        return len(self.databases["ledger"].connection.execute("SELECT seq FROM log").fetchall())
