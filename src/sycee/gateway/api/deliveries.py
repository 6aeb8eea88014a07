"""``/api/deliveries`` and ``/api/replays``: what was sent to webhooks, and sending it again."""

from __future__ import annotations

import msgspec

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.pages import Paging, Second, page
from sycee.gateway.stripe.shapes import Id, Public, answer, listing, unix
from sycee.kernel.clock import SECOND_NS, Instant
from sycee.services.notify.contract import (
    Delivery,
    DeliveryAttempt,
    DeliveryId,
    DeliveryStatus,
    EndpointId,
    EventId,
    ListAttempts,
    ListDeliveries,
    Notify,
    Page,
    Replay,
)

PATH = "/api/deliveries"


class ListingDeliveries(Paging, frozen=True, kw_only=True):
    """Which deliveries."""

    endpoint: Id | None = None
    event: Id | None = None
    status: DeliveryStatus | None = None


class ListingAttempts(Paging, frozen=True, kw_only=True):
    """Which attempts of a delivery."""


class Replaying(msgspec.Struct, frozen=True):
    """One event, or all from ``since`` (Unix seconds) on, to one endpoint; of many, only those
    up to the end of the second ``until``, of these types, whose delivery has this status."""

    endpoint: Id
    event: Id | None = None
    since: Second | None = None
    until: Second | None = None
    types: tuple[Id, ...] = ()
    status: DeliveryStatus | None = None


class Deliveries:
    """Deliveries and their repetition."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify

    def routes(self) -> list[Route]:
        """Their routes."""
        many, scope = "list of delivery", "webhooks"
        return [
            route(f"GET {PATH}", self.list_page, ListingDeliveries, answers=many, scope=scope),
            route(
                f"GET {PATH}/{{id}}/attempts",
                self.list_attempts,
                ListingAttempts,
                answers="list of delivery_attempt",
                scope=scope,
            ),
            route("POST /api/replays", self.replay, Replaying, answers="replay", scope=scope),
        ]

    async def list_page(self, request: Request, given: ListingDeliveries) -> Answer:
        """List deliveries, newest first; those with status dead are the dead letters."""
        wanted = page(given)
        query = ListDeliveries(
            request.merchant,
            None if given.endpoint is None else EndpointId(given.endpoint),
            None if given.event is None else EventId(given.event),
            given.status,
            Page(wanted.limit, wanted.starting_after, wanted.ending_before),
        )
        found = await self._notify.list_deliveries(query)
        return answer(listing(PATH, found.deliveries, found.has_more, render_delivery))

    async def list_attempts(self, request: Request, given: ListingAttempts) -> Answer:
        """List the attempts of a delivery, newest first."""
        wanted, id = page(given), DeliveryId(request.arguments["id"])
        query = ListAttempts(
            request.merchant, id, Page(wanted.limit, wanted.starting_after, wanted.ending_before)
        )
        found = await self._notify.list_attempts(query)
        url = f"{PATH}/{id}/attempts"
        return answer(listing(url, found.attempts, found.has_more, render_attempt))

    async def replay(self, request: Request, given: Replaying) -> Answer:
        """Queue deliveries again."""
        replayed = await self._notify.replay(
            Replay(
                request.merchant,
                EndpointId(given.endpoint),
                None if given.event is None else EventId(given.event),
                None if given.since is None else Instant(given.since * SECOND_NS),
                None if given.until is None else Instant((given.until + 1) * SECOND_NS - 1),
                given.types,
                given.status,
            )
        )
        return answer({"object": "replay", "count": replayed.count})


def render_delivery(delivery: Delivery) -> Public:
    """One event on its way to one endpoint."""
    return {
        "id": delivery.id,
        "object": "delivery",
        "event": delivery.event,
        "endpoint": delivery.endpoint,
        "status": delivery.status.value,
        "attempts": delivery.attempts,
        "next_at": unix(delivery.next_at),
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
    }


def render_attempt(attempt: DeliveryAttempt) -> Public:
    """One try of a delivery."""
    return {
        "id": attempt.id,
        "object": "delivery_attempt",
        "created": unix(attempt.began),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "answer": attempt.answer,
        "error": attempt.error,
        "key_generation": attempt.key_generation,
    }
