"""Several writers at once, by a function of the schema: the same codes, in order of commits."""

from __future__ import annotations

import asyncio
from random import Random
from uuid import UUID

import asyncpg
import pytest
from tests.services.ledger import conformance
from tests.services.ledger.notation import PENDING, account, transfer

from sycee.services.ledger.contract import Accounts

LIMITS = {5: 2, 6: 2, 7: 4, 8: 4}
OPENING = [account(n, flags=LIMITS.get(n, 0), ledger=1 + (n == 4)) for n in range(1, 9)]


@pytest.fixture
async def shared(engine):
    """Books that no single writer holds, and a model of them."""
    pair = conformance.Pair(engine)
    await pair.send(OPENING, Random(1))
    await engine.ledger.close()
    await engine.sql("SELECT share()")
    yield engine, pair
    await engine.open()


async def record(connection, events):
    ids, debits, credits = (
        [UUID(int=getattr(event, field)) for event in events]
        for field in ("id", "debit_account_id", "credit_account_id")
    )
    rest = [[getattr(one, field) for one in events] for field in ("amount", "ledger", "code")]
    flags = [int(event.flags) for event in events]
    return await connection.fetchval(
        "SELECT record_shared($1, $2, $3, $4, $5, $6, $7)", ids, debits, credits, *rest, flags
    )


async def connected(engine):
    return await asyncpg.connect(engine.dsn, server_settings={"search_path": "books"})


def made(draw, number):
    """Mostly sensible, often without a chance, now and then known."""
    debit, credit = draw.choices((1, 2, 3, 5, 6, 7, 8, 0, 4, 9), (9,) * 7 + (1,) * 3, k=2)
    return transfer(
        number if draw.random() < 0.9 else draw.randint(100, number),
        debit,
        credit,
        draw.choice((0, 1, 5, 50, 2**128 - 1, 2**127)),
        ledger=draw.choice((1,) * 9 + (0, 2)),
        code=draw.choice((1,) * 9 + (0,)),
        flags=draw.choice((0, 0, PENDING)),
    )


@pytest.mark.parametrize("seed", range(3))
async def test_the_codes_are_the_models(shared, seed):
    engine, pair = shared
    connection, draw, number = await connected(engine), Random(seed), 100
    for _ in range(25):
        events = {}
        for _ in range(draw.randint(1, 12)):
            event = made(draw, number)
            events[event.id] = event
            number += 1
        codes = await record(connection, list(events.values()))
        last = await connection.fetchval("SELECT timestamp FROM writer")
        pair.expect(list(events.values()), codes, last - len(events))
    await connection.close()
    await engine.open()
    await pair.compare()
    await pair.compare_history()
    await pair.compare_changes()
    await engine.ledger.close()


async def test_racing_writers_overdraw_nothing_and_number_without_a_gap(shared):
    """MS4."""
    engine, _ = shared
    connections = [await connected(engine) for _ in range(6)]
    await record(connections[0], [transfer(1, 1, 5, 100)])

    async def writer(place, connection):
        draw, codes = Random(place), []
        for step in range(25):
            first = 1000 + 1000 * place + 10 * step
            events = [transfer(first + n, 5, draw.choice((1, 2)), 3) for n in range(4)]
            codes += await record(connection, events)
        return codes

    codes = await asyncio.gather(*(writer(*each) for each in enumerate(connections)))
    codes = [code for each in codes for code in each]
    assert (codes.count(0), codes.count(54)) == (33, len(codes) - 33)
    for connection in connections:
        await connection.close()
    (row,) = await engine.sql("SELECT * FROM accounts WHERE id = $1", UUID(int=5))
    assert (row["debits_posted"], row["credits_posted"]) == (99, 100)
    rows = await engine.sql("SELECT sequence FROM transfers ORDER BY timestamp")
    assert [row["sequence"] for row in rows] == [*range(9, 9 + len(rows))]


@pytest.mark.parametrize("flags", [1, 4, 8, 16, 32, 66, 256])
async def test_what_it_does_not_know_is_refused(shared, flags):
    engine, _ = shared
    connection = await connected(engine)
    with pytest.raises(asyncpg.PostgresError, match="only plain and pending") as refusal:
        await record(connection, [transfer(1, 1, 2, 1, flags=flags)])
    assert refusal.value.sqlstate == "SY004"
    with pytest.raises(asyncpg.PostgresError, match="twice"):
        await record(connection, [transfer(1, 1, 2, 1), transfer(1, 1, 2, 1)])
    await connection.close()


async def test_one_writer_and_many_keep_each_other_out(engine):
    """RE5."""
    await engine.ledger.create_accounts(Accounts((account(1), account(2))))
    connection = await connected(engine)
    for call in (connection.execute("SELECT share()"), record(connection, [transfer(1, 1, 2, 1)])):
        with pytest.raises(asyncpg.PostgresError, match="single writer") as refusal:
            await call
        assert refusal.value.sqlstate == "SY001"
    await connection.close()
