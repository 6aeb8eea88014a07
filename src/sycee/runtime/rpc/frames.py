"""What travels between two processes: frames of calls one way, frames of answers the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

import msgspec

from sycee.kernel.refusal import Refusal

Item = TypeVar("Item")

FRAME_BYTES_MAX = 1 << 20
"""A frame is closed when it holds this much."""
FRAME_ITEMS_MAX = 512
BODY_BYTES_MAX = 16 << 20
"""No call and no answer may be larger: a full batch of transfers takes about 2 MiB."""


class Call(msgspec.Struct, array_like=True, tag=0, gc=False):
    """Do ``operation`` within ``remaining_ms`` for the request in ``body``."""

    id: int
    """Unique on this stream, chosen by the caller."""
    operation: str
    remaining_ms: int
    trace: str
    """W3C ``traceparent``, or empty."""
    body: msgspec.Raw


class Cancel(msgspec.Struct, array_like=True, tag=1, gc=False):
    """Nobody waits for the call's answer any more."""

    id: int


class Reply(msgspec.Struct, array_like=True, tag=0, gc=False):
    """What the call answered."""

    id: int
    body: msgspec.Raw


class Refused(msgspec.Struct, array_like=True, tag=1):
    """The call was refused; the refusal rises at the caller as the same class."""

    id: int
    code: str
    detail: str
    param: str | None
    facts: dict[str, str]


class Failed(msgspec.Struct, array_like=True, tag=2, gc=False):
    """The call met a fault, which is in the log of the process that met it."""

    id: int


class Goodbye(msgspec.Struct, array_like=True, tag=3, gc=False):
    """This end is draining: open another stream, and end this one when the answers are in."""


Asked = Call | Cancel
Answered = Reply | Refused | Failed | Goodbye

encode = msgspec.msgpack.Encoder().encode
decode_asked = msgspec.msgpack.Decoder(list[Asked]).decode
decode_answered = msgspec.msgpack.Decoder(list[Answered]).decode


def refused(call: int, refusal: Refusal) -> Refused:
    """The refusal as it travels."""
    return Refused(call, refusal.code, refusal.detail, refusal.param, refusal.facts)


def fill(items: Iterable[Item], body: Callable[[Item], bytes | msgspec.Raw]) -> list[Item]:
    """The first items, as many as one frame takes, and at least one."""
    frame: list[Item] = []
    size = 0
    for item in islice(items, FRAME_ITEMS_MAX):
        frame.append(item)
        size += memoryview(body(item)).nbytes
        if size > FRAME_BYTES_MAX:
            break
    return frame
