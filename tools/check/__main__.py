"""``python -m tools.check``: run every check, then hold up the mirror."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.check import (
    circles,
    contracts,
    generated,
    lines,
    mirror,
    money,
    names,
    plan,
    programs,
    purity,
)
from tools.check.exceptions import unexcused
from tools.check.tree import Finding, Tree

Check = Callable[[Tree], list[Finding]]

ROOT = Path(__file__).resolve().parents[2]
CHECKS: Mapping[str, Check] = {
    "syntax": Tree.broken,
    "ruff": programs.ruff_lint,
    "format": programs.ruff_format,
    "types": programs.mypy,
    "any": lines.no_any,
    "fence 1, floors": programs.fence_floors,
    "fence 2, plan": plan.fence_plan,
    "fence 3, contracts": plan.fence_contracts,
    "fence 4, insides": plan.fence_insides,
    "fence 5, assembly": plan.fence_assembly,
    "fence 6, purity": purity.fence_purity,
    "fence 7, circles": circles.fence_circles,
    "contracts": contracts.contracts_documented,
    "names": names.names_sensible,
    "money": money.no_float_near_money,
    "sql": lines.sql_at_home,
    "lines": lines.no_forbidden_line,
    "sleep": lines.no_sleep_in_tests,
    "generated": generated.generated_up_to_date,
}


def main() -> int:
    """Run all; a check that cannot run has failed."""
    tree = Tree(ROOT)
    failed = [name for name, check in CHECKS.items() if not _holds(name, check, tree)]
    print()
    print(mirror.report(tree))
    if failed:
        print(f"\n{len(failed)} of {len(CHECKS)} checks failed: {'; '.join(failed)}")
        return 1
    print(f"\nAll {len(CHECKS)} checks hold.")
    return 0


def _holds(name: str, check: Check, tree: Tree) -> bool:
    begin = time.perf_counter()
    try:
        findings = unexcused(name, check(tree))
    except Exception:  # noqa: BLE001 - the one place where a check's own faults are shown
        findings = [Finding(name, 1, f"could not run\n{traceback.format_exc()}")]
    took_s = time.perf_counter() - begin
    print(f"{'FAILED' if findings else 'ok':<6}  {took_s:5.1f} s  {name}", flush=True)
    for finding in findings:
        print(f"          {finding}")
    return not findings


if __name__ == "__main__":
    sys.exit(main())
