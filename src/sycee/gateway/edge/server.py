"""A listening socket, its connections, and their orderly end."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

from uvicorn.config import Config

from sycee.gateway.asgi import App
from sycee.gateway.edge.limits import Limits
from sycee.gateway.edge.protocol import EdgeProtocol, EdgeState, Gate, Render

SWEEP_S = 0.25
LOOK_S = 0.02
BACKLOG = 2048


class Server:
    """Serves an application inside a running loop; signals are its owner's business."""

    def __init__(self, app: App, limits: Limits, render: Render, gate: Gate) -> None:
        self._limits = limits
        self._state = EdgeState(limits, render, gate)
        self._config = Config(
            app,
            http=EdgeProtocol,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # Whoever connects could name any address as their own.
        )
        self._empty = asyncio.Event()
        self._listener: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one, told by ``port``."""
        loop = asyncio.get_running_loop()
        self._config.load()
        self._listener = await loop.create_server(
            lambda: EdgeProtocol(self._config, self._state, loop), host, port, backlog=BACKLOG
        )
        self.port = self._listener.sockets[0].getsockname()[1]
        self._tick(loop)
        self._look(loop, loop.time())

    async def drain(self) -> None:
        """Accept no more, finish what is in flight, close (RE2)."""
        assert self._listener is not None, "never started"
        self._listener.close()
        self._state.draining = True
        self._state.on_empty = self._empty.set
        for connection in list(self._state.live):
            connection.shutdown()
        if self._state.live:
            await self._wait_until_empty()
        for timer in (self._sweep, self._watch):
            if timer is not None:
                timer.cancel()

    async def _wait_until_empty(self) -> None:
        try:
            await asyncio.wait_for(self._empty.wait(), self._limits.drain_timeout_s)
        except TimeoutError:
            for connection in list(self._state.live):
                connection.transport.abort()
            for task in list(self._state.tasks):
                task.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Every quarter of a second: the Date header, and connections past their deadlines."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        now = loop.time()
        for connection in [each for each in self._state.live if each.deadline < now]:
            connection.expire()
        self._sweep = loop.call_later(SWEEP_S, self._tick, loop)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Tell the gate by how much this call comes late: so long do requests wait."""
        now = loop.time()
        self._state.gate.note(now - due)
        self._watch = loop.call_at(now + LOOK_S, self._look, loop, now + LOOK_S)
