"""Random messages to the gRPC door, seeded: none ends in a fault."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import grpc
import pytest

from sycee.gateway.grpc import schema
from sycee.gateway.grpc.offer import Offered, offered
from sycee.services.identity.contract import Role
from tests.system.platform import Platform
from tests.system.shops import Shop, lunch, open_shop

SEED = 20_261_124
MESSAGES = 200
TIMEOUT_S = 20
DEPTH_MAX = 3
FIELDS_MAX = 13
CLEAN = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.ABORTED,
}
INTEGERS = [0, 1, 5, 2000, 2**31, 2**63 - 1, 2**63, 2**64 - 1]
TEXTS = [
    b"",
    b"USD",
    b"usd",
    b"pm_card_visa",
    b"manual",
    b"\0",
    b"\xff",
    "größe".encode(),
    bytes(16),
]


Call = Callable[[bytes, tuple[tuple[str, str], ...]], object]


@pytest.fixture(scope="module")
def channel(platform: Platform) -> Iterator[grpc.Channel]:
    assert platform.ready is not None
    with grpc.insecure_channel(platform.ready.grpc) as channel:
        yield channel


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.mark.parametrize("each", offered(), ids=[each.operation.name for each in offered()])
def test_no_message_ends_in_a_fault(
    platform: Platform, channel: grpc.Channel, shop: Shop, each: Offered
) -> None:
    """AE1."""
    assert platform.ready is not None
    operator_key = platform.ready.ledger_key if each.scope_always else platform.ready.operator_key
    key = shop.secret_key if Role.SECRET in each.roles else operator_key
    held = shop.client.v1.payment_intents.create(lunch(capture_method="manual")).id
    name = schema.method_name(each.operation.name)
    call = calling(channel, f"/{schema.service_name(each.service)}/{name}", each.streamed)
    draw = random.Random(f"{SEED} {name}")
    outcomes = set()
    for _ in range(MESSAGES):
        octets = message(draw, [*TEXTS, held.encode()])
        try:
            call(octets, (("authorization", f"Bearer {key}"),))
        except grpc.RpcError as error:
            assert is_clean(error), (octets, error.code(), error.details())
            outcomes.add(error.code())
    assert outcomes, "every random message was taken"


def calling(channel: grpc.Channel, path: str, streamed: bool) -> Call:
    """One message at a time, of a stream too."""
    if not streamed:
        unary = channel.unary_unary(path)
        return lambda octets, metadata: unary(octets, metadata=metadata, timeout=TIMEOUT_S)
    stream = channel.stream_stream(path)
    return lambda octets, metadata: list(
        stream(iter([octets]), metadata=metadata, timeout=TIMEOUT_S)
    )


def is_clean(error: grpc.RpcError) -> bool:
    """Whether it is a no of ours. Of a key that is good, only a client secret can be refused."""
    if error.code() is grpc.StatusCode.UNAUTHENTICATED:
        return ("sycee-code", "client_secret_invalid") in error.trailing_metadata()
    return error.code() in CLEAN


def message(draw: random.Random, texts: list[bytes], depth: int = 0) -> bytes:
    """A few fields in wire format; sometimes cut off."""
    octets = b"".join(field(draw, texts, depth) for _ in range(draw.randrange(1, 5)))
    return octets[: draw.randrange(len(octets) + 1)] if draw.random() < 0.1 else octets


def field(draw: random.Random, texts: list[bytes], depth: int) -> bytes:
    """One field with any number: an integer, a text, or a message."""
    number = draw.randrange(1, FIELDS_MAX + 1)
    kind = draw.choice(["integer", "text", "text", "message"])
    if kind == "integer":
        return varint(number << 3) + varint(draw.choice(INTEGERS))
    inner = draw.choice(texts)
    if kind == "message" and depth < DEPTH_MAX:
        inner = message(draw, texts, depth + 1)
    return varint(number << 3 | 2) + varint(len(inner)) + inner


def varint(value: int) -> bytes:
    """An integer as Protocol Buffers write it."""
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])
