import asyncio
from collections.abc import AsyncIterator

import pytest

from sycee.assembly.failures import CannotStart
from sycee.cli.access import Access
from sycee.cli.exchange import NoAnswer
from sycee.cli.feed import Feed
from tests.cli.history import History
from tests.gateway.door import Door, opened


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
async def door(history: History) -> AsyncIterator[Door]:
    async with opened(list_events=history.list_events) as door:
        yield door


def feed_of(door: Door, *types: str, key: str = "sk_test_1") -> Feed:
    return Feed(Access(f"http://127.0.0.1:{door.port}", key), types)


async def told(feed: Feed) -> list[str]:
    return [event.id for event in await asyncio.to_thread(feed.fresh)]


async def test_only_what_happens_from_now_on_is_told(door: Door, history: History):
    history.add("evt_1")
    feed = feed_of(door)
    await asyncio.to_thread(feed.begin, None)
    assert await told(feed) == []
    history.add("evt_2")
    assert await told(feed) == ["evt_2"]


async def test_every_event_is_told_once(door: Door, history: History):
    feed = feed_of(door)
    await asyncio.to_thread(feed.begin, None)
    history.add("evt_1")
    assert await told(feed) == ["evt_1"]
    assert await told(feed) == []


async def test_an_older_event_that_becomes_visible_later_is_not_missed(
    door: Door, history: History
):
    feed = feed_of(door)
    await asyncio.to_thread(feed.begin, None)
    history.add("evt_2")
    assert await told(feed) == ["evt_2"]
    history.add("evt_1", age_s=5)
    assert await told(feed) == ["evt_1"]


async def test_many_events_come_over_pages_oldest_first(door: Door, history: History):
    feed = feed_of(door)
    await asyncio.to_thread(feed.begin, None)
    wanted = [f"evt_{number:03}" for number in range(250)]
    for id in wanted:
        history.add(id)
    assert await told(feed) == wanted


async def test_since_tells_what_happened_before(door: Door, history: History):
    history.add("evt_old", age_s=7_200)
    history.add("evt_hour", age_s=3_000)
    feed = feed_of(door)
    await asyncio.to_thread(feed.begin, history.now_s - 3_600)
    assert await told(feed) == ["evt_hour"]
    history.add("evt_new")
    assert await told(feed) == ["evt_new"]


async def test_only_the_wanted_types_are_told(door: Door, history: History):
    feed = feed_of(door, "charge.refunded")
    await asyncio.to_thread(feed.begin, None)
    history.add("evt_1")
    history.add("evt_2", "charge.refunded")
    assert await told(feed) == ["evt_2"]


async def test_the_body_is_what_the_api_shows(door: Door, history: History):
    feed = feed_of(door)
    await asyncio.to_thread(feed.begin, None)
    history.add("evt_1")
    (event,) = await asyncio.to_thread(feed.fresh)
    shown = (await door.client.get("/v1/events")).json()["data"][0]
    assert event.body.decode() in (await door.client.get("/v1/events")).text
    assert (event.id, event.type) == (shown["id"], shown["type"])


async def test_a_wrong_key_ends_the_command_with_the_platforms_words(door: Door):
    feed = feed_of(door, key="sk_test_wrong")
    with pytest.raises(CannotStart, match="401"):
        await asyncio.to_thread(feed.begin, None)


async def test_a_look_while_the_platform_is_away_loses_nothing(history: History):
    async with opened(list_events=history.list_events) as door:
        feed = feed_of(door)
        await asyncio.to_thread(feed.begin, None)
        history.add("evt_1")
        port = door.port
    with pytest.raises(NoAnswer):
        await told(feed)
    history.add("evt_2")
    async with opened(list_events=history.list_events) as door:
        feed._access = Access(f"http://127.0.0.1:{door.port}", "sk_test_1")
        assert port != 0
        assert await told(feed) == ["evt_1", "evt_2"]
