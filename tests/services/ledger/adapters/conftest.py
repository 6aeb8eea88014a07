"""A PostgreSQL engine for each test that asks."""

from __future__ import annotations

import pytest
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.on_postgresql import OnPostgresql


@pytest.fixture
async def dsn(postgres_server):
    """An empty database."""
    dsn = await postgres_server.fresh()
    yield dsn
    await postgres_server.give_back(dsn)


@pytest.fixture
async def engine(dsn):
    """An engine on it."""
    engine = await OnPostgresql(dsn, FakeClock()).open()
    yield engine
    await engine.ledger.close()
