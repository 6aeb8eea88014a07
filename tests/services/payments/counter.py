"""Parts of the payments service for tests of customers: real but for risk control and the books."""

import asyncio
import contextlib

import msgspec
import pytest

from sycee.runtime.host import Profile
from sycee.services.notify.contract import Event
from sycee.services.payments.adapters.testcard import app as testcard
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.contract.customers import Customer, Method, Setup
from sycee.services.payments.contract.shared import Origin
from sycee.services.payments.service.events import Events
from sycee.services.payments.service.once import Once
from sycee.services.payments.service.parts import Parts, Settings
from sycee.services.validation.service import ValidationService
from sycee.services.vault import app as vault_app

SHOP, OTHER = "acct_shop", "acct_other"
HERE = Origin(SHOP)
ELSEWHERE = Origin(OTHER)
SUBJECTS = {"customer": Customer, "method": Method, "setup": Setup}


def keyed(key, parameters=b"first", merchant=SHOP):
    """A request with an idempotency key."""
    return Origin(merchant, idempotency_key=key, request_hash=parameters, request=f"req_{key}")


async def vault_on(host):
    """The vault of a host; built once, as the rail and the service share it."""
    if not hasattr(host, "vault"):
        host.vault = await vault_app.build(host, vault_app.Settings())
    return host.vault


async def parts_on(host, rail=None, settings=None):
    """Everything that verbs about customers need."""
    database = await host.database("payments")
    vault = await vault_on(host)
    return Parts(
        settings=settings or Settings(),
        takes_raw_cards=host.profile is Profile.DEV,
        database=database,
        clock=host.clock,
        ids=host.ids,
        once=Once(database, host.clock),
        events=Events(host.clock, host.ids),
        rail=rail or await testcard.build(host, vault, Behaviour()),
        vault=vault,
        validation=ValidationService(host.clock, None, 1.0),
        fraud=None,
        ledger=None,
    )


def told(host):
    """What was published: type, subject, previous; oldest first."""
    return [_told(payload) for topic, _, payload in host.databases["payments"].published]


def types(host):
    """The types of what was published."""
    return [type for type, _, _ in told(host)]


def refused(no):
    """Expects the refusal, or none when it is None."""
    return pytest.raises(no) if no else contextlib.nullcontext()


class Rail:
    """The simulated acquirer, which can be made to wait and to be heard."""

    def __init__(self, rail):
        self._rail = rail
        self.name = rail.name
        self.test_card = rail.test_card
        self.keep_card = rail.keep_card
        self.orders = []
        self.expected = 1
        self._arrived = 0
        self._all_here = asyncio.Event()
        self.meanwhile = None
        """Awaited once, after the rail has answered and before anyone hears of it."""

    def gather(self, expected):
        """Answer nobody before so many orders are there."""
        self.expected, self._arrived = expected, 0
        self._all_here.clear()

    async def perform(self, order):
        self.orders.append(order)
        self._arrived += 1
        if self._arrived >= self.expected:
            self._all_here.set()
        await self._all_here.wait()
        answer = await self._rail.perform(order)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return answer


class Crash(Exception):
    """The process ends here."""


async def crash():
    raise Crash


def _told(payload):
    event = msgspec.msgpack.decode(payload, type=Event)
    subject = msgspec.msgpack.decode(event.subject, type=SUBJECTS[event.subject_kind])
    return event.type, subject, msgspec.msgpack.decode(event.previous or b"\x80")
