"""Returning results: events that are kept, and webhooks that carry them."""

from __future__ import annotations

from enum import Enum
from typing import NewType, Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound, Refusal, refuses
from sycee.services.identity.contract import MerchantId

EventId = NewType("EventId", str)
"""``evt_…``"""
EndpointId = NewType("EndpointId", str)
"""``we_…``"""
DeliveryId = NewType("DeliveryId", str)
"""``wd_…``, constant over all retries of one delivery."""
AttemptId = NewType("AttemptId", str)
"""``wa_…``"""


EVENTS_TOPIC = "events"
"""The outbox topic on which services publish; each payload is an ``Event`` as MessagePack."""


class Event(msgspec.Struct, frozen=True):
    """Something happened to an object. Immutable."""

    id: EventId
    merchant: MerchantId
    type: str
    """``payment_intent.succeeded``, ``charge.refunded``, …"""
    created: Instant
    livemode: bool
    subject: bytes
    """The object after the change: the publishing contract's Struct as MessagePack."""
    subject_kind: str
    """Which Struct it is: ``payment``, ``charge``, ``refund``, ``customer``, …"""
    previous: bytes = b""
    """MessagePack of ``{field: former value}`` in the public shape, for changes of fields."""
    request: str | None = None
    """The public request that caused it."""
    idempotency_key: str | None = None


class Page(msgspec.Struct, frozen=True):
    """A cursor page, newest first: after or before the named id."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


class GetEvent(msgspec.Struct, frozen=True):
    """Ask for one event."""

    merchant: MerchantId
    id: EventId


class ListEvents(msgspec.Struct, frozen=True):
    """A merchant's events, newest first."""

    merchant: MerchantId
    page: Page = Page()
    types: tuple[str, ...] = ()
    """Exact types, or with ``*`` at the end; empty means all."""
    created_from: Instant | None = None
    created_to: Instant | None = None
    delivered: bool | None = None
    """True: those of which no delivery is pending or dead. False: the others. None: all."""


class Events(msgspec.Struct, frozen=True):
    """One page of events."""

    events: tuple[Event, ...]
    has_more: bool


class EndpointStatus(Enum):
    """Whether deliveries are made."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class Endpoint(msgspec.Struct, frozen=True):
    """Where a merchant wants its events."""

    id: EndpointId
    merchant: MerchantId
    url: str
    enabled_events: tuple[str, ...]
    status: EndpointStatus
    created: Instant
    livemode: bool
    description: str | None = None
    metadata: dict[str, str] = {}
    api_version: str | None = None
    secret: str | None = None
    """``whsec_…``; told at creation only, and each later one by the rotation that made it."""


class CreateEndpoint(msgspec.Struct, frozen=True):
    """A new endpoint. ``idempotency_key`` makes repetition safe."""

    merchant: MerchantId
    url: str
    enabled_events: tuple[str, ...]
    livemode: bool = False
    description: str | None = None
    metadata: dict[str, str] = {}
    api_version: str | None = None
    idempotency_key: str | None = None
    request_hash: bytes = b""


class UpdateEndpoint(msgspec.Struct, frozen=True):
    """Change an endpoint; None leaves a field as it is, an empty metadata value removes its key."""

    merchant: MerchantId
    id: EndpointId
    url: str | None = None
    enabled_events: tuple[str, ...] | None = None
    disabled: bool | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None


class EndpointQuery(msgspec.Struct, frozen=True):
    """Name one endpoint."""

    merchant: MerchantId
    id: EndpointId


class RotateSecret(msgspec.Struct, frozen=True):
    """Give an endpoint new keys. ``idempotency_key`` makes repetition safe."""

    merchant: MerchantId
    id: EndpointId
    overlap_s: int = 86_400
    """Seconds for which the former keys go on signing beside the new ones, up to 7 days; with 0
    they stop at once, as they must when they leaked."""
    idempotency_key: str | None = None
    request_hash: bytes = b""


class SigningKeys(msgspec.Struct, frozen=True):
    """What an endpoint's webhooks are signed with, as far as a receiver may know it."""

    endpoint: EndpointId
    generation: int
    """1 at the endpoint's creation, and one more by each rotation."""
    public_key: str
    """``whpk_…``: verifies the Ed25519 signatures of this generation."""
    previous_public_key: str | None = None
    """That of the former generation, while it signs too."""
    previous_until: Instant | None = None
    """When the former generation stops signing, its HMAC secret as well; None when it has."""
    secret: str | None = None
    """``whsec_…``, the new HMAC secret; told by the rotation only."""


class ListEndpoints(msgspec.Struct, frozen=True):
    """A merchant's endpoints, newest first."""

    merchant: MerchantId
    page: Page = Page()


class Endpoints(msgspec.Struct, frozen=True):
    """One page of endpoints."""

    endpoints: tuple[Endpoint, ...]
    has_more: bool


class DeletedEndpoint(msgspec.Struct, frozen=True):
    """The endpoint is gone; what was queued for it is dropped."""

    id: EndpointId


class DeliveryStatus(Enum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after the last retry, or the endpoint answered 410 or was disabled."""


class Delivery(msgspec.Struct, frozen=True):
    """One event on its way to one endpoint."""

    id: DeliveryId
    event: EventId
    endpoint: EndpointId
    status: DeliveryStatus
    attempts: int
    next_at: Instant | None
    last_status: int | None
    """HTTP status of the last attempt; None when there was no answer."""
    last_error: str | None


class ListDeliveries(msgspec.Struct, frozen=True):
    """Deliveries of a merchant, newest first, optionally of one endpoint, event or status."""

    merchant: MerchantId
    endpoint: EndpointId | None = None
    event: EventId | None = None
    status: DeliveryStatus | None = None
    page: Page = Page()


class Deliveries(msgspec.Struct, frozen=True):
    """One page of deliveries."""

    deliveries: tuple[Delivery, ...]
    has_more: bool


class DeliveryAttempt(msgspec.Struct, frozen=True):
    """One try to deliver, once it had ended."""

    id: AttemptId
    began: Instant
    duration_ms: int
    status: int | None
    """HTTP status of the answer; None when there was none."""
    answer: str
    """The first characters of the answer's body, in one line, secrets left out."""
    error: str | None
    """Why there was no answer; None when there was one."""
    key_generation: int
    """Which generation of the endpoint's keys signed it, as in its signing keys."""


class ListAttempts(msgspec.Struct, frozen=True):
    """The attempts of one delivery, newest first."""

    merchant: MerchantId
    delivery: DeliveryId
    page: Page = Page()


class DeliveryAttempts(msgspec.Struct, frozen=True):
    """One page of attempts."""

    attempts: tuple[DeliveryAttempt, ...]
    has_more: bool


class Replay(msgspec.Struct, frozen=True):
    """Send again: one event, or all events from ``since`` on, to one endpoint.

    Of many events, ``until``, ``types`` and ``status`` leave all others out.
    """

    merchant: MerchantId
    endpoint: EndpointId
    event: EventId | None = None
    since: Instant | None = None
    until: Instant | None = None
    """The last instant of the range; None means now."""
    types: tuple[str, ...] = ()
    """Exact types; empty means all that the endpoint is enabled for."""
    status: DeliveryStatus | None = None
    """Only events whose delivery to this endpoint stands so; None means whatever became of it."""


class Replayed(msgspec.Struct, frozen=True):
    """How many deliveries were queued again."""

    count: int


class UrlNotAllowed(Refusal, code="url_invalid", status=422):
    """``url`` is malformed, not https (http only on loopback in dev), or points inside."""


class EventTypeUnknown(Refusal, code="event_type_unknown", status=422):
    """``enabled_events`` names a type that is never sent."""


class EndpointIdempotencyConflict(Refusal, code="endpoint_idempotency_conflict", status=409):
    """The idempotency key was used with another request."""


class OverlapNotAllowed(Refusal, code="overlap_not_allowed", status=422):
    """``overlap_s`` is negative, or above seven days."""


class Notify(Protocol):
    """Events and webhooks. Delivery is at least once; a delivery's id is constant over retries."""

    @refuses(NotFound)
    async def get_event(self, query: GetEvent) -> Event:
        """One event of this merchant."""
        ...

    @refuses(NotFound)
    async def list_events(self, query: ListEvents) -> Events:
        """A page of events; an unknown cursor is not found."""
        ...

    @refuses(UrlNotAllowed, EventTypeUnknown, EndpointIdempotencyConflict)
    async def create_endpoint(self, command: CreateEndpoint) -> Endpoint:
        """Register an endpoint; the answer alone carries the signing secret."""
        ...

    @refuses(NotFound, UrlNotAllowed, EventTypeUnknown)
    async def update_endpoint(self, command: UpdateEndpoint) -> Endpoint:
        """Change an endpoint."""
        ...

    @refuses(NotFound)
    async def get_endpoint(self, query: EndpointQuery) -> Endpoint:
        """One endpoint."""
        ...

    @refuses(OverlapNotAllowed, EndpointIdempotencyConflict, NotFound)
    async def rotate_secret(self, command: RotateSecret) -> SigningKeys:
        """Replace an endpoint's HMAC secret and Ed25519 key; the answer alone carries the secret.

        Every attempt that begins after the answer is signed by the new keys and, until the overlap
        ends, by the former ones too. There is one former generation at most: rotating again within
        an overlap stops the oldest at once, however long it was promised.
        """
        ...

    @refuses(NotFound)
    async def get_signing_keys(self, query: EndpointQuery) -> SigningKeys:
        """The public halves of what signs now, without any secret."""
        ...

    @refuses(NotFound)
    async def list_endpoints(self, query: ListEndpoints) -> Endpoints:
        """A page of endpoints."""
        ...

    @refuses(NotFound)
    async def delete_endpoint(self, command: EndpointQuery) -> DeletedEndpoint:
        """Remove an endpoint."""
        ...

    @refuses(NotFound)
    async def list_deliveries(self, query: ListDeliveries) -> Deliveries:
        """What was tried, with its outcome: the dead letters are those with status dead."""
        ...

    @refuses(NotFound)
    async def list_attempts(self, query: ListAttempts) -> DeliveryAttempts:
        """Every attempt of one delivery that ended, for as long as attempts are kept."""
        ...

    @refuses(NotFound)
    async def replay(self, command: Replay) -> Replayed:
        """Queue deliveries again, dead or delivered."""
        ...
