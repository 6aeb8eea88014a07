"""What was answered under idempotency keys, its secret sealed."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId


class Kept(msgspec.Struct, frozen=True):
    """An answer, to which request, and the secret that it tells under its seal."""

    request_hash: bytes
    body: bytes
    """The answer without the secret, as MessagePack."""
    secret: bytes


def kept(session: Session, merchant: MerchantId, key: str) -> Kept | None:
    """What was answered under this idempotency key."""
    row = session.row(
        "SELECT request_hash, body, secret FROM creations WHERE merchant = ? AND key = ?",
        merchant,
        key,
    )
    return None if row is None else Kept(_bytes(row[0]), _bytes(row[1]), _bytes(row[2]))


def keep(session: Session, merchant: MerchantId, key: str, now: Instant, answer: Kept) -> None:
    """Remember an answer under its idempotency key."""
    session.run(
        "INSERT INTO creations (merchant, key, created, request_hash, body, secret)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        merchant,
        key,
        now,
        answer.request_hash,
        answer.body,
        answer.secret,
    )


def drop(session: Session, before: Instant) -> None:
    """Forget old answers."""
    session.run("DELETE FROM creations WHERE created < ?", before)


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes), "a body, a secret and a hash are bytes"
    return value
