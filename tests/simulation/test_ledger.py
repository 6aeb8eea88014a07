"""Simulated ledgers in small; `./sycee faults simulate` tells as many stories as wished."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults import simulate
from tests.simulation.ledger import QUEUE_EVENTS_MAX, SimulatedJournal, Story

from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.journal import Replay, following
from sycee.services.ledger.service import LedgerService

SEEDS = 200
ROOT = Path(__file__).parents[2]


class HastyJournal(SimulatedJournal):
    """A journal with a mistake: it does not wait for the disk."""

    async def append(self, timestamp: int, body: bytes) -> None:
        batch = following(self._head, timestamp, body)
        asyncio.get_running_loop().run_in_executor(self, self._container.append, [batch])
        self._head = batch


def hasty(container, clock, disk):
    """An engine that must be caught."""
    replay = Replay()
    for batch in container.batches(0):
        replay.take(batch)
    engine = ReferenceEngine(replay.books)
    return LedgerService(engine, HastyJournal(container), clock, QUEUE_EVENTS_MAX)


@pytest.mark.parametrize("engine", simulate.ENGINES)
def test_no_story_ends_in_a_contradiction(engine: str) -> None:
    """MS1, MS2, MS3, MS7, MS10."""
    if engine == "embedded":
        pytest.importorskip("numba")
    told = simulate.tell(range(SEEDS), engine)
    assert told.failed == {}
    assert told.counted["deaths"] > SEEDS
    assert told.counted["answers"] > 10 * SEEDS
    assert told.counted["refusals"] > 0
    assert len(told.codes) > 50


def test_a_ledger_that_answers_too_early_is_caught() -> None:
    caught = 0
    for seed in range(20):
        try:
            Story(seed, hasty).tell()
        except AssertionError:
            caught += 1
    assert caught > 10


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    program = (
        "from tests.simulation.ledger import Story\n"
        "print([Story(seed).tell().digest for seed in range(5)])"
    )
    heard = set()
    for hash_seed in ("0", "1"):
        found_in = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        environment = {**os.environ, "PYTHONPATH": found_in, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", program]
        heard.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert heard == {f"{[Story(seed).tell().digest for seed in range(5)]}\n".encode()}


def test_a_failing_seed_is_named_with_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulate, "reference", hasty)
    options = argparse.Namespace(seed=0, seeds=20, jobs=1, engine="reference")
    assert simulate.simulate(options) == 1
    assert "VIOLATION ./sycee faults simulate --engine reference --seed " in capsys.readouterr().err
