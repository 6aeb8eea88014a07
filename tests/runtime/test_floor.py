"""A process opens, stands until a signal, drains and closes, in that order."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from sycee.runtime import floor, secrets
from sycee.runtime.database import Result, Session
from sycee.runtime.floor import Floor
from sycee.runtime.host import Handler, Host, Profile


class Diary(list[str]):
    """What happened, in order."""

    def note(self, text: str) -> Callable[[], Awaitable[None]]:
        async def write() -> None:
            self.append(text)

        return write


class FakeDatabase:
    """Remembers only that it was closed."""

    def __init__(self, service: str, diary: Diary) -> None:
        self.service = service
        self.diary = diary

    async def write(self, unit: Callable[[Session], Result]) -> Result:
        raise NotImplementedError

    async def read(self, query: Callable[[Session], Result]) -> Result:
        raise OSError("the disk is away")

    async def close(self) -> None:
        self.diary.append(f"close {self.service}")


class FakeQueue:
    """Remembers who subscribed."""

    def __init__(self) -> None:
        self.consumers: list[str] = []

    def subscribe(self, topic: str, consumer: str, handle: Handler) -> None:
        self.consumers.append(consumer)


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def standing(data: Path, diary: Diary, profile: Profile = Profile.DEV) -> Floor:
    async def open_database(service: str) -> FakeDatabase:
        return FakeDatabase(service, diary)

    return Floor(data, profile, open_database, FakeQueue())


async def test_it_is_a_host(tmp_path: Path, diary: Diary) -> None:
    host: Host = standing(tmp_path, diary)
    assert host.ids.new("pi") != host.ids.new("pi")
    assert host.profile is Profile.DEV


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_doors_then_jobs_then_databases(
    tmp_path: Path, diary: Diary, number: signal.Signals
) -> None:
    """RE2."""
    working = asyncio.Event()

    async def job() -> None:
        try:
            working.set()
            await asyncio.Event().wait()
        finally:
            diary.append("stop job")

    async with standing(tmp_path, diary) as ground:
        await ground.database("ledger")
        await ground.database("payments")
        ground.job("sweep", job)
        ground.door(diary.note("drain door"))
        ground.ready()
        await working.wait()
        os.kill(os.getpid(), number)
        await ground.stopped()
    assert diary == ["drain door", "stop job", "close payments", "close ledger"]


async def test_one_end_that_fails_does_not_keep_the_others_from_theirs(
    tmp_path: Path, diary: Diary
) -> None:
    async def fail() -> None:
        raise OSError("stuck")

    async with standing(tmp_path, diary) as ground:
        await ground.database("ledger")
        ground.door(fail)
        ground.door(diary.note("drain door"))
        ground.at_close(fail)
    assert diary == ["drain door", "close ledger"]


async def test_what_was_opened_is_closed_when_building_fails(tmp_path: Path, diary: Diary) -> None:
    with pytest.raises(ValueError, match="no such setting"):
        async with standing(tmp_path, diary) as ground:
            await ground.database("ledger")
            raise ValueError("no such setting")
    assert diary == ["close ledger"]


async def test_readiness_asks_every_database(tmp_path: Path, diary: Diary) -> None:
    """RE1."""
    async with standing(tmp_path, diary) as ground:
        await ground.database("ledger")
        ground.ready()
        assert (await ground.health.ready()).checks == {"database ledger": "OSError"}


def test_dev_makes_a_secret_and_keeps_it(tmp_path: Path, diary: Diary) -> None:
    made = floor.run(ask(tmp_path, diary, Profile.DEV))
    assert floor.run(ask(tmp_path, diary, Profile.DEV)) == made
    assert floor.run(ask(tmp_path, diary, Profile.PRODUCTION)) == made


def test_production_makes_no_secret(tmp_path: Path, diary: Diary) -> None:
    """SE7."""
    with pytest.raises(secrets.Unsafe):
        floor.run(ask(tmp_path, diary, Profile.PRODUCTION))


async def ask(data: Path, diary: Diary, profile: Profile) -> bytes:
    return standing(data, diary, profile).secret("keys", 32)
