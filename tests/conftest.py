"""What tests of several areas stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests that ask for it."""
    with postgres.running() as server:
        yield server
