"""Notify on a real database, and events as other services publish them."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.services.floor import FakeHost

from sycee.kernel.clock import Instant
from sycee.runtime import wire
from sycee.runtime.host import Message, Profile
from sycee.services.notify.app import Settings, build
from sycee.services.notify.contract import EVENTS_TOPIC, CreateEndpoint, Event

SHOP, OTHER = "acct_shop", "acct_other"


class NotifyHost(FakeHost):
    """A floor that lets the test be the queue."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.handlers = {}
        self.written = asyncio.Event()

    async def database(self, service):
        database = await super().database(service)
        write = database.write

        async def telling_write(unit):
            result = await write(unit)
            self.written.set()
            return result

        database.write = telling_write
        return database

    async def until(self, is_so):
        """Wait for what some write of this host will make so."""
        async with asyncio.timeout(20):
            while True:
                self.written.clear()
                if await is_so():
                    return
                await self.written.wait()

    def subscribe(self, topic, consumer, handle):
        self.handlers[topic, consumer] = handle

    def event(self, kind="charge.succeeded", merchant=SHOP, livemode=False, subject=b"s"):
        """A fresh event of this instant."""
        instant = self.clock.now()
        return Event(self.ids.new("evt"), merchant, kind, instant, livemode, subject, "charge")

    async def publish(self, *events):
        """Hand events over as the relay does."""
        batch = [Message(EVENTS_TOPIC, event.id, wire.encode(event)) for event in events]
        await self.handlers[EVENTS_TOPIC, "notify"](batch)

    async def happen(self, *kinds, **options):
        """One event after the other, a second apart, in one batch."""
        events = []
        for kind in kinds or ("charge.succeeded",):
            self.clock.pass_s(1)
            events.append(self.event(kind, **options))
        await self.publish(*events)
        return events

    def pass_to(self, instant):
        """Let time pass until an instant."""
        self.clock.pass_s(max(instant - self.clock.now(), 0) / 10**9)
        self.clock.instant = Instant(max(self.clock.instant, instant))


def render(event):
    return json.dumps({"id": event.id, "object": "event", "type": event.type}).encode()


async def start(folder, clock=None, settings=None, profile=Profile.DEV, **options):
    """Another start on the same folder: the host, and notify on it."""
    host = NotifyHost(folder, clock, profile)
    notify = await build(host, settings or Settings(), render, **options)
    return host, notify


async def endpoint(notify, url, *wanted, merchant=SHOP, **options):
    """A fresh endpoint."""
    return await notify.create_endpoint(CreateEndpoint(merchant, url, wanted or ("*",), **options))


@pytest.fixture
def host(tmp_path):
    return NotifyHost(tmp_path)


@pytest.fixture
async def notify(host):
    return await build(host, Settings(), render)
