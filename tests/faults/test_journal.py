"""The journal's campaign in small, and that it can fail."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from sycee.runtime import logs
from tests.faults import journal
from tests.faults.lab import strace
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.disk import CannotCut, check_possible
from tests.faults.lab.journalist import KINDS
from tests.faults.lab.strace import CannotTrace


@pytest.fixture
def run() -> Iterator[Campaign]:
    """What a campaign writes into."""
    logs.configure("faults", write=lambda line: None)
    yield Campaign("small", argparse.Namespace(seed=1))
    logs.configure("sycee")


@pytest.fixture
def traced() -> None:
    """Skips where nothing can be traced."""
    try:
        strace.check_possible()
    except CannotTrace as why:
        pytest.skip(str(why))


@pytest.fixture
def cuttable() -> None:
    """Skips where no disk can be broken."""
    try:
        check_possible()
    except CannotCut as why:
        pytest.skip(str(why))


@pytest.mark.parametrize("kind", KINDS)
def test_a_power_cut_at_every_step_of_a_writer_loses_nothing(
    kind: str, traced: None, run: Campaign
) -> None:
    """MS1."""
    journal.cut_at_every_step(run, kind, dice_count=1)
    assert run.violations == []
    assert run.counted["cuts_at_steps"] > 20


@pytest.mark.slow
def test_every_failed_sync_of_sqlite_loses_nothing(traced: None, run: Campaign) -> None:
    """MS7."""
    journal.fail_at_calls(run, "rows", stride=100)
    assert run.violations == []
    assert run.counted["disk_faults_that_stopped_it"] > 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_writer_loses_nothing(kind: str, run: Campaign) -> None:
    """MS1."""
    journal.kill_again_and_again(run, kind, cycles=2)
    assert run.violations == []
    assert run.counted["kills"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_of_the_power_loses_nothing_and_a_careless_writer_is_caught(
    kind: str, cuttable: None, run: Campaign
) -> None:
    """MS1."""
    journal.cut_again_and_again(run, kind, cycles=3)
    assert run.violations == []
    assert journal.missed(run, kind, cycles=5) == []
