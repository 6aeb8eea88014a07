"""``python -m tools.test [--all] [arguments of pytest]``: check, then run the tests.

Slow suites run only with ``--all``. A run of everything uses every core and measures coverage;
rules that are not covered to the last branch fail it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RULES = "src/sycee/kernel/*,src/sycee/services/*/domain.py,src/sycee/services/*/domain/*"
"""What must be covered whole, branch by branch."""

_AT_ONCE = ("-n", str(min(4, os.cpu_count() or 1)), "--dist", "worksteal")
_COVERED = ("--cov", "--cov-report=")

Step = tuple[str, Sequence[str]]
Run = Callable[[Sequence[str]], int]


def steps(arguments: Sequence[str]) -> list[Step]:
    """What is to be run, in order, under which name."""
    chosen = [argument for argument in arguments if argument != "--all"]
    pytest = ["pytest", *([] if "--all" in arguments else ["-m", "not slow"]), *chosen]
    check: Step = ("checks", ["-m", "tools.check"])
    if chosen:
        return [check, ("tests", ["-m", *pytest])]
    return [
        check,
        ("tests", ["-m", *pytest, *_AT_ONCE, *_COVERED]),
        ("coverage of the rules", ["-m", "coverage", "report", f"--include={RULES}",
                                   "--show-missing", "--skip-covered", "--fail-under=100"]),
        ("kernel, uncompiled", ["-m", "tools.uncompiled"]),
    ]  # fmt: skip


def main(arguments: Sequence[str], run: Run | None = None) -> int:
    """Run every step even when one fails, and say at the end which did."""
    run = run or _python
    failed = []
    begin = time.monotonic()
    for name, command in steps(arguments):
        print(f"\n== {name}", flush=True)
        if run(command) != 0:
            failed.append(name)
    took_s = time.monotonic() - begin
    verdict = f"FAILED: {', '.join(failed)}" if failed else "All well"
    print(f"\n== {verdict}, after {took_s:.0f} s", flush=True)
    return 1 if failed else 0


def _python(command: Sequence[str]) -> int:
    return subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
