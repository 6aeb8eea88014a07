"""Block lists and judgements as rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain

import msgspec

from sycee.kernel.clock import SECOND_NS, Instant
from sycee.runtime.database import Row, Session
from sycee.services.fraud.contract import (
    BlockEntry,
    Decision,
    Judgement,
    JudgePayment,
    ListKind,
    Reason,
)
from sycee.services.fraud.domain import Tried
from sycee.services.identity.contract import MerchantId

ROWS_MAX = 50
"""Judgements written by one statement."""

_INSERT = (
    "INSERT INTO judgements (attempt, judged, merchant, card, customer, ip, currency, amount,"
    " decision, score, reasons) VALUES"
)

_encode = msgspec.msgpack.Encoder().encode
_decode_reasons = msgspec.msgpack.Decoder(tuple[Reason, ...]).decode


class Judged(msgspec.Struct, frozen=True):
    """A judgement to be written down."""

    query: JudgePayment
    judgement: Judgement
    at: Instant


def add_block(session: Session, entry: BlockEntry) -> BlockEntry:
    """Keep an entry; the one that exists wins."""
    session.run(
        "INSERT INTO blocks (merchant, kind, value, created, note) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (merchant, kind, value) DO NOTHING",
        entry.merchant,
        entry.kind.value,
        entry.value,
        entry.created,
        entry.note,
    )
    row = session.row(
        "SELECT created, note FROM blocks WHERE merchant = ? AND kind = ? AND value = ?",
        entry.merchant,
        entry.kind.value,
        entry.value,
    )
    assert row is not None, "the entry was just written"
    return msgspec.structs.replace(entry, created=_instant(row[0]), note=str(row[1]))


def drop_block(session: Session, merchant: MerchantId, kind: ListKind, value: str) -> bool:
    """Remove an entry; whether it was there."""
    sql = "DELETE FROM blocks WHERE merchant = ? AND kind = ? AND value = ?"
    return session.run(sql, merchant, kind.value, value) > 0


def blocks_of(session: Session, merchant: MerchantId, limit: int) -> tuple[BlockEntry, ...]:
    """A merchant's entries, newest first."""
    rows = session.rows(
        "SELECT kind, value, created, note FROM blocks WHERE merchant = ?"
        " ORDER BY created DESC, kind, value LIMIT ?",
        merchant,
        limit,
    )
    return tuple(
        BlockEntry(merchant, ListKind(row[0]), str(row[1]), _instant(row[2]), str(row[3]))
        for row in rows
    )


def all_blocks(session: Session) -> list[tuple[MerchantId, ListKind, str]]:
    """Every entry of every merchant."""
    rows = session.rows("SELECT merchant, kind, value FROM blocks")
    return [(MerchantId(str(row[0])), ListKind(row[1]), str(row[2])) for row in rows]


def add_judgements(session: Session, batch: Sequence[Judged]) -> None:
    """Write judgements down, each attempt once."""
    for start in range(0, len(batch), ROWS_MAX):
        rows = [_row(judged) for judged in batch[start : start + ROWS_MAX]]
        session.run(_insert(len(rows)), *chain.from_iterable(rows))


def _row(judged: Judged) -> Row:
    query, judgement = judged.query, judged.judgement
    return (
        query.attempt,
        judged.at,
        query.merchant,
        query.card_fingerprint,
        query.customer,
        query.ip,
        query.amount.currency,
        query.amount.minor,
        judgement.decision.value,
        judgement.score,
        _encode(judgement.reasons),
    )


@cache
def _insert(count: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * count)
    return f"{_INSERT} {rows} ON CONFLICT (attempt) DO NOTHING"


def latest_judgements(session: Session, limit: int) -> list[tuple[str, Judgement]]:
    """The latest attempts with their judgements, oldest first."""
    rows = session.rows(
        "SELECT attempt, decision, score, reasons FROM judgements ORDER BY judged DESC LIMIT ?",
        limit,
    )
    return [
        (str(row[0]), Judgement(Decision(row[1]), _int(row[2]), _reasons(row[3])))
        for row in reversed(rows)
    ]


def tried_since(session: Session, since: Instant) -> list[Tried]:
    """What the velocity windows must count again after a start, oldest first."""
    rows = session.rows(
        "SELECT judged / ? AS at_s, merchant, card, customer, ip, currency, COUNT(*),"
        " CAST(SUM(amount) AS BIGINT) FROM judgements WHERE judged >= ?"
        " GROUP BY 1, merchant, card, customer, ip, currency ORDER BY 1",
        SECOND_NS,
        since,
    )
    return [
        Tried(
            at_s=_int(row[0]),
            merchant=MerchantId(str(row[1])),
            card=str(row[2]),
            customer=_text(row[3]),
            ip=_text(row[4]),
            currency=str(row[5]),
            attempts=_int(row[6]),
            amount_minor=_int(row[7]),
        )
        for row in rows
    ]


def _int(value: object) -> int:
    assert isinstance(value, int), "a number column holds integers"
    return value


def _instant(value: object) -> Instant:
    return Instant(_int(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _reasons(value: object) -> tuple[Reason, ...]:
    assert isinstance(value, bytes), "reasons are MessagePack"
    return _decode_reasons(value)
