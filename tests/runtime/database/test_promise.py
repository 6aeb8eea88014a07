"""What every database keeps, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sycee.kernel.refusal import NotFound, Unavailable
from sycee.runtime.database import Publisher, Session
from sycee.runtime.database.calls import UNITS_MAX, StatementFailed
from sycee.runtime.database.schema import Schema, SchemaTooNew
from sycee.runtime.queue import outbox
from tests.runtime.database.engines import Engine, SqliteEngine
from tests.runtime.database.pots import announced, count, names, put


async def test_what_was_written_is_read(database: Publisher) -> None:
    await database.write(put("a", 2**62, b"\x00\xff"))
    await database.write(put("b", 0, None))
    rows = await database.read(lambda s: s.rows("SELECT id, amount, body FROM pots ORDER BY id"))
    assert [tuple(row) for row in rows] == [("a", 2**62, b"\x00\xff"), ("b", 0, None)]


async def test_only_a_file_has_one_writer_for_a_whole_life(
    engine: Engine, database: Publisher
) -> None:
    assert database.is_exclusive is isinstance(engine, SqliteEngine)


async def test_a_row_that_is_not_there_is_none(database: Publisher) -> None:
    assert await database.read(lambda s: s.row("SELECT 1 FROM pots")) is None
    assert await database.write(lambda s: s.row("SELECT 1 FROM pots")) is None


async def test_a_change_tells_how_many_rows_it_met(database: Publisher) -> None:
    await database.write(put("a"))
    await database.write(put("b"))
    assert await database.write(lambda s: s.run("UPDATE pots SET amount = ?", 5)) == 2
    again = "INSERT INTO pots (id, amount) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"
    assert await database.write(lambda s: s.run(again, "a", 9)) == 0
    assert await database.write(lambda s: s.run("DELETE FROM pots WHERE id = ?", "a")) == 1


async def test_a_changing_statement_may_answer_rows(database: Publisher) -> None:
    row = await database.write(
        lambda s: s.row("INSERT INTO pots (id, amount) VALUES (?, ?) RETURNING id, amount", "a", 7)
    )
    assert row is not None and tuple(row) == ("a", 7)
    assert await database.read(names) == ["a"]


async def test_of_a_unit_that_raises_nothing_stays_and_its_neighbours_do(
    database: Publisher,
) -> None:
    def refused(session: Session) -> None:
        put("half")(session)
        session.publish("pots", "half", b"")
        raise NotFound("no such customer")

    done = await asyncio.gather(
        database.write(put("before")),
        database.write(refused),
        database.write(put("after")),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [int, NotFound, int]
    assert await database.read(names) == ["after", "before"]
    assert await database.read(outbox.head) == 0


async def test_a_constraint_that_is_broken_fails_its_unit_alone(database: Publisher) -> None:
    orphan = "INSERT INTO moves (pot, amount) VALUES (?, ?)"
    done = await asyncio.gather(
        database.write(put("a")),
        database.write(put("a")),
        database.write(put("b", -1)),
        database.write(lambda s: s.run(orphan, "none", 1)),
        database.write(put("c")),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [
        int,
        StatementFailed,
        StatementFailed,
        StatementFailed,
        int,
    ]
    assert await database.read(names) == ["a", "c"]


UNFIT = {
    "a number beyond 64 bits": lambda session: put("x", 2**63)(session),
    "half a character": lambda session: put("\ud800")(session),
    "too few values": lambda session: session.run("DELETE FROM pots WHERE id = ?"),
    "no SQL": lambda session: session.run("DELETE EVERYTHING"),
    "no such table": lambda session: session.row("SELECT 1 FROM nothing"),
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT.keys())
async def test_a_statement_that_cannot_be_fails_its_unit_alone(
    database: Publisher, unfit: Callable[[Session], object]
) -> None:
    done = await asyncio.gather(
        database.write(put("a")),
        database.write(unfit),
        database.write(put("b")),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [int, StatementFailed, int]
    with pytest.raises(StatementFailed):
        await database.read(lambda session: session.row("SELECT 1 FROM nothing"))
    assert await database.read(names) == ["a", "b"]


async def test_a_unit_does_not_survive_a_failed_statement_by_catching_it(
    database: Publisher,
) -> None:
    def stubborn(session: Session) -> str:
        put("half")(session)
        try:
            put("half")(session)
        except StatementFailed:
            return "as if nothing had happened"
        return "done"

    with pytest.raises(StatementFailed):
        await database.write(stubborn)
    assert await database.read(names) == []


async def test_units_run_in_the_order_of_their_calls(database: Publisher) -> None:
    seen: list[int] = []

    def unit(number: int) -> None:
        async def write() -> None:
            await database.write(lambda s: seen.append(number) or s.run("DELETE FROM moves"))

        tasks.append(asyncio.create_task(write()))

    tasks: list[asyncio.Task[None]] = []
    for number in range(2 * UNITS_MAX):
        unit(number)
    await asyncio.gather(*tasks)
    assert seen == list(range(2 * UNITS_MAX))


async def test_a_unit_sees_what_its_neighbours_wrote_before_it(database: Publisher) -> None:
    """MS4: two clients who race for the last cent."""
    await database.write(put("last cent", 1))

    def take(session: Session) -> int:
        row = session.row("SELECT amount FROM pots WHERE id = ?", "last cent")
        assert row is not None
        if row[0] == 0:
            raise NotFound("it is gone")
        return session.run("UPDATE pots SET amount = amount - 1 WHERE id = ?", "last cent")

    done = await asyncio.gather(*(database.write(take) for _ in range(64)), return_exceptions=True)
    assert [type(one) for one in done] == [int] + [NotFound] * 63


async def test_many_units_share_a_commit(engine: Engine, database: Publisher) -> None:
    before = engine.commits(database)
    await asyncio.gather(*(database.write(put(f"{n:03}")) for n in range(UNITS_MAX)))
    shared = engine.commits(database) - before
    assert await database.read(count) == UNITS_MAX
    assert 1 <= shared <= UNITS_MAX // 8


async def test_an_answer_comes_only_after_the_commit(engine: Engine, database: Publisher) -> None:
    """MS1: what is answered is there for everybody."""

    async def put_and_look(number: int) -> None:
        await database.write(put(str(number)))
        assert await engine.sees(database.name, str(number))

    await asyncio.gather(*(put_and_look(number) for number in range(50)))


async def test_a_refusal_that_saw_a_neighbours_row_waits_for_its_commit(
    engine: Engine, database: Publisher
) -> None:
    """MS1: nobody is told of what a crash could take back."""

    def taken(session: Session) -> None:
        assert names(session) == ["a"]
        raise NotFound("there is one already")

    async def look() -> None:
        with pytest.raises(NotFound):
            await database.write(taken)
        assert await engine.sees(database.name, "a")

    await asyncio.gather(database.write(put("a")), look())


async def test_a_read_never_sees_what_is_not_committed(database: Publisher) -> None:
    """MS3."""
    seen: list[int] = []

    async def watch() -> None:
        while not writing.done():
            seen.append(await database.read(count))
            await asyncio.sleep(0)

    def pair(number: int):
        def unit(session: Session) -> None:
            put(f"{number}a")(session)
            put(f"{number}b")(session)

        return unit

    writing = asyncio.ensure_future(
        asyncio.gather(*(database.write(pair(number)) for number in range(300)))
    )
    await watch()
    assert seen == sorted(seen)
    assert all(number % 2 == 0 for number in seen)


async def test_a_caller_who_left_before_its_turn_leaves_nothing(database: Publisher) -> None:
    tasks = [asyncio.create_task(database.write(put(name))) for name in "abc"]
    tasks[1].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in done] == [int, asyncio.CancelledError, int]
    assert await database.read(names) == ["a", "c"]


async def test_a_caller_who_leaves_during_the_commit_breaks_nothing(database: Publisher) -> None:
    ran = asyncio.Event()

    def unit(session: Session) -> int:
        ran.set()
        return put("b")(session)

    leaving = asyncio.create_task(database.write(unit))
    staying = asyncio.create_task(database.write(put("a")))
    await ran.wait()
    leaving.cancel()
    assert await staying == 1
    assert await database.read(names) == ["a", "b"]


async def test_closing_finishes_what_is_queued(engine: Engine, database: Publisher) -> None:
    tasks = [asyncio.create_task(database.write(put(f"{n:04}"))) for n in range(UNITS_MAX + 50)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*tasks) == [1] * (UNITS_MAX + 50)
    with pytest.raises(Unavailable):
        await database.write(put("late"))
    with pytest.raises(Unavailable):
        await database.read(count)
    await database.close()
    later = await engine.open(database.name)
    assert await later.read(count) == UNITS_MAX + 50


async def test_an_event_is_there_if_and_only_if_its_unit_is(database: Publisher) -> None:
    """MS8."""

    def refused(session: Session) -> None:
        announced("no")(session)
        raise NotFound("changed its mind")

    await asyncio.gather(
        database.write(announced("a")),
        database.write(refused),
        database.write(announced("b")),
        return_exceptions=True,
    )
    entries = await database.read(lambda s: outbox.entries(s, 0, 99, 99))
    assert [entry.message.key for entry in entries] == ["a", "b"]


async def test_who_listens_is_woken_after_the_commit(database: Publisher) -> None:
    heads: list[asyncio.Task[int]] = []
    database.on_publish(lambda: heads.append(asyncio.create_task(database.read(outbox.head))))
    await database.write(put("silent"))
    assert heads == []
    await database.write(announced("a"))
    assert await heads[0] > 0


async def test_a_query_cannot_write(database: Publisher) -> None:
    insert = "INSERT INTO pots (id, amount) VALUES ('a', 1)"
    with pytest.raises(StatementFailed):
        await database.read(lambda s: s.run(insert))
    with pytest.raises(StatementFailed):
        await database.read(lambda s: s.row(f"{insert} RETURNING id"))
    with pytest.raises(StatementFailed):
        await database.read(lambda s: s.publish("pots", "a", b""))
    await database.write(put("a"))


async def test_a_newer_schema_is_refused_by_an_older_release(
    engine: Engine, database: Publisher
) -> None:
    await database.close()
    newer = Schema(engine.schema.sql, version=7)
    await (await engine.open(database.name, newer)).close()
    with pytest.raises(SchemaTooNew, match="version 7"):
        await engine.open(database.name)
    await (await engine.open(database.name, newer)).close()
