"""Every campaign in small: what `./sycee faults` does for minutes, within seconds."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import fuzz, kill, money, power, races, syscalls, unknown
from tests.faults.lab import strace
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.disk import CannotCut, Disk, disk
from tests.faults.lab.installation import CARELESS, Installation
from tests.faults.lab.strace import CannotTrace, Point

SEED = 1
TOPOLOGIES = ["one", pytest.param("processes", marks=pytest.mark.slow)]
FILES = [
    file if file.startswith("payments") else pytest.param(file, marks=pytest.mark.slow)
    for file in syscalls.MONEY
]


@pytest.fixture
def run() -> Campaign:
    """What a campaign writes into."""
    return Campaign("small", argparse.Namespace(seed=SEED))


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Disk]:
    """A disk whose power can be cut; skips where that is not allowed."""
    try:
        with disk(tmp_path) as made:
            yield made
    except CannotCut as why:
        pytest.skip(str(why))


@pytest.fixture
def sweep(tmp_path: Path, run: Campaign) -> Iterator[syscalls.Sweep]:
    """A platform that can be traced; skips where that is not allowed."""
    try:
        strace.check_possible()
    except CannotTrace as why:
        pytest.skip(str(why))
    made = syscalls.Sweep(run, Installation(tmp_path / "data", "one"))
    try:
        yield made
    finally:
        made.platform.kill()


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_kill_under_load_loses_and_doubles_nothing(
    topology: str, tmp_path: Path, run: Campaign
) -> None:
    """MS1, MS2, MS3, MS8, MS9."""
    plan = kill.Plan(cycles=2, clients=8, load_s=0.5)
    kill.kill_again_and_again(run, Installation(tmp_path / "data", topology), plan)
    assert run.violations == []
    assert run.counted["kills"] + run.counted["service_kills"] == plan.cycles
    assert run.counted["requests"] > plan.clients


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_payments_under_the_hammer_have_a_history_that_can_be_told(
    topology: str, tmp_path: Path, run: Campaign
) -> None:
    """MS2, MS3, MS4, MS5, MS8."""
    plan = money.Plan(operations=1_500, clients=64, payments=8)
    money.hammer(run, Installation(tmp_path / "data", topology), plan)
    assert run.violations == []
    assert run.counted["operations"] >= plan.operations
    assert run.counted["kills"] > 0 or topology == "processes"


def test_no_octets_on_busy_connections_end_in_a_fault(tmp_path: Path, run: Campaign) -> None:
    """AE1."""
    platform = Installation(tmp_path / "data", "one")
    platform.start()
    try:
        fuzz.fuzz(run, platform, requests=500, connections=16)
    finally:
        platform.kill()
    assert run.violations == []
    assert run.counted["answers"] >= 500


def test_a_kill_at_birth_leaves_nothing_in_the_way(tmp_path: Path, run: Campaign) -> None:
    kill.kill_at_birth(run, Installation(tmp_path / "data", "one"), times=1)
    assert run.violations == []


@pytest.mark.slow
def test_a_power_failure_loses_nothing(broken: Disk, run: Campaign) -> None:
    """MS1."""
    platform = Installation(broken.mounted / "data", "one")
    power.cut_again_and_again(run, broken, platform, cycles=2, clients=8)
    assert run.violations == []
    assert run.counted["cuts"] == 2


def test_a_platform_that_does_not_wait_for_the_disk_is_caught(broken: Disk, run: Campaign) -> None:
    """MS1: the campaign can fail."""
    platform = Installation(broken.mounted / "data", "one", program=CARELESS)
    power.cut_again_and_again(run, broken, platform, cycles=5, clients=8)
    assert run.violations != []


def test_a_kill_at_any_sync_of_a_confirmation_is_recovered_from(
    sweep: syscalls.Sweep, run: Campaign
) -> None:
    """MS1, MS2, MS8."""
    for place in sweep.places("confirm"):
        if place.name == "fdatasync" and Path(place.path).name in syscalls.MONEY:
            for nth in range(1, place.nth + 1):
                point = Point(place.name, nth, place.path)
                sweep.kill_at("confirm", point)
    assert run.violations == []
    assert run.counted["kills"] >= len(syscalls.MONEY)
    assert sweep.platform.check_books() == []


@pytest.mark.parametrize("file", FILES)
def test_a_disk_that_fails_is_never_acknowledged(
    file: str, sweep: syscalls.Sweep, run: Campaign
) -> None:
    """MS7."""
    sweep.places("confirm")
    path = str(sweep.platform.data / file)
    assert sweep.fail_at("confirm", Point("fdatasync", 1, path), "error=EIO")
    assert sweep.fail_at("confirm", Point("pwrite64", 1, path), "error=ENOSPC+")
    assert run.violations == []
    assert sweep.platform.check_books() == []


def test_the_last_cent_goes_once(tmp_path: Path, run: Campaign) -> None:
    """MS4."""
    platform = Installation(tmp_path / "data", "one")
    platform.start()
    try:
        races.last_cents(run, platform, rounds=len(races.RACES), clients=64)
    finally:
        platform.kill()
    assert run.violations == []
    assert run.counted["races"] == len(races.RACES)


def test_a_storm_of_twins_has_one_effect_per_key(tmp_path: Path, run: Campaign) -> None:
    """MS2."""
    races.storm(run, Installation(tmp_path / "data", "one"), keys=16, twins=25)
    assert run.violations == []
    assert run.counted["storm_requests"] >= 2 * 16 * 25


def test_what_an_acquirer_did_unheard_is_found_out(tmp_path: Path, run: Campaign) -> None:
    """MS9."""
    settings = unknown.misbehaviour(SEED, lost_requests=200, lost_answers=200)
    platform = Installation(tmp_path / "data", "one", *settings)
    unknown.mislead(run, platform, cycles=1, clients=8, load_s=0.5)
    assert run.violations == []
    assert run.counted["answers_in_doubt"] > 0
