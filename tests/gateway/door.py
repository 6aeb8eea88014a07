"""A real door on a loopback port, before scripted services."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

import httpx

from sycee.gateway.app import Gateway, Settings, build
from sycee.gateway.edge.limits import Limits
from sycee.gateway.edge.server import Server
from sycee.kernel.ids import Ids
from sycee.runtime.host import Profile
from tests.gateway.fakes import FakeIdentity, Scripted
from tests.services.floor import FakeClock

SECRET = {"authorization": "Bearer sk_test_1"}


class Floor:
    """What the gateway needs of a host."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ids = Ids(self.clock, os.urandom)
        self.profile = Profile.DEV


class Door:
    """An open door, what stands behind it, and a client that holds the secret key."""

    def __init__(self, gateway: Gateway, server: Server, floor: Floor) -> None:
        self.gateway = gateway
        self.server = server
        self.clock = floor.clock
        self.identity = FakeIdentity()
        self.payments = Scripted()
        self.notify = Scripted()
        self.fraud = Scripted()
        self.books = Scripted()
        self.checkout = Scripted()
        url = f"http://127.0.0.1:{server.port}"
        self.client = httpx.AsyncClient(base_url=url, headers=SECRET, trust_env=False)

    @property
    def port(self) -> int:
        return self.server.port


@contextlib.asynccontextmanager
async def opened(
    limits: Limits | None = None,
    books: object = None,
    settings: Settings | None = None,
    **answers: object,
) -> AsyncIterator[Door]:
    """A door whose services answer what is given; ``books`` may be real ones."""
    floor, identity = Floor(), FakeIdentity()
    payments, notify, fraud = Scripted(**answers), Scripted(**answers), Scripted(**answers)
    checkout = Scripted(**answers)
    books = books or Scripted(**answers)
    settings = settings or Settings(limits=limits or Limits(drain_timeout_s=2))
    gateway = await build(floor, settings, identity, payments, notify, fraud, books, checkout)
    door = Door(gateway, await gateway.serve("127.0.0.1", 0), floor)
    door.identity, door.payments, door.notify = identity, payments, notify
    door.fraud, door.books, door.checkout = fraud, books, checkout
    identity.answers = answers
    async with door.client:
        yield door
    await door.server.drain()
