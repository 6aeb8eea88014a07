"""Limits of merchants, version by version, and how far they are used."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.velocity import VelocityLimits
from sycee.services.payments.domain.attempts import Counted
from sycee.services.payments.domain.velocity import Counter

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(VelocityLimits).decode


def add(session: Session, limits: VelocityLimits) -> None:
    """Keep a fresh version."""
    session.run(
        "INSERT INTO velocity_limits (merchant, version, created, body) VALUES (?, ?, ?, ?)",
        limits.merchant,
        limits.version,
        limits.created,
        _encode(limits),
    )


def current(session: Session, merchant: MerchantId) -> VelocityLimits:
    """The version in force."""
    row = session.row(
        "SELECT body FROM velocity_limits WHERE merchant = ? ORDER BY version DESC LIMIT 1",
        merchant,
    )
    return _limits(row) if row else VelocityLimits(merchant, 0, ())


def versions_of(session: Session, merchant: MerchantId, limit: int) -> tuple[VelocityLimits, ...]:
    """All versions, newest first."""
    rows = session.rows(
        "SELECT body FROM velocity_limits WHERE merchant = ? ORDER BY version DESC LIMIT ?",
        merchant,
        limit,
    )
    return tuple(map(_limits, rows))


def take(session: Session, counter: Counter) -> bool:
    """Count a payment, if it fits; what is counted never passes the limit."""
    counted = counter.counted
    if counted.amount_minor > counter.minor_max:
        return False
    return bool(
        session.run(
            "INSERT INTO velocity_counts (key, ends, count, amount) VALUES (?, ?, 1, ?)"
            " ON CONFLICT (key) DO UPDATE SET count = velocity_counts.count + 1,"
            " amount = velocity_counts.amount + excluded.amount"
            " WHERE velocity_counts.count < ? AND velocity_counts.amount <= ?",
            counted.key,
            counter.ends,
            counted.amount_minor,
            counter.count_max,
            counter.minor_max - counted.amount_minor,
        )
    )


def give_back(session: Session, counted: Counted) -> None:
    """Count a payment no more. A period that is long over may have been forgotten."""
    session.run(
        "UPDATE velocity_counts SET count = count - 1, amount = amount - ? WHERE key = ?",
        counted.amount_minor,
        counted.key,
    )


def used(session: Session, key: str) -> tuple[int, int]:
    """How many payments are counted, and their sum in minor units."""
    row = session.row("SELECT count, amount FROM velocity_counts WHERE key = ?", key)
    if row is None:
        return 0, 0
    count, minor = row
    assert isinstance(count, int), "counts are integers"
    assert isinstance(minor, int), "amounts are integers"
    return count, minor


def forget(session: Session, before: Instant, limit: int) -> int:
    """Drop counts of periods that ended before; how many were dropped."""
    return session.run(
        "DELETE FROM velocity_counts WHERE key IN"
        " (SELECT key FROM velocity_counts WHERE ends < ? ORDER BY ends LIMIT ?)",
        before,
        limit,
    )


def _limits(row: Row) -> VelocityLimits:
    body = row[0]
    assert isinstance(body, bytes), "limits are MessagePack"
    return _decode(body)
