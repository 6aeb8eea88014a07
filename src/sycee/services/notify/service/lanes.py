"""One lane per endpoint: what is due when, what is under way, and whether it is left in peace."""

from __future__ import annotations

import heapq

from sycee.kernel.clock import Instant
from sycee.services.notify.contract import EndpointId
from sycee.services.notify.domain.retries import Breaker


class Lane:
    """The way to one endpoint."""

    def __init__(self, endpoint: EndpointId) -> None:
        self.endpoint = endpoint
        self.breaker = Breaker()
        self.under_way = 0
        self.due: Instant | None = None
        """When to look into it next, as far as time alone decides."""


class Lanes:
    """All lanes: those to look into now in the order of asking, the others by their time."""

    def __init__(self) -> None:
        self._lanes: dict[EndpointId, Lane] = {}
        self._ready: dict[EndpointId, Lane] = {}
        self._timers: list[tuple[Instant, EndpointId]] = []

    def wake(self, endpoint: EndpointId) -> None:
        """Have a lane looked into now."""
        lane = self._lanes.get(endpoint)
        if lane is None:
            lane = self._lanes[endpoint] = Lane(endpoint)
        self._ready[endpoint] = lane

    def sleep(self, lane: Lane, due: Instant | None) -> None:
        """Have a lane looked into at an instant, or when it is woken."""
        lane.due = due
        if due is not None:
            heapq.heappush(self._timers, (due, lane.endpoint))

    def drop(self, endpoint: EndpointId) -> None:
        """Forget a lane."""
        self._lanes.pop(endpoint, None)
        self._ready.pop(endpoint, None)

    def take_ready(self, now: Instant) -> list[Lane]:
        """All lanes to look into now; each is handed out once."""
        while self._timers and self._timers[0][0] <= now:
            due, endpoint = heapq.heappop(self._timers)
            lane = self._lanes.get(endpoint)
            if lane is not None and lane.due == due:
                self._ready[endpoint] = lane
        ready = list(self._ready.values())
        self._ready.clear()
        return ready

    def next_due(self) -> Instant | None:
        """The earliest instant at which a sleeping lane is to be looked into."""
        while self._timers:
            due, endpoint = self._timers[0]
            lane = self._lanes.get(endpoint)
            if lane is not None and lane.due == due:
                return due
            heapq.heappop(self._timers)
        return None
