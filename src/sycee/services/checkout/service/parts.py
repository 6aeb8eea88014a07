"""What every operation of checkout stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.runtime.database import Database, Session
from sycee.services.checkout.contract.catalog import Price, Product
from sycee.services.checkout.store import keys
from sycee.services.notify.contract import EVENTS_TOPIC, Event, EventId
from sycee.services.payments.contract.shared import IdempotencyConflict, Origin

Shape = TypeVar("Shape", bound=msgspec.Struct)

_KINDS: dict[type[Product | Price], str] = {Product: "product", Price: "price"}

_encode = msgspec.msgpack.Encoder().encode


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of checkout."""

    keep_keys_s: int = 86_400
    """Seconds for which an idempotency key answers its repetitions."""

    def __post_init__(self) -> None:
        if self.keep_keys_s < 86_400:
            raise ValueError("keep_keys_s must be a day at least")


class Parts(NamedTuple):
    """Clock, database and the two things that every change does."""

    settings: Settings
    database: Database
    clock: Clock
    ids: Ids

    async def once(
        self, origin: Origin, shape: type[Shape], unit: Callable[[Session], Shape]
    ) -> Shape:
        """Run a unit once per idempotency key; change and answer become durable together (MS2).

        A refusal changed nothing and is not kept: the repetition is judged afresh.
        """
        key = origin.idempotency_key
        if key is None:
            return await self.database.write(unit)

        def keyed(session: Session) -> Shape:
            kept = keys.find(session, origin.merchant, key)
            if kept is not None:
                return _replayed(kept, origin, shape)
            result = unit(session)
            now = self.clock.now()
            keys.add(session, origin.merchant, key, origin.request_hash, now, _encode(result))
            return result

        return await self.database.write(keyed)

    def publish(
        self,
        session: Session,
        type: str,
        subject: Product | Price,
        origin: Origin,
        previous: Mapping[str, object] | None = None,
    ) -> None:
        """Publish, with the change itself, that ``type`` happened to ``subject``."""
        event = Event(
            id=EventId(self.ids.new("evt")),
            merchant=subject.merchant,
            type=type,
            created=self.clock.now(),
            livemode=subject.livemode,
            subject=_encode(subject),
            subject_kind=_KINDS[subject.__class__],
            previous=_encode(previous) if previous else b"",
            request=origin.request,
            idempotency_key=origin.idempotency_key,
        )
        session.publish(EVENTS_TOPIC, event.id, _encode(event))


def _replayed(kept: tuple[bytes, bytes], origin: Origin, shape: type[Shape]) -> Shape:
    request_hash, outcome = kept
    if request_hash != origin.request_hash:
        raise IdempotencyConflict(
            "This idempotency key was used before, with other parameters or another path."
        )
    return msgspec.msgpack.decode(outcome, type=shape)
