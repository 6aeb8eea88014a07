"""Events inside one process."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from sycee.runtime.database import Publisher
from sycee.runtime.queue import LocalQueue, local, outbox
from tests.runtime.database.engines import Engine
from tests.runtime.database.pots import announced, put
from tests.runtime.queue.inbox import Inbox, going
from tests.runtime.until import until


def queue_of(database: Publisher, **inboxes: Inbox) -> LocalQueue:
    queue = LocalQueue(kept=10, keep_every_s=0.01)
    queue.attach(database)
    for name, inbox in inboxes.items():
        queue.subscribe("pots", name, inbox.handle)
    return queue


async def rows(database: Publisher) -> int:
    row = await database.read(lambda s: s.row("SELECT COUNT(*) FROM outbox"))
    assert row is not None and isinstance(row[0], int)
    return row[0]


async def test_an_event_reaches_every_consumer_in_order(database: Publisher) -> None:
    first, second = Inbox(), Inbox()
    keys = [f"{number:03}" for number in range(3 * local.BATCH_MAX)]
    async with going(queue_of(database, first=first, second=second).run):
        await asyncio.gather(*(database.write(announced(key)) for key in keys))
        await first.holds(*keys)
        await second.holds(*keys)
    assert first.keys == second.keys == keys


async def test_events_published_before_the_start_are_delivered(database: Publisher) -> None:
    await database.write(announced("early"))
    inbox = Inbox()
    async with going(queue_of(database, inbox=inbox).run):
        await inbox.holds("early")


async def test_other_topics_are_passed_over(database: Publisher) -> None:
    inbox = Inbox()
    async with going(queue_of(database, inbox=inbox).run):
        await database.write(lambda s: s.publish("weather", "rain", b""))
        await database.write(announced("a"))
        await inbox.holds("a")
    assert inbox.keys == ["a"]


async def test_after_an_orderly_restart_nothing_comes_twice(
    engine: Engine, database: Publisher
) -> None:
    inbox = Inbox()
    async with going(queue_of(database, inbox=inbox).run):
        await database.write(announced("a"))
        await inbox.holds("a")
        await asyncio.sleep(0)
    await database.close()
    database = await engine.open(database.name)
    async with going(queue_of(database, inbox=inbox).run):
        await database.write(announced("b"))
        await inbox.holds("b")
    assert inbox.keys == ["a", "b"]


async def test_what_was_not_handled_comes_after_the_restart(database: Publisher) -> None:
    failing, later = Inbox(failures=99), Inbox()
    await database.write(announced("a"))
    async with going(queue_of(database, inbox=failing).run):
        await failing.was_asked.wait()
    async with going(queue_of(database, inbox=later).run):
        await later.holds("a")


async def test_a_failing_consumer_is_tried_again_and_holds_nobody_up(
    database: Publisher,
) -> None:
    failing, sound = Inbox(failures=2), Inbox()
    async with going(queue_of(database, failing=failing, sound=sound).run):
        await database.write(announced("a"))
        await sound.holds("a")
        assert failing.keys == []
        await failing.holds("a")


async def test_rows_go_when_all_have_passed_them_and_some_stay(database: Publisher) -> None:
    """MS8: what stays can fill a lost queue again."""
    inbox = Inbox()
    keys = [f"{number:04}" for number in range(2 * outbox.TRIMMED_AT_ONCE + 50)]

    async def trimmed() -> bool:
        return await rows(database) < 10 + outbox.TRIMMED_AT_ONCE

    async with going(queue_of(database, inbox=inbox).run):
        await asyncio.gather(*(database.write(announced(key)) for key in keys))
        await until(trimmed)
    assert inbox.keys == keys
    assert await rows(database) >= 10


async def test_rows_stay_while_one_consumer_has_not_passed_them(database: Publisher) -> None:
    """MS8."""
    stuck, sound = Inbox(failures=10**6), Inbox()
    keys = [f"{number:04}" for number in range(2 * outbox.TRIMMED_AT_ONCE)]
    async with going(queue_of(database, stuck=stuck, sound=sound).run):
        await asyncio.gather(*(database.write(announced(key)) for key in keys))
        await sound.holds(*keys)
    assert await rows(database) == len(keys)
    lag = REGISTRY.get_sample_value("sycee_outbox_lag_events", {"database": database.name})
    assert lag == len(keys)


async def test_numbers_never_come_again_after_a_trim(database: Publisher) -> None:
    await database.write(announced("a"))
    head = await database.read(outbox.head)
    await database.write(lambda s: outbox.trim(s, head))
    await database.write(announced("b"))
    assert await database.read(outbox.head) > head


async def test_idle_consumers_ask_nothing_of_the_database(
    database: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox()
    async with going(queue_of(database, inbox=inbox).run):
        await database.write(announced("a"))
        await inbox.holds("a")
        await asyncio.sleep(0.2)
        asked: list[object] = []
        read = database.read

        async def counted(query):  # type: ignore[no-untyped-def]
            asked.append(query)
            return await read(query)

        monkeypatch.setattr(database, "read", counted)
        await asyncio.sleep(0.2)
        assert asked == []
        await database.write(put("silent"))
        assert asked == []
