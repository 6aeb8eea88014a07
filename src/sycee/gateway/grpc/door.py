"""The door itself: a gRPC server with reflection and the standard health service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import TypeAlias

import grpc
import msgspec
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sycee.gateway.access import Access, idempotency_key
from sycee.gateway.grpc import refusals, schema
from sycee.gateway.grpc.messages import Classes, Reader, Writer
from sycee.gateway.grpc.offer import PACKAGE, Offered, offered
from sycee.gateway.refusals import BodyInvalid, KeyNotAllowed
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import Refusal
from sycee.runtime import deadline, logs, trace, wire
from sycee.services.identity.contract import Caller
from sycee.services.payments.contract.shared import Origin

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Do: TypeAlias = Callable[[msgspec.Struct], Awaitable[msgspec.Struct]]

MESSAGE_BYTES_MAX = 4 << 20
"""A full batch of transfers fits (AE6)."""
CALLS_MAX = 1_000
"""Calls worked on at once; further ones are refused by gRPC (RE4)."""

log = logs.logger("grpc")


class Door:
    """Open it, serve, drain it."""

    def __init__(self, access: Access, services: Mapping[str, object], ids: Ids) -> None:
        self.port = 0
        self._health = health.aio.HealthServicer()
        self._grpc = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=CALLS_MAX,
        )
        offer = [each for each in offered() if each.service in services]
        self._names = [
            schema.service_name(name) for name in dict.fromkeys(o.service for o in offer)
        ]
        pool = DescriptorPool()
        pool.Add(schema.describe(offer, schema.known_numbers()))
        classes = _classes(pool, offer)
        for each in offer:
            do: Do = getattr(services[each.service], each.operation.name)
            self._add(each, _Desk(each, do, access, ids, classes))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflected = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(reflected, self._grpc, pool)

    async def open(self, address: str) -> None:
        """Take calls at ``address``; ``host:0`` takes a free port."""
        self.port = self._grpc.add_insecure_port(address)
        await self._grpc.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def drain(self, grace_s: float = 10.0) -> None:
        """Take no new calls, finish those in flight (RE2)."""
        await self._health.enter_graceful_shutdown()
        await self._grpc.stop(grace_s)

    def _add(self, each: Offered, desk: _Desk) -> None:
        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(desk.take)
        name = schema.method_name(each.operation.name)
        handler = grpc.method_handlers_generic_handler(
            schema.service_name(each.service), {name: method}
        )
        self._grpc.add_generic_rpc_handlers([handler])


class _Desk:
    """Takes the calls of one method."""

    def __init__(self, wanted: Offered, do: Do, access: Access, ids: Ids, classes: Classes) -> None:
        operation = wanted.operation
        self._wanted = wanted
        self._do = do
        self._access = access
        self._ids = ids
        self._message = classes[operation.request.__name__]
        self._reader = Reader(operation.request, is_request=True)
        self._writer = Writer(operation.reply, classes)
        self._fields = frozenset(operation.request.__struct_fields__)

    async def take(self, body: bytes, context: Context) -> bytes:
        """Answer one call, or tell its no."""
        metadata = _texts(context)
        deadline.begin(min(context.time_remaining() or deadline.DEFAULT_S, deadline.DEFAULT_S))
        trace.begin(trace.parse(metadata.get("traceparent", "")))
        try:
            return await self._answer(body, metadata)
        except Refusal as refusal:
            no = refusal
        except Exception:  # noqa: BLE001 - the one place where faults of calls are logged
            log.fault("call_failed", operation=self._wanted.operation.name)
            no = refusals.CallFailed("an unexpected fault; it was logged")
        return await context.abort(refusals.status(no), refusals.words(no), refusals.metadata(no))

    async def _answer(self, body: bytes, metadata: Mapping[str, str]) -> bytes:
        who = await self._access.caller(_octets(metadata, "authorization"))
        _check_rights(who, self._wanted)
        command = self._reader.read(self._parse(body), self._given(who, metadata))
        if "origin" in self._fields:
            command = self._with_hash(command)
        return self._writer.write(await self._do(command)).SerializeToString()

    def _parse(self, body: bytes) -> Message:
        message = self._message()
        try:
            message.ParseFromString(body)
        except DecodeError:
            name = self._wanted.operation.request.__name__
            raise BodyInvalid(f"the request is no {PACKAGE}.{name}") from None
        return message

    def _given(self, who: Caller, metadata: Mapping[str, str]) -> dict[str, object]:
        """What the door knows and the caller cannot choose."""
        given: dict[str, object] = {}
        if "merchant" in self._fields:
            given["merchant"] = who.merchant.id
        if "origin" in self._fields:
            given["origin"] = Origin(
                merchant=who.merchant.id,
                livemode=who.livemode,
                request=self._ids.new("req"),
                idempotency_key=idempotency_key(_octets(metadata, "idempotency-key")),
            )
        return given

    def _with_hash(self, command: msgspec.Struct) -> msgspec.Struct:
        """The command with a digest of what it asks, by which a repetition is recognised."""
        origin: Origin = command.origin  # type: ignore[attr-defined]
        asked = msgspec.structs.replace(command, origin=Origin(origin.merchant))
        digest = blake2b(self._wanted.operation.name.encode() + wire.encode(asked), digest_size=32)
        hashed = msgspec.structs.replace(origin, request_hash=digest.digest())
        return msgspec.structs.replace(command, origin=hashed)


def _classes(pool: DescriptorPool, offer: list[Offered]) -> Classes:
    return {
        struct.__name__: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{struct.__name__}"))
        for struct in schema.messages(offer)
    }


def _texts(context: Context) -> dict[str, str]:
    pairs = context.invocation_metadata() or ()
    return {name: value for name, value in pairs if isinstance(value, str)}


def _octets(metadata: Mapping[str, str], name: str) -> bytes | None:
    value = metadata.get(name)
    return None if value is None else value.encode()


def _check_rights(who: Caller, wanted: Offered) -> None:
    """Refuse what the key's role or scopes do not include (IA1)."""
    if who.role not in wanted.roles:
        raise KeyNotAllowed(f"a {who.role.value} key may not do this")
    if wanted.scope not in who.scopes and (who.scopes or wanted.scope_always):
        raise KeyNotAllowed(f"the key lacks the scope {wanted.scope}")
