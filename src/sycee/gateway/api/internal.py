"""What operators ask on a port of their own: metrics, readiness with its reasons (PH5)."""

from __future__ import annotations

import msgspec

from sycee.gateway.api.health import Ready
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import ANYONE, Empty, Route, route
from sycee.runtime import metrics

_encode = msgspec.json.Encoder().encode


class Internal:
    """Never on the public port."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route("GET /metrics", self.metrics, Empty, answers="page", roles=ANYONE, page=True),
            route("GET /ready", self.ready, Empty, answers="page", roles=ANYONE, page=True),
        ]

    async def metrics(self, request: Request, given: Empty) -> Answer:
        """Show all metrics in Prometheus' text format."""
        return Answer(200, metrics.exposition(), metrics.CONTENT_TYPE.encode())

    async def ready(self, request: Request, given: Empty) -> Answer:
        """Say whether the process can serve now, and what stands in the way."""
        readiness = await self._ready()
        return Answer(200 if readiness.ready else 503, _encode(readiness))
