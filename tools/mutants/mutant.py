"""What a mutant is, and which tests have to notice it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tools import uncompiled

LEDGER = "src/sycee/services/ledger"
TESTS = "tests/services/ledger"


class Suite(NamedTuple):
    """Tests, the quickest first: they end with the first that fails."""

    tests: tuple[str, ...]
    environment: Mapping[str, str] = {}
    needs_numba: bool = False


REFERENCE = Suite(
    tuple(
        f"{TESTS}/test_{name}.py"
        for name in ("transfer_rules", "account_rules", "domain", "journal", "against_second_model")
    )
)
KERNEL = Suite(tuple(uncompiled.tests()), uncompiled.DISABLED, needs_numba=True)
ENGINE = Suite(
    (
        f"{TESTS}/adapters/embedded/test_boundaries.py",
        f"{TESTS}/adapters/embedded/test_against_the_model.py",
        f"{TESTS}/adapters/embedded/test_tables.py",
        f"{TESTS}/adapters/embedded/test_service.py",
    ),
    uncompiled.DISABLED,
    needs_numba=True,
)
CONTAINERS = Suite(
    (
        f"{TESTS}/adapters/embedded/test_containers.py",
        f"{TESTS}/adapters/embedded/test_snapshots.py",
        "tests/simulation/test_segments.py",
        "tests/simulation/test_ledger.py",
    )
)
SERVICE = Suite((f"{TESTS}/test_service.py", f"{TESTS}/test_service_on_a_database.py"))
DATABASE = Suite(("tests/runtime/database", "tests/tools/test_checks.py"))


class Mutant(NamedTuple):
    """One change: in ``file``, the text ``old``, which occurs there once, becomes ``new``."""

    name: str
    file: str
    old: str
    new: str
    suite: Suite


def mutants(
    folder: str, suite: Suite, changes: Iterable[tuple[str, str, str, str]]
) -> tuple[Mutant, ...]:
    """The mutants of one folder, from (name, file, old, new)."""
    return tuple(
        Mutant(name, f"{folder}/{file}.py", old, new, suite) for name, file, old, new in changes
    )
