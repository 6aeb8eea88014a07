"""The PostgreSQL engine keeps the contract, restarts, and lets only one writer in."""

from __future__ import annotations

import pytest
from tests.services.floor import FakeClock
from tests.services.ledger import conformance

from sycee.services.ledger.adapters.postgresql.engine import Options, open_postgresql
from sycee.services.ledger.contract import CreateTransferResult

RARE = {
    CreateTransferResult.OVERFLOWS_TIMEOUT,
    CreateTransferResult.OVERFLOWS_DEBITS,
    CreateTransferResult.OVERFLOWS_CREDITS,
    CreateTransferResult.PENDING_ID_MUST_BE_DIFFERENT,
    CreateTransferResult.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT,
}


class OnPostgresql:
    """An engine on a fresh database."""

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


@pytest.fixture
async def dsn(postgres_server):
    dsn = await postgres_server.fresh()
    yield dsn
    await postgres_server.give_back(dsn)


@pytest.fixture
async def engine(dsn):
    engine = await OnPostgresql(dsn, FakeClock()).open()
    yield engine
    await engine.ledger.close()


@pytest.mark.parametrize("seed", range(6))
async def test_a_walk_agrees_with_the_second_model(engine, seed):
    engine.clock.instant = 1000
    await conformance.walk(engine, seed, steps=60)


@pytest.mark.parametrize("seed", range(4))
async def test_a_crowd_is_answered_one_after_the_other(engine, seed):
    await conformance.crowd(engine, seed)
