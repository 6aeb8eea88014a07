"""Says what happened, in the same transaction as the change itself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.runtime.database import Session
from sycee.services.notify.contract import EVENTS_TOPIC, Event, EventId
from sycee.services.payments.contract.customers import Customer, Method, Setup
from sycee.services.payments.contract.disputes import Dispute
from sycee.services.payments.contract.intents import Charge, Payment, Refund
from sycee.services.payments.contract.shared import Origin

Subject = Customer | Method | Setup | Payment | Charge | Refund | Dispute

_KINDS: dict[type[Subject], str] = {
    Customer: "customer",
    Method: "method",
    Setup: "setup",
    Payment: "payment",
    Charge: "charge",
    Refund: "refund",
    Dispute: "dispute",
}

_encode = msgspec.msgpack.Encoder().encode


class Events:
    """Puts events into the outbox."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    def publish(
        self,
        session: Session,
        type: str,
        subject: Subject,
        origin: Origin | None = None,
        previous: Mapping[str, object] | None = None,
    ) -> None:
        """Publish that ``type`` happened to ``subject``, which is shown as it is afterwards.

        ``origin`` is the request that caused it, None when nobody asked (a sweeper). ``previous``
        holds former values of changed fields, in the public shape.
        """
        event = Event(
            id=EventId(self._ids.new("evt")),
            merchant=subject.merchant,
            type=type,
            created=self._clock.now(),
            livemode=subject.livemode,
            subject=_encode(subject),
            subject_kind=_KINDS[subject.__class__],
            previous=_encode(previous) if previous else b"",
            request=origin.request if origin else None,
            idempotency_key=origin.idempotency_key if origin else None,
        )
        session.publish(EVENTS_TOPIC, event.id, _encode(event))
