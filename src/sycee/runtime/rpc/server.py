"""A process's inner door: other processes call the services that live here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sycee.runtime.rpc import transport
from sycee.runtime.rpc.counterpart import Counterpart
from sycee.runtime.rpc.desk import Desk
from sycee.runtime.rpc.frames import Answered
from sycee.runtime.rpc.transport import CalledStream, Converse
from sycee.runtime.tls import Tls


async def serve(
    services: Mapping[str, tuple[type, object]], address: str, tls: Tls | None = None
) -> Server:
    """Let other processes call ``services`` (name: contract, implementation) at ``address``.

    ``host:0`` takes a free port, which the server then tells. The standard gRPC health service
    answers for each service by its name.
    """
    server = Server(services)
    await server.start(address, tls)
    return server


class Server:
    """Serves contracts to other processes until it is drained."""

    def __init__(self, services: Mapping[str, tuple[type, object]]) -> None:
        self.port = 0
        self._names = list(services)
        self._draining = False
        self._counterparts: set[Counterpart] = set()
        self._work: set[asyncio.Task[Answered]] = set()
        self._health = health.aio.HealthServicer()
        self._grpc = transport.server()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        for name, (contract, implementation) in services.items():
            desk = Desk(name, contract, implementation)
            transport.offer(self._grpc, name, self._converse_at(desk))

    async def start(self, address: str, tls: Tls | None) -> None:
        """Open the door."""
        self.port = transport.listen(self._grpc, address, tls)
        await self._grpc.start()
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def drain(self, grace_s: float = 10.0) -> None:
        """Take no new stream, finish the calls in flight, close.

        Callers are asked to go elsewhere; what is not finished after ``grace_s`` is cancelled.
        """
        self._draining = True
        await self._health.enter_graceful_shutdown()
        for counterpart in self._counterparts:
            counterpart.say_goodbye()
        await self._grpc.stop(grace_s)
        for task in self._work:
            task.cancel()
        if self._work:
            await asyncio.wait(self._work)

    def _converse_at(self, desk: Desk) -> Converse:
        async def converse(_frames: object, stream: CalledStream) -> None:
            counterpart = Counterpart(desk, stream, self._work)
            self._counterparts.add(counterpart)
            if self._draining:
                counterpart.say_goodbye()
            try:
                await counterpart.hold()
            finally:
                self._counterparts.discard(counterpart)

        return converse
