"""What tests of several areas stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests import postgres
from tests.postgres import PostgresServer
from tests.services import storage


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests that ask for it."""
    with postgres.running() as server:
        yield server


@pytest.fixture(autouse=True)
def kind_of_database(request: pytest.FixtureRequest) -> str:
    """On what the hosts of this test keep their databases; closed when it ends."""
    kind: str = getattr(request, "param", "sqlite")
    if "tmp_path" in request.fixturenames:
        request.getfixturevalue(f"hosts_on_{kind}")
    return kind


@pytest.fixture
async def hosts_on_sqlite() -> AsyncIterator[None]:
    """Hosts with files in their own folders."""
    storage.current = storage.Sqlite()
    yield
    await storage.current.close()


@pytest.fixture
async def hosts_on_postgres(postgres_server: PostgresServer) -> AsyncIterator[None]:
    """Hosts with databases of one server."""
    pytest.importorskip("greenlet")
    storage.current = storage.Postgres(postgres_server)
    yield
    await storage.current.close()
    storage.current = storage.Sqlite()
