"""``/health``: the process lives. ``/ready``: it can take money now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import ANYONE, Empty, Priority, Route, route
from sycee.runtime.health import Readiness

Ready = Callable[[], Awaitable[Readiness]]
"""Whether the process should be given work; ``runtime.health.Health.ready`` is one."""


class Health:
    """Two questions of an orchestrator (RE1)."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(
                "GET /health",
                self.health,
                Empty,
                answers="health",
                roles=ANYONE,
                priority=Priority.ALWAYS,
            ),
            route(
                "GET /ready",
                self.ready,
                Empty,
                answers="health",
                roles=ANYONE,
                priority=Priority.ALWAYS,
            ),
        ]

    async def health(self, request: Request, given: Empty) -> Answer:
        """Say that the process lives."""
        return Answer(200, b'{"status":"ok"}')

    async def ready(self, request: Request, given: Empty) -> Answer:
        """Say whether the process can serve now."""
        if (await self._ready()).ready:
            return Answer(200, b'{"status":"ready"}')
        return Answer(503, b'{"status":"not ready"}', headers=((b"retry-after", b"1"),))
