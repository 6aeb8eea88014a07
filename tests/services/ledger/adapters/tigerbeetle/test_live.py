"""The same against a real replica, where there is one."""

from __future__ import annotations

import pytest
from tests.services.ledger.adapters.tigerbeetle.live import Live, needs_program, server
from tests.services.ledger.conformance import crowd, walk


@needs_program
@pytest.mark.parametrize("seed", range(4))
async def test_a_walk_of_mischief_is_answered_as_by_the_model(tmp_path_factory, seed):
    with server(tmp_path_factory.mktemp("books")) as running:
        engine = Live(running.address)
        await walk(engine, seed, steps=150)
        await engine.engine.close()


@needs_program
async def test_calls_that_come_at_once_are_answered_as_if_one_by_one(tmp_path_factory):
    with server(tmp_path_factory.mktemp("books")) as running:
        engine = Live(running.address, lanes=1)
        await crowd(engine, 1)
        await engine.engine.close()
