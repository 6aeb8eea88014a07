"""A cut of the disk's power takes what was not synced, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.lab.counter import committed
from tests.faults.lab.disk import CannotCut, Disk, disk
from tests.system.platform import ROOT

NUMBERS = 500


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Disk]:
    """A disk that can be cut; skips where that is not allowed."""
    try:
        with disk(tmp_path) as made:
            yield made
    except CannotCut as why:
        pytest.skip(str(why))


def acknowledged_before_a_cut(broken: Disk, path: Path, synchronous: str) -> int:
    """Have a program commit numbers, and cut the power under it; the last one it told."""
    command = [sys.executable, "-m", "tests.faults.lab.counter", str(path), synchronous]
    counter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert counter.stdin is not None and counter.stdout is not None
    counter.stdin.write(b"\n" * NUMBERS)
    counter.stdin.flush()
    told = [counter.stdout.readline() for _ in range(NUMBERS)]
    counter.send_signal(signal.SIGSTOP)
    os.waitpid(counter.pid, os.WUNTRACED)
    broken.cut()
    counter.kill()
    counter.communicate()
    broken.come_back()
    return int(told[-1])


def test_a_cut_takes_what_was_not_synced_and_nothing_else(broken: Disk) -> None:
    """MS1. The second half proves that a cut is one: the tip of many tutorials loses numbers."""
    path = broken.mounted / "numbers.sqlite"
    assert acknowledged_before_a_cut(broken, path, "FULL") == NUMBERS
    assert committed(path) == NUMBERS
    assert acknowledged_before_a_cut(broken, path, "NORMAL") == 2 * NUMBERS
    assert NUMBERS <= committed(path) < 2 * NUMBERS
