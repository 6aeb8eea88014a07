"""Idempotency keys as rows."""

from __future__ import annotations

from sycee.kernel.clock import Instant
from sycee.runtime.database import Session
from sycee.services.checkout.store import pages
from sycee.services.identity.contract import MerchantId


def find(session: Session, merchant: MerchantId, key: str) -> tuple[bytes, bytes] | None:
    """The hash of the request that came with a key, and what it was answered."""
    sql = "SELECT hash, outcome FROM keys WHERE merchant = ? AND key = ?"
    row = session.row(sql, merchant, key)
    return None if row is None else (pages.body(row[0]), pages.body(row[1]))


def add(
    session: Session,
    merchant: MerchantId,
    key: str,
    request_hash: bytes,
    created: Instant,
    outcome: bytes,
) -> None:
    """Keep an answer; the primary key refuses a second one."""
    session.run(
        "INSERT INTO keys (merchant, key, hash, created, outcome) VALUES (?, ?, ?, ?, ?)",
        merchant,
        key,
        request_hash,
        created,
        outcome,
    )


def forget(session: Session, before: Instant, limit: int) -> int:
    """Drop keys that are older than they must be kept; how many were dropped."""
    return session.run(
        "DELETE FROM keys WHERE (merchant, key) IN (SELECT merchant, key FROM keys"
        " WHERE created < ? ORDER BY created LIMIT ?)",
        before,
        limit,
    )
