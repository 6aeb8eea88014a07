"""Services keep their promises on every database."""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that may open a database once on SQLite and once on PostgreSQL."""
    if "tmp_path" in metafunc.fixturenames:
        metafunc.parametrize("kind_of_database", ["sqlite", "postgres"], indirect=True)
