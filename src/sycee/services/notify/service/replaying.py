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
    queued = found if command.event is not None else _chosen(session, command, endpoint, found)
    for event in queued:
        deliveries.requeue(session, _fresh(endpoint, event, new_id), until)
    return len(queued), found[-1].id if len(found) == SLICE else None


def _chosen(
    session: Session, command: Replay, endpoint: Endpoint, found: list[Event]
) -> list[Event]:
    wanted = Wanted(endpoint)
    return [
        event
        for event in found
        if wanted.matches(event)
        and (not command.types or event.type in command.types)
        and _stands_so(session, command, event)
    ]


def _stands_so(session: Session, command: Replay, event: Event) -> bool:
    if command.status is None:
        return True
    return deliveries.status_of(session, command.endpoint, event.id) is command.status


def _found(session: Session, command: Replay, until: Instant, last: EventId | None) -> list[Event]:
    if command.event is not None:
        event = events.one(session, command.merchant, command.event)
        if event is None:
            raise NotFound(f"No such event: {command.event}", param="event")
        return [event]
    if command.since is None:
        return []
    end = until if command.until is None else min(until, command.until)
    return events.between(session, command.merchant, command.since, end, last, SLICE)


def _fresh(endpoint: Endpoint, event: Event, new_id: Callable[[str], str]) -> Fresh:
    return Fresh(DeliveryId(new_id("wd")), endpoint.merchant, endpoint.id, event.id)
