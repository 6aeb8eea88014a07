"""The door itself: a gRPC server with reflection and the standard health service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sycee.gateway.access import Access
from sycee.gateway.grpc import batches, schema
from sycee.gateway.grpc.compiling import Compiler, Decoder
from sycee.gateway.grpc.desk import Desk, Work
from sycee.gateway.grpc.messages import Classes
from sycee.gateway.grpc.offer import PACKAGE, Offered, offered
from sycee.gateway.grpc.stream import Stream
from sycee.gateway.grpc.work import Do, OfBatches, OfStructs
from sycee.gateway.rates import Turnstile
from sycee.kernel.ids import Ids
from sycee.services.ledger.contract import Ledger

MESSAGE_BYTES_MAX = 4 << 20
"""A full batch of transfers fits (AE6)."""
CALLS_MAX = 1_000
"""Calls worked on at once; further ones are refused by gRPC (RE4)."""

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)
"""A caller that vanished without a word does not hold its streams for ever."""


class Door:
    """Open it, serve, drain it."""

    def __init__(
        self,
        access: Access,
        turnstile: Turnstile,
        services: Mapping[str, object],
        ids: Ids,
        decoder: Decoder = Decoder.AUTO,
    ) -> None:
        self.port = 0
        self.compiler = Compiler(decoder)
        self._services = services
        self._ids = ids
        self._streams: set[Stream] = set()
        self._health = health.aio.HealthServicer()
        self._grpc = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=CALLS_MAX)
        offer = [each for each in offered() if each.service in services]
        self._names = [
            schema.service_name(name) for name in dict.fromkeys(o.service for o in offer)
        ]
        self._numbers = schema.known_numbers()
        pool = DescriptorPool()
        pool.Add(schema.describe(offer, self._numbers))
        self._classes = _classes(pool, offer)
        for each in offer:
            self._add(each, Desk(each, self._work(each), access, turnstile, self._streams))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflected = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(reflected, self._grpc, pool)

    async def open(self, address: str) -> None:
        """Take calls at ``address``; ``host:0`` takes a free port."""
        await self.compiler.open()
        self.port = self._grpc.add_insecure_port(address)
        await self._grpc.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def drain(self, grace_s: float = 10.0) -> None:
        """Take no new calls, finish those in flight (RE2)."""
        await self._health.enter_graceful_shutdown()
        for stream in self._streams:
            stream.close()
        await self._grpc.stop(grace_s)
        await self.compiler.loaded()

    def _work(self, each: Offered) -> Work:
        operation = each.operation
        kind = batches.of(operation)
        if kind is None:
            do: Do = getattr(self._services[each.service], operation.name)
            return OfStructs(operation, do, self._ids, self._classes)
        return OfBatches(
            batches.Reader(kind, self._numbers, self._classes, self.compiler),
            kind.record(cast("Ledger", self._services[each.service])),
            batches.Writer(kind, self._numbers),
        )

    def _add(self, each: Offered, desk: Desk) -> None:
        name = schema.method_name(each.operation.name)
        handler = grpc.method_handlers_generic_handler(
            schema.service_name(each.service), {name: desk.handler()}
        )
        self._grpc.add_generic_rpc_handlers([handler])


def _classes(pool: DescriptorPool, offer: list[Offered]) -> Classes:
    return {
        struct.__name__: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{struct.__name__}"))
        for struct in schema.messages(offer)
    }
