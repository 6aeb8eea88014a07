"""Services keep their promises on every database."""

from __future__ import annotations

import pytest

ENGINES = "services/ledger/adapters/"
"""Where an engine of the ledger brings its own storage."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that may open a database once on SQLite and once on PostgreSQL."""
    if "tmp_path" in metafunc.fixturenames and ENGINES not in metafunc.definition.path.as_posix():
        metafunc.parametrize("kind_of_database", ["sqlite", "postgres"], indirect=True)
