"""Sealed numbers, wrapped keys and accesses as rows."""

from __future__ import annotations

from collections.abc import Sequence

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.vault.contract import CardToken, Detokenize, KeptNumber
from sycee.services.vault.domain import SealedNumber, SealingKey

_KEY = "merchant, kind, version, created, uses, kek, wrapped"
_CARD = "merchant, token, fingerprint, bin, last4, key_version, sealed"


def newest_key(session: Session, merchant: MerchantId, kind: str) -> SealingKey | None:
    """The data key that seals now."""
    row = session.row(
        f"SELECT {_KEY} FROM data_keys WHERE merchant = ? AND kind = ?"  # noqa: S608 - constants
        " ORDER BY version DESC LIMIT 1",
        merchant,
        kind,
    )
    return _key(row) if row else None


def key_of(session: Session, merchant: MerchantId, kind: str, version: int) -> SealingKey | None:
    """One data key."""
    row = session.row(
        f"SELECT {_KEY} FROM data_keys"  # noqa: S608 - constants
        " WHERE merchant = ? AND kind = ? AND version = ?",
        merchant,
        kind,
        version,
    )
    return _key(row) if row else None


def add_key(session: Session, key: SealingKey) -> SealingKey:
    """Keep a fresh data key; of two made at once the first wins."""
    session.run(
        f"INSERT INTO data_keys ({_KEY}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
        " ON CONFLICT (merchant, kind, version) DO NOTHING",
        key.merchant,
        key.kind,
        key.version,
        key.created,
        key.uses,
        key.kek,
        key.wrapped,
    )
    found = key_of(session, key.merchant, key.kind, key.version)
    assert found is not None, "the key was just written, by us or by another"
    return found


def count_uses(session: Session, key: SealingKey, more: int) -> None:
    """Note how often a key has sealed."""
    session.run(
        "UPDATE data_keys SET uses = uses + ? WHERE merchant = ? AND kind = ? AND version = ?",
        more,
        key.merchant,
        key.kind,
        key.version,
    )


def keys_behind(session: Session, kek: int, limit: int) -> tuple[SealingKey, ...]:
    """Data keys that are wrapped by another key than this."""
    rows = session.rows(
        f"SELECT {_KEY} FROM data_keys WHERE kek <> ? LIMIT ?",  # noqa: S608 - constants
        kek,
        limit,
    )
    return tuple(map(_key, rows))


def rewrap(session: Session, key: SealingKey, kek: int, wrapped: bytes) -> None:
    """Have a data key wrapped by another key; no other change of its row is undone."""
    session.run(
        "UPDATE data_keys SET kek = ?, wrapped = ?"
        " WHERE merchant = ? AND kind = ? AND version = ? AND kek = ?",
        kek,
        wrapped,
        key.merchant,
        key.kind,
        key.version,
        key.kek,
    )


def has_keys(session: Session) -> bool:
    """Whether anything was ever sealed here."""
    return session.row("SELECT 1 FROM data_keys LIMIT 1") is not None


def add_card(session: Session, card: SealedNumber) -> KeptNumber:
    """Keep a number; the one that this merchant has already wins."""
    session.run(
        f"INSERT INTO cards ({_CARD}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
        " ON CONFLICT (merchant, fingerprint) DO NOTHING",
        card.merchant,
        card.kept.token,
        card.kept.fingerprint,
        card.kept.bin,
        card.kept.last4,
        card.key_version,
        card.sealed,
    )
    found = card_by_fingerprint(session, card.merchant, card.kept.fingerprint)
    assert found is not None, "the card was just written, by us or by another"
    return found


def card_by_fingerprint(
    session: Session, merchant: MerchantId, fingerprint: str
) -> KeptNumber | None:
    """What is known of a merchant's number."""
    row = session.row(
        f"SELECT {_CARD} FROM cards WHERE merchant = ? AND fingerprint = ?",  # noqa: S608 - constants
        merchant,
        fingerprint,
    )
    return _card(row).kept if row else None


def cards_of(
    session: Session, merchant: MerchantId, tokens: Sequence[CardToken]
) -> tuple[SealedNumber | None, ...]:
    """A merchant's sealed numbers, in the order of the tokens."""
    sql = f"SELECT {_CARD} FROM cards WHERE merchant = ? AND token = ?"  # noqa: S608 - constants
    rows = [session.row(sql, merchant, token) for token in tokens]
    return tuple(_card(row) if row else None for row in rows)


def forget(session: Session, merchant: MerchantId, token: CardToken) -> None:
    """Erase a sealed number."""
    session.run("DELETE FROM cards WHERE merchant = ? AND token = ?", merchant, token)


def add_access(session: Session, id: str, query: Detokenize, token: CardToken, at: Instant) -> None:
    """Note that a number is given out."""
    session.run(
        "INSERT INTO accesses (id, merchant, token, rail, purpose, at) VALUES (?, ?, ?, ?, ?, ?)",
        id,
        query.merchant,
        token,
        query.rail,
        query.purpose,
        at,
    )


def counts(session: Session, kek: int) -> tuple[int, int, int, int, int]:
    """Data keys, those wrapped by another key than this, most uses, cards, accesses."""
    row = session.row(
        "SELECT (SELECT COUNT(*) FROM data_keys),"
        " (SELECT COUNT(*) FROM data_keys WHERE kek <> ?),"
        " (SELECT COALESCE(MAX(uses), 0) FROM data_keys),"
        " (SELECT COUNT(*) FROM cards), (SELECT COUNT(*) FROM accesses)",
        kek,
    )
    assert row is not None, "counting answers a row"
    keys, behind, uses, cards, accesses = map(_int, row)
    return keys, behind, uses, cards, accesses


def _key(row: Row) -> SealingKey:
    return SealingKey(
        merchant=MerchantId(str(row[0])),
        kind=str(row[1]),
        version=_int(row[2]),
        created=Instant(_int(row[3])),
        uses=_int(row[4]),
        kek=_int(row[5]),
        wrapped=_bytes(row[6]),
    )


def _card(row: Row) -> SealedNumber:
    kept = KeptNumber(CardToken(str(row[1])), str(row[2]), str(row[3]), str(row[4]))
    return SealedNumber(MerchantId(str(row[0])), kept, _int(row[5]), _bytes(row[6]))


def _int(value: object) -> int:
    assert isinstance(value, int), "a number column holds integers"
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes), "what is sealed is bytes"
    return value
