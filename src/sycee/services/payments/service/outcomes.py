"""Outcomes of requests as they are kept under idempotency keys: an answer, or a refusal."""

from __future__ import annotations

import base64
from typing import TypeVar

import msgspec

from sycee.kernel.refusal import DeadlineExceeded, Refusal, Unavailable
from sycee.services.payments.contract.customers import Setup
from sycee.services.payments.contract.intents import Payment

Shape = TypeVar("Shape", bound=msgspec.Struct)

OUTAGES = (Unavailable, DeadlineExceeded)
"""Noes of a neighbour that is away or slow: what was asked may have been done, or not."""


class Answered(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """The contract's Struct as MessagePack."""

    body: bytes


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A refusal in all its parts, so that it can be raised again."""

    code: str
    detail: str
    param: str | None
    facts: dict[str, str]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answered | Refused).decode


def answered(answer: msgspec.Struct) -> bytes:
    """An answer to be kept."""
    return _encode(Answered(_encode(answer)))


def refused(refusal: Refusal) -> bytes:
    """A refusal to be kept."""
    return _encode(Refused(refusal.code, refusal.detail, refusal.param, refusal.facts))


def of(result: msgspec.Struct | Refusal) -> bytes:
    """An answer or a refusal to be kept."""
    return refused(result) if isinstance(result, Refusal) else answered(result)


def snapshot(subject: Payment | Setup) -> str:
    """What a refusal is about, as its facts carry it."""
    return base64.b64encode(_encode(subject)).decode()


def is_final(refusal: Refusal) -> bool:
    """Whether the same request would be refused again; an outage is no outcome."""
    return not isinstance(refusal, OUTAGES)


def replayed(outcome: bytes, shape: type[Shape]) -> Shape:
    """The answer as it was first given, or the refusal raised once more."""
    kept = _decode(outcome)
    if isinstance(kept, Answered):
        return msgspec.msgpack.decode(kept.body, type=shape)
    raise Refusal.by_code[kept.code](kept.detail, param=kept.param, facts=kept.facts)
