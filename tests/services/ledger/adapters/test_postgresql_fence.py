"""RE5: one writer at a time, and what a former one comes too late with is refused."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg
import pytest
from tests.runtime.until import until
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.on_postgresql import OnPostgresql
from tests.services.ledger.notation import OK, account, transfer

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database.schema import SchemaTooNew
from sycee.services.ledger.adapters.postgresql import book
from sycee.services.ledger.contract import Accounts, Transfers, TrialBalanceQuery

OPENING = Accounts((account(1), account(2)))


def send(engine, number):
    return engine.ledger.create_transfers(Transfers((transfer(number, 1, 2, 5),)))


async def posted(engine):
    return (await engine.ledger.trial_balance(TrialBalanceQuery())).lines[0].debits_posted


async def test_a_late_write_of_a_former_holder_is_refused_and_it_stops(engine, dsn):
    """The first writer still has its connection, and even its lock: the epoch alone decides."""
    await engine.ledger.create_accounts(OPENING)
    assert (await send(engine, 1)).codes == (OK,)
    await engine.sql("UPDATE writer SET epoch = epoch + 1, holder = 'another'")
    with pytest.raises(Unavailable, match="another writer has taken over"):
        await send(engine, 2)
    with pytest.raises(Unavailable, match="another writer has taken over"):
        await send(engine, 3)
    await engine.ledger.expire_due()
    assert await posted(engine) == 5, "reading goes on"
    second = await OnPostgresql(dsn, FakeClock()).open()
    assert (await send(second, 2)).codes == (OK,)
    assert await posted(second) == 10
    await second.ledger.close()


async def test_a_second_writer_ends_a_first_that_shows_no_life(engine, dsn):
    """The first is frozen: it holds the lock and never shows life until the second is there."""
    await engine.ledger.create_accounts(OPENING)
    second = await OnPostgresql(dsn, FakeClock()).open(patience_s=0.3, holder="second")
    assert (await send(second, 1)).codes == (OK,)
    for number in (2, 3):
        with pytest.raises(Unavailable, match="taken over"):
            await send(engine, number)
    assert (await send(second, 3)).codes == (OK,)
    assert await posted(second) == 10
    rows = await engine.sql("SELECT holder FROM writer")
    assert [row["holder"] for row in rows] == ["second"]
    await second.ledger.close()


async def test_a_first_that_shows_life_keeps_a_second_waiting(engine, dsn):
    await engine.ledger.create_accounts(OPENING)
    opening = asyncio.create_task(OnPostgresql(dsn, FakeClock()).open(patience_s=0.5))

    async def waits() -> bool:
        await engine.ledger.expire_due()
        rows = await engine.sql("SELECT beat FROM writer")
        return rows[0]["beat"] > 60 or opening.done()

    await until(waits)
    assert not opening.done()
    assert (await send(engine, 1)).codes == (OK,)
    await engine.ledger.close()
    second = await opening
    assert (await send(second, 2)).codes == (OK,)
    await second.ledger.close()


async def test_an_idle_writer_learns_that_it_was_replaced(engine):
    await engine.ledger.expire_due()
    await engine.sql("UPDATE writer SET epoch = epoch + 1")
    await engine.ledger.expire_due()
    with pytest.raises(Unavailable, match="taken over"):
        await engine.ledger.create_accounts(OPENING)


async def test_a_takeover_waits_for_a_commit_in_hand(engine, dsn):
    """The fence keeps the writer's row locked: no epoch changes inside of a transaction."""
    await engine.ledger.create_accounts(OPENING)
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "books"})
    epoch = await connection.fetchval("SELECT epoch FROM writer")
    await connection.execute(f"BEGIN; SELECT fence({epoch})")
    taking = asyncio.create_task(engine.sql("UPDATE writer SET epoch = epoch + 1"))
    done, _ = await asyncio.wait({taking}, timeout=0.2)
    assert not done
    await connection.execute("COMMIT")
    await taking
    await connection.close()


async def test_a_connection_that_was_lost_is_made_anew(engine):
    await engine.ledger.create_accounts(OPENING)
    await end_connections(engine)
    with suppress(Unavailable):
        await send(engine, 1)
    assert (await send(engine, 2)).codes == (OK,)
    await end_connections(engine)
    assert await posted(engine) in (5, 10)


async def end_connections(engine):
    await engine.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


async def test_a_database_that_disagrees_with_the_rules_stops_the_ledger(engine):
    """Somebody took a rule's ground away: nothing is guessed."""
    await engine.ledger.create_accounts(OPENING)
    await engine.sql("ALTER TABLE transfers ADD CONSTRAINT odd CHECK (amount <> 5) NOT VALID")
    with pytest.raises(Unavailable, match="refused what the rules allow"):
        await send(engine, 1)
    with pytest.raises(Unavailable, match="refused what the rules allow"):
        await send(engine, 2)


async def test_tables_of_a_newer_release_are_not_opened(engine):
    await engine.ledger.close()
    await engine.sql("UPDATE schema_version SET version = 99")
    with pytest.raises(SchemaTooNew):
        await engine.open()
    await engine.sql("UPDATE schema_version SET version = $1", book.VERSION)
    await engine.open()
