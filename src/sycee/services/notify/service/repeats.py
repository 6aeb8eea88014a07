"""Does what tells a secret once per idempotency key, and answers it again to who repeats it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sycee.kernel.clock import Instant, after
from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.notify.contract import (
    CreateEndpoint,
    EndpointIdempotencyConflict,
    RotateSecret,
)
from sycee.services.notify.store import answers
from sycee.services.notify.store.answers import Kept

KEPT_S = 7 * 86_400.0
"""How long an idempotency key is remembered."""


class Asked(msgspec.Struct, frozen=True):
    """Who asks for what, under which idempotency key."""

    merchant: MerchantId
    key: str | None
    request_hash: bytes


def creation(command: CreateEndpoint) -> Asked:
    """A new endpoint is asked for."""
    return Asked(command.merchant, command.idempotency_key, command.request_hash)


def rotation(command: RotateSecret) -> Asked:
    """New keys are asked for, which under the same key is another request than a creation."""
    request_hash = f"rotation|{command.id}|".encode() + command.request_hash
    return Asked(command.merchant, command.idempotency_key, request_hash)


def once(
    session: Session, asked: Asked, now: Instant, perform: Callable[[], tuple[bytes, bytes]]
) -> Kept:
    """The first answer under this key; ``perform`` gives its body and its sealed secret."""
    if asked.key is None:
        return Kept(asked.request_hash, *perform())
    known = answers.kept(session, asked.merchant, asked.key)
    if known is not None and known.request_hash != asked.request_hash:
        raise EndpointIdempotencyConflict("This idempotency key was used with another request.")
    if known is not None:
        return known
    answers.drop(session, after(now, -KEPT_S))
    fresh = Kept(asked.request_hash, *perform())
    answers.keep(session, asked.merchant, asked.key, now, fresh)
    return fresh
