"""Keeps the notify contract over one database; the courier carries what it queues."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from sycee.kernel.clock import Clock, Instant
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import NotFound
from sycee.runtime import logs
from sycee.runtime.database import Database, Session
from sycee.runtime.host import Message
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import (
    CreateEndpoint,
    DeletedEndpoint,
    Deliveries,
    DeliveryAttempts,
    DeliveryId,
    Endpoint,
    EndpointId,
    EndpointQuery,
    Endpoints,
    EndpointStatus,
    Event,
    Events,
    GetEvent,
    ListAttempts,
    ListDeliveries,
    ListEndpoints,
    ListEvents,
    Replay,
    Replayed,
    RotateSecret,
    SigningKeys,
    UpdateEndpoint,
)
from sycee.services.notify.domain import endpoints as rules
from sycee.services.notify.domain import rotation, types, urls
from sycee.services.notify.domain.rotation import Keys
from sycee.services.notify.domain.urls import Rules
from sycee.services.notify.service import repeats, replaying
from sycee.services.notify.service.courier import Courier
from sycee.services.notify.service.directory import Directory
from sycee.services.notify.service.signer import Signer
from sycee.services.notify.store import attempts, deliveries, endpoints, events
from sycee.services.notify.store.answers import Kept
from sycee.services.notify.store.deliveries import Fresh
from sycee.services.notify.store.endpoints import Sealed
from sycee.services.notify.store.events import Published

_encode = msgspec.msgpack.Encoder().encode
_endpoint = msgspec.msgpack.Decoder(Endpoint).decode
_signing_keys = msgspec.msgpack.Decoder(SigningKeys).decode

log = logs.logger("notify")


class NotifyService:
    """Events, endpoints and deliveries in one database, endpoints in memory besides."""

    def __init__(
        self,
        database: Database,
        directory: Directory,
        courier: Courier,
        clock: Clock,
        ids: Ids,
        signer: Signer,
        url_rules: Rules,
    ) -> None:
        self._database = database
        self._directory = directory
        self._courier = courier
        self._now = clock.now
        self._ids = ids
        self._signer = signer
        self._url_rules = url_rules

    async def receive(self, batch: Sequence[Message]) -> None:
        """Keep events and queue them for who wants them; what came before changes nothing."""
        await self._directory.refresh()
        published = list(_readable(batch))
        queued = [fresh for row in published for fresh in self._fresh(row.event)]
        now = self._now()
        await self._database.write(lambda session: _keep(session, published, queued, now))
        for fresh in queued:
            self._courier.wake(fresh.endpoint)

    async def get_event(self, query: GetEvent) -> Event:
        event = await self._database.read(
            lambda session: events.one(session, query.merchant, query.id)
        )
        if event is None:
            raise NotFound(f"No such event: {query.id}", param="id")
        return event

    async def list_events(self, query: ListEvents) -> Events:
        return Events(*await self._database.read(lambda session: events.page(session, query)))

    async def create_endpoint(self, command: CreateEndpoint) -> Endpoint:
        urls.target(command.url, self._url_rules)
        types.check_wanted(command.enabled_events)
        fresh = self._sealed(command)

        def unit(session: Session) -> Kept:
            asked, now = repeats.creation(command), fresh.endpoint.created
            return repeats.once(session, asked, now, partial(_create, session, fresh))

        told = await self._directory.change(command.merchant, fresh.endpoint.id, unit)
        created = _endpoint(told.body)
        secret = self._signer.opened(told.secret, created.merchant, created.id)
        return msgspec.structs.replace(created, secret=secret)

    async def update_endpoint(self, command: UpdateEndpoint) -> Endpoint:
        if command.url is not None:
            urls.target(command.url, self._url_rules)
        if command.enabled_events is not None:
            types.check_wanted(command.enabled_events)
        changed = await self._directory.change(
            command.merchant, command.id, lambda session: _update(session, command)
        )
        self._courier.wake(command.id)
        return changed

    async def get_endpoint(self, query: EndpointQuery) -> Endpoint:
        return await self._database.read(
            lambda session: endpoints.named(session, query.merchant, query.id)
        )

    async def list_endpoints(self, query: ListEndpoints) -> Endpoints:
        return Endpoints(*await self._database.read(lambda session: endpoints.page(session, query)))

    async def rotate_secret(self, command: RotateSecret) -> SigningKeys:
        rotation.check_overlap(command.overlap_s)
        fresh, now = self._signer.fresh_secret(command.merchant, command.id), self._now()

        def unit(session: Session) -> Kept:
            rotate = partial(self._rotate, session, command, fresh, now)
            return repeats.once(session, repeats.rotation(command), now, rotate)

        told = await self._directory.change(command.merchant, command.id, unit)
        secret = self._signer.opened(told.secret, command.merchant, command.id)
        return msgspec.structs.replace(_signing_keys(told.body), secret=secret)

    async def get_signing_keys(self, query: EndpointQuery) -> SigningKeys:
        sealed = await self._database.read(
            lambda session: endpoints.named_sealed(session, query.merchant, query.id)
        )
        former = rotation.former_at(sealed.keys, self._now())
        return self._signer.shown(sealed.endpoint, sealed.keys, former)

    async def delete_endpoint(self, command: EndpointQuery) -> DeletedEndpoint:
        def unit(session: Session) -> None:
            endpoints.drop(session, endpoints.named(session, command.merchant, command.id).id)

        await self._directory.change(command.merchant, command.id, unit)
        self._courier.wake(command.id)
        return DeletedEndpoint(command.id)

    async def list_deliveries(self, query: ListDeliveries) -> Deliveries:
        return Deliveries(
            *await self._database.read(lambda session: deliveries.page(session, query))
        )

    async def list_attempts(self, query: ListAttempts) -> DeliveryAttempts:
        return DeliveryAttempts(
            *await self._database.read(lambda session: attempts.page(session, query))
        )

    async def replay(self, command: Replay) -> Replayed:
        until, last, count = self._now(), None, 0
        while True:
            unit = partial(
                replaying.unit, command=command, until=until, last=last, new_id=self._ids.new
            )
            queued, last = await self._database.write(unit)
            count += queued
            self._courier.wake(command.endpoint)
            if last is None:
                return Replayed(count)

    async def deliver_due(self) -> Instant | None:
        """Deliver all that is due now, to the end; when the next is due."""
        due = await self._courier.start_due()
        while await self._courier.idle():
            due = await self._courier.start_due()
        return due

    def _fresh(self, event: Event) -> list[Fresh]:
        return [
            Fresh(DeliveryId(self._ids.new("wd")), event.merchant, endpoint, event.id)
            for endpoint in self._directory.waiting_for(event)
        ]

    def _sealed(self, command: CreateEndpoint) -> Sealed:
        endpoint = Endpoint(
            id=EndpointId(self._ids.new("we")),
            merchant=command.merchant,
            url=command.url,
            enabled_events=command.enabled_events,
            status=EndpointStatus.ENABLED,
            created=self._now(),
            livemode=command.livemode,
            description=command.description,
            metadata=command.metadata,
            api_version=command.api_version,
        )
        return Sealed(endpoint, Keys(self._signer.fresh_secret(endpoint.merchant, endpoint.id)))

    def _rotate(
        self, session: Session, command: RotateSecret, fresh: bytes, now: Instant
    ) -> tuple[bytes, bytes]:
        before = endpoints.named_sealed(session, command.merchant, command.id)
        keys = rotation.rotated(before.keys, fresh, now, command.overlap_s)
        endpoints.rotate(session, command.id, keys)
        return _encode(self._signer.shown(before.endpoint, keys, keys.former)), fresh


def _readable(batch: Sequence[Message]) -> Iterable[Published]:
    for message in batch:
        try:
            yield Published(events.decode(message.payload), message.payload)
        except msgspec.DecodeError:
            # Waiting would not mend it, and it would hold up everybody's events for ever.
            log.fault("event_unreadable", key=message.key)


def _keep(
    session: Session, published: Sequence[Published], queued: Sequence[Fresh], now: Instant
) -> None:
    events.add(session, published)
    enabled: dict[MerchantId, frozenset[EndpointId]] = {}
    for fresh in queued:
        if fresh.merchant not in enabled:
            enabled[fresh.merchant] = endpoints.enabled_of(session, fresh.merchant)
        if fresh.endpoint in enabled[fresh.merchant]:
            deliveries.queue(session, fresh, now)


def _create(session: Session, fresh: Sealed) -> tuple[bytes, bytes]:
    endpoints.add(session, fresh)
    return _encode(fresh.endpoint), fresh.keys.secret


def _update(session: Session, command: UpdateEndpoint) -> Endpoint:
    before = endpoints.named(session, command.merchant, command.id)
    changed = rules.changed(before, command)
    endpoints.replace(session, changed)
    return changed
