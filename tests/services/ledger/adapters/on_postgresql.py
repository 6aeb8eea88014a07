"""The PostgreSQL engine on a fresh database, and a stranger's SQL beside it."""

from __future__ import annotations

import asyncpg

from sycee.services.ledger.adapters.postgresql.book import SCHEMA
from sycee.services.ledger.adapters.postgresql.engine import Options, open_postgresql


class OnPostgresql:
    """An engine under test; ``restart`` opens the same books anew."""

    keeps_time = True

    def __init__(self, dsn, clock):
        self.dsn = dsn
        self.clock = clock
        self.ledger = None

    async def open(self, **options):
        self.ledger = await open_postgresql(Options(self.dsn, **options), self.clock)
        return self

    async def restart(self):
        await self.ledger.close()
        await self.open()

    async def sql(self, statement, *values):
        """What a stranger with a console gets."""
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": SCHEMA})
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()
