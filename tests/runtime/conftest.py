"""Databases for the tests of what stands on them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sycee.runtime.database import Publisher
from tests.runtime.database.engines import Engine, SqliteEngine


@pytest.fixture(params=["sqlite"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    engine = SqliteEngine(tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def database(engine: Engine) -> Publisher:
    return await engine.open("pots")
