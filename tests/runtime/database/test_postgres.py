"""What only a server can show: that it goes away and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database.calls import StatementFailed
from tests import postgres
from tests.postgres import PostgresServer
from tests.runtime.database.pots import SCHEMA, announced, count, names, put
from tests.runtime.until import until

pytest.importorskip("greenlet")

from sycee.runtime.database.postgres import PostgresDatabase, open_postgres
from sycee.runtime.database.postgres_session import dollars


@pytest.fixture
async def dsn(postgres_server: PostgresServer) -> str:
    return await postgres_server.fresh()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[PostgresDatabase]:
    database = await open_postgres(dsn, SCHEMA, "pots")
    yield database
    await database.close()


@pytest.fixture(scope="module")
def frail_server() -> Iterator[PostgresServer]:
    """A server that its tests may crash."""
    with postgres.running() as server:
        yield server


@pytest.mark.parametrize(
    ("sql", "translated"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT ? + ?", "SELECT $1 + $2"),
        ("SELECT '?', ?, 'it''s ?', ?", "SELECT '?', $1, 'it''s ?', $2"),
    ],
)
def test_placeholders_are_numbered_outside_of_quotes(sql: str, translated: str) -> None:
    assert dollars(sql) == translated


async def test_a_crash_of_the_server_loses_nothing_acknowledged(
    frail_server: PostgresServer,
) -> None:
    """MS1, MS7: the group in hand is refused, and the next connects anew."""
    database = await open_postgres(await frail_server.fresh(), SCHEMA, "pots")
    acknowledged: list[str] = []

    async def caller(number: int) -> None:
        for step in range(10_000):
            await database.write(announced(f"{number}-{step}"))
            acknowledged.append(f"{number}-{step}")

    async def crash() -> None:
        await until(enough)
        await asyncio.to_thread(frail_server.stop)

    async def enough() -> bool:
        return len(acknowledged) > 200

    done = await asyncio.gather(*map(caller, range(8)), crash(), return_exceptions=True)
    assert [type(one) for one in done[:8]] == [Unavailable] * 8
    with pytest.raises(Unavailable):
        await database.read(count)
    with pytest.raises(Unavailable):
        await database.write(put("away"))
    await asyncio.to_thread(frail_server.start)
    await database.write(put("back"))
    found = await database.read(names)
    assert {*acknowledged, "back"} <= set(found)
    assert "away" not in found
    await database.close()


async def end_connections(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_an_idle_connection_that_has_gone_is_no_harm_to_a_query(
    database: PostgresDatabase, dsn: str
) -> None:
    await database.write(put("a"))
    await asyncio.gather(*(database.read(count) for _ in range(8)))
    await end_connections(dsn)
    assert await asyncio.gather(*(database.read(count) for _ in range(8))) == [1] * 8


async def test_a_second_writer_waits_until_the_first_has_gone(
    database: PostgresDatabase, dsn: str
) -> None:
    second = await open_postgres(dsn, SCHEMA, "pots")
    await database.write(put("first"))
    waiting = asyncio.create_task(second.write(put("second")))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    await database.close()
    assert await waiting == 1
    await second.close()


async def test_services_share_a_database_and_no_table(database: PostgresDatabase, dsn: str) -> None:
    other = await open_postgres(dsn, SCHEMA, "other")
    await asyncio.gather(database.write(put("a")), other.write(put("a")))
    assert await other.read(names) == await database.read(names) == ["a"]
    await other.close()


async def test_a_value_that_does_not_fit_fails_its_unit_alone(database: PostgresDatabase) -> None:
    done = await asyncio.gather(
        database.write(put("a")),
        database.write(put("b", 2**63)),
        database.write(put("nul \0")),
        database.write(put("c")),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [int, StatementFailed, StatementFailed, int]
    assert await database.read(names) == ["a", "c"]


async def test_a_query_whose_caller_left_spoils_no_other(database: PostgresDatabase) -> None:
    slow = asyncio.create_task(database.read(lambda s: s.row("SELECT pg_sleep(5)")))
    await asyncio.wait([slow], timeout=0.1)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await asyncio.gather(*(database.read(count) for _ in range(8))) == [0] * 8
