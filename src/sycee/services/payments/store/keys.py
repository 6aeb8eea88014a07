"""Idempotency keys as rows."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId


class Kept(msgspec.Struct, frozen=True):
    """What is remembered of a key; without an outcome, its request is being worked on."""

    request_hash: bytes
    outcome: bytes | None


def find(session: Session, merchant: MerchantId, key: str) -> Kept | None:
    """What is remembered of a key, if anything."""
    row = session.row(
        "SELECT hash, outcome FROM keys WHERE merchant = ? AND key = ?", merchant, key
    )
    if row is None:
        return None
    request_hash, outcome = row
    assert isinstance(request_hash, bytes), "a hash is bytes"
    assert outcome is None or isinstance(outcome, bytes), "an outcome is MessagePack"
    return Kept(request_hash, outcome)


def add(
    session: Session,
    merchant: MerchantId,
    key: str,
    request_hash: bytes,
    created: Instant,
    outcome: bytes | None = None,
) -> None:
    """Take a key that nobody has; the primary key refuses a second taker."""
    session.run(
        "INSERT INTO keys (merchant, key, hash, created, outcome) VALUES (?, ?, ?, ?, ?)",
        merchant,
        key,
        request_hash,
        created,
        outcome,
    )


def settle(session: Session, merchant: MerchantId, key: str, outcome: bytes) -> None:
    """Keep the outcome of a key that was taken; the first outcome stays."""
    session.run(
        "UPDATE keys SET outcome = ? WHERE merchant = ? AND key = ? AND outcome IS NULL",
        outcome,
        merchant,
        key,
    )


def release(session: Session, merchant: MerchantId, key: str) -> None:
    """Forget a key whose request did nothing, so that it may come again."""
    session.run(
        "DELETE FROM keys WHERE merchant = ? AND key = ? AND outcome IS NULL", merchant, key
    )


def forget(session: Session, before: Instant, limit: int) -> int:
    """Drop settled keys that are older than they must be kept; how many were dropped."""
    return session.run(
        "DELETE FROM keys WHERE (merchant, key) IN (SELECT merchant, key FROM keys"
        " WHERE created < ? AND outcome IS NOT NULL ORDER BY created LIMIT ?)",
        before,
        limit,
    )
