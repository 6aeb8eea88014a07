"""Keeps the notify contract over one database; the courier carries what it queues."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from sycee.kernel.clock import Clock, Instant, after
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import NotFound
from sycee.runtime import logs, signatures
from sycee.runtime.database import Database, Session
from sycee.runtime.host import Message
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import (
    CreateEndpoint,
    DeletedEndpoint,
    Deliveries,
    DeliveryId,
    Endpoint,
    EndpointId,
    EndpointIdempotencyConflict,
    EndpointQuery,
    Endpoints,
    EndpointStatus,
    Event,
    Events,
    GetEvent,
    ListDeliveries,
    ListEndpoints,
    ListEvents,
    Replay,
    Replayed,
    UpdateEndpoint,
)
from sycee.services.notify.domain import endpoints as rules
from sycee.services.notify.domain import seals, types, urls
from sycee.services.notify.domain.seals import Seal
from sycee.services.notify.domain.urls import Rules
from sycee.services.notify.service import replaying
from sycee.services.notify.service.courier import Courier
from sycee.services.notify.service.directory import Directory
from sycee.services.notify.store import deliveries, endpoints, events
from sycee.services.notify.store.deliveries import Fresh
from sycee.services.notify.store.endpoints import Creation, Sealed
from sycee.services.notify.store.events import Published

CREATIONS_KEPT_S = 7 * 86_400.0
"""How long an idempotency key is remembered."""

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
        seal: Seal,
        url_rules: Rules,
    ) -> None:
        self._database = database
        self._directory = directory
        self._courier = courier
        self._now = clock.now
        self._ids = ids
        self._seal = seal
        self._url_rules = url_rules

    async def receive(self, batch: Sequence[Message]) -> None:
        """Keep events and queue them for who wants them; what came before changes nothing."""
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
        created = await self._directory.change(
            command.merchant,
            fresh.endpoint.id,
            lambda session: _create(session, fresh, command),
        )
        return self._opened(created)

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
        secret = signatures.secret_text(secrets.token_bytes(signatures.KEY_BYTES))
        nonce = secrets.token_bytes(seals.NONCE_BYTES)
        return Sealed(endpoint, self._seal.close(nonce, secret, endpoint.merchant, endpoint.id))

    def _opened(self, sealed: Sealed) -> Endpoint:
        endpoint = sealed.endpoint
        secret = self._seal.open(sealed.secret, endpoint.merchant, endpoint.id)
        return msgspec.structs.replace(endpoint, secret=secret)


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


def _create(session: Session, fresh: Sealed, command: CreateEndpoint) -> Sealed:
    if command.idempotency_key is None:
        endpoints.add(session, fresh)
        return fresh
    known = endpoints.creation(session, command.merchant, command.idempotency_key)
    if known is not None and known.request_hash != command.request_hash:
        raise EndpointIdempotencyConflict("This idempotency key was used with another request.")
    if known is not None:
        return known.answer
    endpoints.drop_creations(session, after(fresh.endpoint.created, -CREATIONS_KEPT_S))
    endpoints.add(session, fresh)
    endpoints.add_creation(session, command.idempotency_key, Creation(command.request_hash, fresh))
    return fresh


def _update(session: Session, command: UpdateEndpoint) -> Endpoint:
    before = endpoints.named(session, command.merchant, command.id)
    changed = rules.changed(before, command)
    endpoints.replace(session, changed)
    return changed
