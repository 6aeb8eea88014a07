"""Databases for the tests of what stands on them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sycee.runtime.database import Publisher
from tests.postgres import PostgresServer
from tests.runtime.database.engines import Engine, PostgresEngine, SqliteEngine


@pytest.fixture(params=["sqlite", "postgres"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """Each database in turn."""
    engine: SqliteEngine | PostgresEngine
    if request.param == "sqlite":
        engine = SqliteEngine(tmp_path)
    else:
        pytest.importorskip("greenlet")
        server: PostgresServer = request.getfixturevalue("postgres_server")
        engine = PostgresEngine(server, await server.fresh())
    yield engine
    await engine.close()


@pytest.fixture
async def database(engine: Engine) -> Publisher:
    return await engine.open("pots")
