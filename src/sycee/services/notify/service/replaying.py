"""Sends again what an endpoint missed, or lost: a slice of events per unit of work."""

from __future__ import annotations

from collections.abc import Callable

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Session
from sycee.services.notify.contract import (
    DeliveryId,
    Endpoint,
    EndpointStatus,
    Event,
    EventId,
    Replay,
)
from sycee.services.notify.domain.types import Wanted
from sycee.services.notify.store import deliveries, endpoints, events
from sycee.services.notify.store.deliveries import Fresh

SLICE = 200
"""Events that one unit of work queues again; it holds up all others meanwhile."""


def unit(
    session: Session,
    command: Replay,
    until: Instant,
    last: EventId | None,
    new_id: Callable[[str], str],
) -> tuple[int, EventId | None]:
    """Queue a slice; how many deliveries, and the event after which the next slice begins.

    One event is sent whatever its type; of many, those that the endpoint is enabled for.
    """
    endpoint = endpoints.named(session, command.merchant, command.endpoint)
    found = _found(session, command, until, last)
    if endpoint.status is EndpointStatus.DISABLED:
        return 0, None
    wanted = Wanted(endpoint)
    queued = [event for event in found if command.event is not None or wanted.matches(event)]
    for event in queued:
        deliveries.requeue(session, _fresh(endpoint, event, new_id), until)
    return len(queued), found[-1].id if len(found) == SLICE else None


def _found(session: Session, command: Replay, until: Instant, last: EventId | None) -> list[Event]:
    if command.event is not None:
        event = events.one(session, command.merchant, command.event)
        if event is None:
            raise NotFound(f"No such event: {command.event}", param="event")
        return [event]
    if command.since is None:
        return []
    return events.between(session, command.merchant, command.since, until, last, SLICE)


def _fresh(endpoint: Endpoint, event: Event, new_id: Callable[[str], str]) -> Fresh:
    return Fresh(DeliveryId(new_id("wd")), endpoint.merchant, endpoint.id, event.id)
