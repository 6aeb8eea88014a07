"""The outbox of a database as rows: what was published, and how far each consumer has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sycee.runtime.database import Row, Session
from sycee.runtime.host import Message

TRIMMED_AT_ONCE = 500
"""Rows deleted in one unit of work: few enough not to be felt by its neighbours."""


class Entry(NamedTuple):
    """An event in its outbox."""

    seq: int
    message: Message


class Cursor(NamedTuple):
    """How far a consumer has come, with what it must know of the other side."""

    position: int
    mark: str = ""


START = Cursor(0)


def head(session: Session) -> int:
    """The number of the latest event, 0 when there is none."""
    return _number(session.row("SELECT MAX(seq) FROM outbox"))


def entries(session: Session, after: int, upto: int, limit: int) -> Sequence[Entry]:
    """Events of all topics, in order."""
    rows = session.rows(
        "SELECT seq, topic, key, payload FROM outbox WHERE seq > ? AND seq <= ?"
        " ORDER BY seq LIMIT ?",
        after,
        upto,
        limit,
    )
    return [_entry(row) for row in rows]


def entries_of(session: Session, topic: str, after: int, upto: int, limit: int) -> Sequence[Entry]:
    """Events of one topic, in order."""
    rows = session.rows(
        "SELECT seq, topic, key, payload FROM outbox WHERE seq > ? AND seq <= ? AND topic = ?"
        " ORDER BY seq LIMIT ?",
        after,
        upto,
        topic,
        limit,
    )
    return [_entry(row) for row in rows]


def cursor(session: Session, consumer: str) -> Cursor:
    """How far a consumer had come when that was last written down."""
    row = session.row("SELECT position, mark FROM outbox_cursor WHERE consumer = ?", consumer)
    if row is None:
        return START
    position, mark = row
    assert isinstance(position, int), "a number column holds integers"
    return Cursor(position, str(mark))


def keep_cursors(session: Session, cursors: Mapping[str, Cursor]) -> None:
    """Write down how far consumers have come."""
    for consumer, (position, mark) in cursors.items():
        session.run(
            "INSERT INTO outbox_cursor (consumer, position, mark) VALUES (?, ?, ?)"
            " ON CONFLICT (consumer) DO UPDATE SET position = excluded.position,"
            " mark = excluded.mark",
            consumer,
            position,
            mark,
        )


def trim(session: Session, upto: int) -> int:
    """Delete a slice of the oldest events up to ``upto``; how many went."""
    return session.run(
        "DELETE FROM outbox WHERE seq <= ? AND seq < (SELECT MIN(seq) FROM outbox) + ?",
        upto,
        TRIMMED_AT_ONCE,
    )


def _entry(row: Row) -> Entry:
    seq, topic, key, payload = row
    assert isinstance(seq, int), "a number column holds integers"
    assert isinstance(payload, bytes), "a payload is bytes"
    return Entry(seq, Message(str(topic), str(key), payload))


def _number(row: Row | None) -> int:
    return row[0] if row and isinstance(row[0], int) else 0
