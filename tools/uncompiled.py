"""``python -m tools.uncompiled``: the kernel's tests without its compiler, down to the last branch.

Machine code tells nobody which lines ran. Uncompiled, the same functions are plain Python.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNEL = "src/sycee/services/ledger/adapters/embedded/kernel"
TESTS = "tests/services/ledger/adapters/embedded"
NAMES = (
    "account_rules",
    "transfer_rules",
    "domain",
    "boundaries",
    "index",
    "tables",
    "against_the_model",
)
COMPILER = ("tables", "jit", "cache")
"""What compiles, and does not run uncompiled."""
DISABLED = {"NUMBA_DISABLE_JIT": "1"}


def tests() -> list[str]:
    """The files that test the kernel's rules."""
    return [f"{TESTS}/test_{name}.py" for name in NAMES]


def main() -> int:
    """Run the tests, then say which branches they did not reach."""
    if importlib.util.find_spec("numba") is None:
        print("left out: the compiled engine needs Numba")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        kept = f"--data-file={folder}/coverage"
        omitted = ",".join(f"{KERNEL}/{name}.py" for name in COMPILER)
        ran = _coverage("run", kept, "--branch", "-m", "pytest", *tests())
        shown = ("--show-missing", "--skip-covered", "--fail-under=100")
        chosen = (f"--include={KERNEL}/*", f"--omit={omitted}")
        return _coverage("report", kept, *chosen, *shown) or ran


def _coverage(*arguments: str) -> int:
    command: Sequence[str] = [sys.executable, "-m", "coverage", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | DISABLED, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
