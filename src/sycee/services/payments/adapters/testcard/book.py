"""What the simulated acquirer remembers, so that it tells the truth after a crash."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.payments.adapters.rail import Answer, Notice, Operation, Order

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode
_decode_notice = msgspec.msgpack.Decoder(Notice).decode


class Entry(msgspec.Struct, frozen=True):
    """An order that arrived, and its answer."""

    operation: Operation
    token: str
    answer: Answer


def enter(session: Session, order: Order, answer: Answer, arrived: Instant) -> Answer:
    """Record an order; when its id is known, the answer is the recorded one."""
    added = session.run(
        "INSERT INTO orders (id, operation, token, original, currency, amount, arrived, answer)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        order.id,
        order.operation.value,
        order.token,
        order.original,
        order.amount.currency,
        order.amount.minor,
        arrived,
        _encode(answer),
    )
    if added:
        return answer
    entry = find(session, order.id)
    assert entry is not None, "the id is taken by an entry"
    return entry.answer


def find(session: Session, order: str) -> Entry | None:
    """What is recorded of an order."""
    row = session.row("SELECT operation, token, answer FROM orders WHERE id = ?", order)
    if row is None:
        return None
    answer = row[2]
    assert isinstance(answer, bytes), "an answer is MessagePack"
    return Entry(Operation(row[0]), str(row[1]), _decode(answer))


def note_set_up(session: Session, token: str) -> None:
    """Remember that the payer agreed to later payments with this card."""
    session.run("INSERT INTO set_up (token) VALUES (?) ON CONFLICT (token) DO NOTHING", token)


def is_set_up(session: Session, token: str) -> bool:
    """Whether the payer agreed to later payments with this card."""
    return session.row("SELECT 1 FROM set_up WHERE token = ?", token) is not None


def untold(session: Session, after: str, limit: int) -> Sequence[Notice]:
    """Notices that are not acknowledged, by id."""
    rows = session.rows(
        "SELECT body FROM notices WHERE is_acknowledged = 0 AND id > ? ORDER BY id LIMIT ?",
        after,
        limit,
    )
    return [_notice(row) for row in rows]


def acknowledge(session: Session, notices: Sequence[str]) -> None:
    """These were heard."""
    for id in notices:
        session.run("UPDATE notices SET is_acknowledged = 1 WHERE id = ?", id)


def tell(session: Session, notice: Notice) -> None:
    """Keep a notice until it is acknowledged; the same one again is nothing new."""
    session.run(
        "INSERT INTO notices (id, is_acknowledged, body) VALUES (?, 0, ?)"
        " ON CONFLICT (id) DO NOTHING",
        notice.id,
        _encode(notice),
    )


def _notice(row: Row) -> Notice:
    body = row[0]
    assert isinstance(body, bytes), "a notice is MessagePack"
    return _decode_notice(body)
