"""What carries the frames: gRPC channels and ports, plain or with mutual TLS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc
from grpc_health.v1 import health_pb2

from sycee.runtime.rpc.frames import BODY_BYTES_MAX, FRAME_BYTES_MAX
from sycee.runtime.tls import Tls

CallerStream: TypeAlias = "grpc.aio.StreamStreamCall[bytes, bytes]"
CalledStream: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Converse: TypeAlias = Callable[[object, CalledStream], Awaitable[None]]
"""Holds a conversation on the stream it is given."""

_METHOD = "Converse"

_BOTH_ENDS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", BODY_BYTES_MAX + FRAME_BYTES_MAX),
    ("grpc.max_send_message_length", BODY_BYTES_MAX + FRAME_BYTES_MAX),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
"""A peer that vanished without a word is noticed within 15 seconds."""
_CALLER: tuple[tuple[str, int], ...] = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
_CALLED: tuple[tuple[str, int], ...] = (("grpc.so_reuseport", 0),)


def channel(service: str, address: str, tls: Tls | None) -> grpc.aio.Channel:
    """A way to ``address``; with TLS the peer's certificate must bear the service's name."""
    if tls is None:
        return grpc.aio.insecure_channel(address, options=[*_BOTH_ENDS, *_CALLER])
    expected = ("grpc.ssl_target_name_override", service)
    credentials = grpc.ssl_channel_credentials(tls.authority, tls.key, tls.certificate)
    return grpc.aio.secure_channel(address, credentials, options=[*_BOTH_ENDS, *_CALLER, expected])


def open_stream(channel: grpc.aio.Channel, service: str) -> CallerStream:
    """A new stream to the service, which waits until there is a connection."""
    method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
        f"/{_grpc_name(service)}/{_METHOD}"
    )
    return method(wait_for_ready=True)


async def serves(channel: grpc.aio.Channel, service: str, timeout_s: float) -> bool:
    """What the standard health service says of ``service``; raises when it is silent."""
    ask: grpc.aio.UnaryUnaryMultiCallable[
        health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    ] = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    answer = await ask(health_pb2.HealthCheckRequest(service=service), timeout=timeout_s)
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def server() -> grpc.aio.Server:
    """A server without doors yet; two servers cannot share a port by mistake."""
    return grpc.aio.server(options=[*_BOTH_ENDS, *_CALLED])


def listen(door: grpc.aio.Server, address: str, tls: Tls | None) -> int:
    """Open ``address``; with TLS only callers with a certificate of our authority come in."""
    if tls is None:
        return door.add_insecure_port(address)
    credentials = grpc.ssl_server_credentials(
        [(tls.key, tls.certificate)], tls.authority, require_client_auth=True
    )
    return door.add_secure_port(address, credentials)


def offer(door: grpc.aio.Server, service: str, converse: Converse) -> None:
    """Take streams to ``service``."""
    method: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(converse)
    handler = grpc.method_handlers_generic_handler(_grpc_name(service), {_METHOD: method})
    door.add_generic_rpc_handlers([handler])


def _grpc_name(service: str) -> str:
    return f"sycee.{service}"
