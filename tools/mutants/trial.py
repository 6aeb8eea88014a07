"""Tries mutants: each in a copy of the tree, where the tests of its suite must fail."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from tools.mutants.mutant import Mutant, Suite

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests", "tools", "pyproject.toml")
LIMIT_S = 120.0
"""A mutant may go in circles; that is noticed too."""
_FAILED = 1
"""What pytest answers when a test fails; anything above is a mistake of ours."""


class Fate(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    STUCK = "stuck"
    SURVIVED = "SURVIVED"
    BROKEN = "NOT TRIED"
    """Its text is not there, or the tests could not run."""
    LEFT_OUT = "left out"
    """It needs what is not installed."""


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the tree, to be changed."""
    with tempfile.TemporaryDirectory(prefix="sycee-mutants-") as folder:
        tree = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
                shutil.copytree(source, tree / name, ignore=ignored)
            else:
                shutil.copy(source, tree / name)
        yield tree


def try_one(tree: Path, mutant: Mutant) -> Fate:
    """Change the tree, run the tests, and change it back."""
    if not can_run(mutant.suite):
        return Fate.LEFT_OUT
    file = tree / mutant.file
    text = file.read_text()
    if text.count(mutant.old) != 1 or mutant.old == mutant.new:
        return Fate.BROKEN
    file.write_text(text.replace(mutant.old, mutant.new))
    try:
        return _fate(_run(tree, mutant.suite))
    except subprocess.TimeoutExpired:
        return Fate.STUCK
    finally:
        file.write_text(text)


def is_sound(tree: Path, suite: Suite) -> bool:
    """Whether the tests of a suite succeed while nothing is changed."""
    return not can_run(suite) or _run(tree, suite) == 0


def can_run(suite: Suite) -> bool:
    """Whether all is installed that a suite needs."""
    return not suite.needs_numba or importlib.util.find_spec("numba") is not None


def _fate(status: int) -> Fate:
    if status == 0:
        return Fate.SURVIVED
    return Fate.KILLED if status == _FAILED else Fate.BROKEN


def _run(tree: Path, suite: Suite) -> int:
    command: Sequence[str] = [
        *(sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no"),
        *("-p", "no:cacheprovider", *suite.tests),
    ]
    environment = {
        **os.environ,
        **suite.environment,
        "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "src")]),
        # A changed file can be as old and as long as the one before.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(
        command,
        cwd=tree,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=False,
    )
    return ran.returncode
