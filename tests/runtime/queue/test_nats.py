"""Events between processes, over a real NATS server that is killed and robbed."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sycee.runtime.database import Publisher
from sycee.runtime.queue import outbox
from sycee.runtime.queue.nats import NatsQueue
from sycee.runtime.queue.server import NatsMissing, NatsServer
from tests.runtime.database.engines import SqliteEngine
from tests.runtime.database.pots import announced
from tests.runtime.queue.inbox import Inbox, going
from tests.runtime.until import until

KEPT = 10


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Publisher]:
    engine = SqliteEngine(tmp_path)
    yield await engine.open("pots")
    await engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "nats"


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(folder)
    try:
        await server.start()
    except NatsMissing as missing:
        pytest.skip(str(missing))
    yield server
    await server.stop()


def queue_of(server: NatsServer, *databases: Publisher, **inboxes: Inbox) -> NatsQueue:
    """What one process has."""
    queue = NatsQueue(server.url, kept=KEPT, keep_every_s=0.01, check_s=0.05)
    for database in databases:
        queue.attach(database)
    for name, inbox in inboxes.items():
        queue.subscribe("pots", name, inbox.handle)
    return queue


def kill(server: NatsServer) -> None:
    """Kill the server where it stands."""
    assert server._child is not None
    server._child.send_signal(signal.SIGKILL)


async def taken(database: Publisher) -> int:
    return (await database.read(lambda s: outbox.cursor(s, "nats taken"))).position


async def write(database: Publisher, *keys: str) -> None:
    await asyncio.gather(*(database.write(announced(key)) for key in keys))


async def test_events_cross_from_process_to_process(
    server: NatsServer, database: Publisher
) -> None:
    first, second = Inbox(), Inbox()
    keys = [f"{number:04}" for number in range(1000)]
    async with (
        going(queue_of(server, database).run),
        going(queue_of(server, first=first).run),
        going(queue_of(server, second=second).run),
    ):
        await write(database, *keys)
        await first.holds(*keys)
        await second.holds(*keys)
    assert first.keys == second.keys == keys


async def test_processes_of_one_kind_share_the_work(
    server: NatsServer, database: Publisher
) -> None:
    one, twin = Inbox(), Inbox()
    async with (
        going(queue_of(server, database).run),
        going(queue_of(server, kind=one).run),
        going(queue_of(server, kind=twin).run),
    ):
        for number in range(50):
            await write(database, str(number))

        async def all_came() -> bool:
            return len(one.keys) + len(twin.keys) >= 50

        await until(all_came)
    assert sorted(one.keys + twin.keys) == sorted(str(number) for number in range(50))


async def test_other_topics_are_passed_over(server: NatsServer, database: Publisher) -> None:
    inbox = Inbox()
    async with going(queue_of(server, database, inbox=inbox).run):
        await database.write(lambda s: s.publish("weather", "rain", b""))
        await write(database, "a")
        await inbox.holds("a")
    assert inbox.keys == ["a"]


async def test_publishers_do_not_mind_that_nats_is_away(
    server: NatsServer, database: Publisher
) -> None:
    """MS8."""
    inbox = Inbox()
    await server.stop()
    async with going(queue_of(server, database, inbox=inbox).run):
        await write(database, "a", "b")
        assert inbox.keys == []
        await server.start()
        await inbox.holds("a", "b")


async def test_after_a_restart_of_the_process_nothing_is_lost_nor_sent_twice(
    server: NatsServer, database: Publisher
) -> None:
    inbox = Inbox()
    async with going(queue_of(server, database, inbox=inbox).run):
        await write(database, "a")
        await inbox.holds("a")
    await write(database, "b")
    async with going(queue_of(server, database, inbox=inbox).run):
        await inbox.holds("b")
    assert inbox.keys == ["a", "b"]


async def test_a_failing_consumer_is_tried_again_and_holds_nobody_up(
    server: NatsServer, database: Publisher
) -> None:
    failing, sound = Inbox(failures=2), Inbox()
    async with going(queue_of(server, database, failing=failing, sound=sound).run):
        await write(database, "a")
        await sound.holds("a")
        await failing.holds("a")


async def test_a_killed_server_is_started_again_and_delivers(
    database: Publisher, folder: Path
) -> None:
    """MS8."""
    inbox = Inbox()
    server = NatsServer(folder)
    async with server, going(queue_of(server, database, inbox=inbox).run):
        for number in range(3):
            before, after = f"{number} before", f"{number} after"
            await write(database, before)
            kill(server)
            await write(database, after)
            await inbox.holds(before, after)


async def test_a_lost_queue_is_filled_again_from_the_database(
    server: NatsServer, database: Publisher, folder: Path
) -> None:
    """MS8: the database is the truth."""
    inbox, newcomer = Inbox(), Inbox()
    async with going(queue_of(server, database, inbox=inbox).run):
        await write(database, "a", "b")
        await inbox.holds("a", "b")
        await server.stop()
        await write(database, "c")
        await asyncio.to_thread(shutil.rmtree, folder / "jetstream")
        await server.start()
        await inbox.holds("c")
        async with going(queue_of(server, newcomer=newcomer).run):
            await newcomer.holds("a", "b", "c")


async def test_a_queue_set_back_in_time_gets_again_what_it_lacks(
    server: NatsServer, database: Publisher, folder: Path, tmp_path: Path
) -> None:
    """MS8: a power cut took what the stream had acknowledged."""
    inbox, newcomer = Inbox(), Inbox()
    async with going(queue_of(server, database, inbox=inbox).run):
        await write(database, "a")
        await inbox.holds("a")
        await server.stop()
        await asyncio.to_thread(shutil.copytree, folder / "jetstream", tmp_path / "earlier")
        await server.start()
        await write(database, "b", "c")
        await inbox.holds("b", "c")
        await server.stop()
        await asyncio.to_thread(shutil.rmtree, folder / "jetstream")
        await asyncio.to_thread(shutil.move, tmp_path / "earlier", folder / "jetstream")
        await server.start()
        async with going(queue_of(server, newcomer=newcomer).run):
            await newcomer.holds("a", "b", "c")


async def test_rows_stay_until_every_consumer_has_taken_them(
    server: NatsServer, database: Publisher
) -> None:
    """MS8: what a consumer has not taken could be lost with the stream."""
    stuck, sound = Inbox(failures=10**6), Inbox()
    keys = [f"{number:04}" for number in range(outbox.TRIMMED_AT_ONCE + KEPT + 1)]

    async def stored() -> int:
        row = await database.read(lambda s: s.row("SELECT COUNT(*) FROM outbox"))
        assert row is not None and isinstance(row[0], int)
        return row[0]

    async def is_trimmed() -> bool:
        return await stored() < len(keys)

    async with going(queue_of(server, database, stuck=stuck, sound=sound).run):
        await write(database, *keys)
        await sound.holds(*keys)
        await stuck.was_asked.wait()
        assert await taken(database) == 0
        assert await stored() == len(keys)
        stuck.failures = 0
        await stuck.holds(*keys)
        await until(is_trimmed)
    assert await stored() >= KEPT


async def test_a_server_left_behind_is_ended_before_another_starts(folder: Path) -> None:
    first, second = NatsServer(folder), NatsServer(folder)
    try:
        await first.start()
    except NatsMissing as missing:
        pytest.skip(str(missing))
    assert first._child is not None
    await second.start()
    assert await first._child.wait() == -signal.SIGKILL
    await second.stop()
