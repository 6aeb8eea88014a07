"""What the simulated acquirer remembers, so that it tells the truth after a crash."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Session
from sycee.services.payments.adapters.rail import Answer, Operation, Order

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


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
