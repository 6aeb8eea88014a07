"""The kernel is compiled when it is imported, and never again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import numba
from numba.core import event
from tests.services.ledger.adapters.embedded.pair import Walk

from sycee.services.ledger.adapters.embedded.kernel import calls

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")

ENTRIES = {
    name: made
    for name, made in vars(calls).items()
    if isinstance(made, numba.core.registry.CPUDispatcher) and made.__module__ == calls.__name__
}
WALK = """
import sys
from random import Random
from numba.core import event
from tests.services.ledger.adapters.embedded.pair import Walk
from sycee.services.ledger.adapters.embedded.kernel import calls
with event.install_recorder("numba:compile") as compiled:
    walk = Walk(Random(1), cache_bytes=0)
    walk.go(40, walk.go_on_from_a_snapshot)
    walk.go(40, walk.go_on_from_a_replay)
    walk.pair.compare(Random(1), instants=5)
sys.exit(len(compiled.buffer))
"""


def test_there_are_functions_that_python_calls():
    assert {"begin", "end", "create_transfers", "create_accounts", "add_up"} <= ENTRIES.keys()


def test_nothing_is_compiled_while_the_ledger_runs():
    """In a process of its own: tests of the parts compile them for arguments of their own."""
    root = Path(__file__).parents[5]
    path = f"{root}:{root / 'src'}"
    ran = subprocess.run(
        [sys.executable, "-c", WALK], cwd=root, env={"PYTHONPATH": path}, check=False, timeout=300
    )
    assert ran.returncode == 0


def test_the_listener_hears_of_a_compilation():
    with event.install_recorder("numba:compile") as compiled:
        numba.njit(lambda number: number + 1)(1)
    assert compiled.buffer


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_each_function_that_python_calls_has_one_signature(name):
    walk = Walk(Random(2), cache_bytes=0)
    walk.go(10, walk.go_on_from_a_snapshot)
    walk.pair.compare(Random(1), instants=3)
    assert len(ENTRIES[name].signatures) == 1
