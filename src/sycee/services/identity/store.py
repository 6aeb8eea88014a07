"""Merchants and API keys as rows."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import (
    ApiKey,
    ApiKeyId,
    Caller,
    Merchant,
    MerchantId,
    Role,
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Merchant).decode


def add_merchant(session: Session, merchant: Merchant) -> Merchant:
    """Keep a merchant; the one that exists wins."""
    session.run(
        "INSERT INTO merchants (id, created, body) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
        merchant.id,
        merchant.created,
        _encode(merchant),
    )
    return merchant_by_id(session, merchant.id) or merchant


def replace_merchant(session: Session, merchant: Merchant) -> None:
    """Overwrite what is known of a merchant."""
    session.run("UPDATE merchants SET body = ? WHERE id = ?", _encode(merchant), merchant.id)


def merchant_by_id(session: Session, merchant: MerchantId) -> Merchant | None:
    """One merchant, or None."""
    row = session.row("SELECT body FROM merchants WHERE id = ?", merchant)
    return _merchant(row[0]) if row else None


def add_key(session: Session, key: ApiKey, digest: bytes) -> None:
    """Keep a fresh key by its keyed hash."""
    session.run(
        "INSERT INTO api_keys"
        " (id, merchant, role, livemode, scopes, created, last_used, revoked, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        key.id,
        key.merchant,
        key.role.value,
        int(key.livemode),
        " ".join(key.scopes),
        key.created,
        key.last_used,
        key.revoked,
        digest,
    )


def key_by_id(session: Session, merchant: MerchantId, key: ApiKeyId) -> ApiKey | None:
    """One key of this merchant, or None."""
    row = session.row(
        "SELECT id, merchant, role, livemode, scopes, created, last_used, revoked"
        " FROM api_keys WHERE id = ? AND merchant = ?",
        key,
        merchant,
    )
    return _key(row) if row else None


def keys_of(session: Session, merchant: MerchantId, limit: int) -> tuple[ApiKey, ...]:
    """A merchant's keys, newest first."""
    rows = session.rows(
        "SELECT id, merchant, role, livemode, scopes, created, last_used, revoked"
        " FROM api_keys WHERE merchant = ? ORDER BY id DESC LIMIT ?",
        merchant,
        limit,
    )
    return tuple(_key(row) for row in rows)


def revoke_key(session: Session, key: ApiKeyId, at: Instant) -> None:
    """End a key; the first time counts."""
    session.run("UPDATE api_keys SET revoked = ? WHERE id = ? AND revoked IS NULL", at, key)


def caller_by_digest(session: Session, digest: bytes) -> Caller | None:
    """Who holds the live key with this keyed hash."""
    row = session.row(
        "SELECT k.id, k.role, k.livemode, k.scopes, m.body FROM api_keys k"
        " JOIN merchants m ON m.id = k.merchant WHERE k.digest = ? AND k.revoked IS NULL",
        digest,
    )
    if row is None:
        return None
    return Caller(
        key=ApiKeyId(str(row[0])),
        role=Role(row[1]),
        livemode=bool(row[2]),
        scopes=tuple(str(row[3]).split()),
        merchant=_merchant(row[4]),
    )


def touch_keys(session: Session, keys: Iterable[ApiKeyId], at: Instant) -> None:
    """Note when keys were last used."""
    for key in keys:
        session.run("UPDATE api_keys SET last_used = ? WHERE id = ?", at, key)


def _merchant(body: object) -> Merchant:
    assert isinstance(body, bytes), "a merchant's body is MessagePack"
    return _decode(body)


def _key(row: Row) -> ApiKey:
    return ApiKey(
        id=ApiKeyId(str(row[0])),
        merchant=MerchantId(str(row[1])),
        role=Role(row[2]),
        livemode=bool(row[3]),
        scopes=tuple(str(row[4]).split()),
        created=_instant(row[5]) or Instant(0),
        last_used=_instant(row[6]),
        revoked=_instant(row[7]),
    )


def _instant(value: object) -> Instant | None:
    return Instant(value) if isinstance(value, int) else None
