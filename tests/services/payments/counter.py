"""Parts of the payments service for tests of customers: real but for risk control and the books."""

import msgspec

from sycee.runtime.host import Profile
from sycee.services.notify.contract import EVENTS_TOPIC, Event
from sycee.services.payments.adapters.testcard import app as testcard
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.contract.customers import Customer, Method, Setup
from sycee.services.payments.contract.shared import Origin
from sycee.services.payments.service.events import Events
from sycee.services.payments.service.once import Once
from sycee.services.payments.service.parts import Parts, Settings
from sycee.services.validation.service import ValidationService

SHOP, OTHER = "acct_shop", "acct_other"
HERE = Origin(SHOP)
ELSEWHERE = Origin(OTHER)
SUBJECTS = {"customer": Customer, "method": Method, "setup": Setup}


def keyed(key, parameters=b"first", merchant=SHOP):
    """A request with an idempotency key."""
    return Origin(merchant, idempotency_key=key, request_hash=parameters, request=f"req_{key}")


async def parts_on(host, rail=None, settings=None):
    """Everything that verbs about customers need."""
    database = await host.database("payments")
    return Parts(
        settings=settings or Settings(),
        takes_raw_cards=host.profile is Profile.DEV,
        database=database,
        clock=host.clock,
        ids=host.ids,
        once=Once(database, host.clock),
        events=Events(host.clock, host.ids),
        rail=rail or await testcard.build(host, Behaviour()),
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


def events(host):
    """The events themselves."""
    return [
        msgspec.msgpack.decode(payload, type=Event)
        for topic, _, payload in host.databases["payments"].published
        if topic == EVENTS_TOPIC
    ]


def _told(payload):
    event = msgspec.msgpack.decode(payload, type=Event)
    subject = msgspec.msgpack.decode(event.subject, type=SUBJECTS[event.subject_kind])
    return event.type, subject, msgspec.msgpack.decode(event.previous or b"\x80")
