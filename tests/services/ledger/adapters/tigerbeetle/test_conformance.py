"""The engine answers as the model does, code by code; over the cluster in memory."""

from __future__ import annotations

import pytest
from tests.services.ledger.adapters.tigerbeetle.engines import Doubled
from tests.services.ledger.conformance import crowd, walk

from sycee.services.ledger.adapters.tigerbeetle.messages import Operation


@pytest.mark.parametrize("seed", range(6))
async def test_a_walk_of_mischief_is_answered_as_by_the_model(seed):
    await walk(Doubled(), seed, steps=150)


@pytest.mark.parametrize("seed", range(2))
async def test_calls_that_come_at_once_are_answered_as_if_one_by_one(seed):
    engine = Doubled()
    await crowd(engine, seed)
    writes = [each for each, _ in engine.cluster.requests if each == Operation.CREATE_TRANSFERS]
    assert len(writes) < 20
