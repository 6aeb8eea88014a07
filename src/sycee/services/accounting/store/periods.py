"""Closed periods, what they cover, and how late it is for back-dating."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.clock import Instant
from sycee.runtime.database import Row, Session
from sycee.services.accounting.contract import Period, TransactionId
from sycee.services.accounting.store.bodies import decoder, encode, number, octets, sql

_period = decoder(Period).decode
_ROWS_MAX = 100


class Closing(msgspec.Struct, frozen=True):
    """A period that is closed, and its seal when it is sealed."""

    number: int
    name: str
    end: Instant
    sealed: Period | None


class Line(msgspec.Struct, frozen=True):
    """One transaction as a seal covers it."""

    transaction: TransactionId
    digest: bytes


def closed_until(session: Session, owner: str) -> int:
    """Nothing may be effective before this instant; 0 when nothing is closed."""
    row = session.row("SELECT MAX(ending) FROM periods WHERE owner = ?", owner)
    return row[0] if row and isinstance(row[0], int) else 0


def close(session: Session, owner: str, number: int, name: str, end: Instant) -> None:
    """From now on nothing more becomes effective before ``end``."""
    session.run(
        "INSERT INTO periods (owner, number, name, ending) VALUES (?, ?, ?, ?)",
        owner,
        number,
        name,
        end,
    )


def last(session: Session, owner: str) -> Closing | None:
    """The latest closed period."""
    return _one(session, "owner = ? ORDER BY number DESC LIMIT 1", owner)


def named(session: Session, owner: str, name: str) -> Closing | None:
    """The closed period of that name."""
    return _one(session, "owner = ? AND name = ?", owner, name)


def numbered(session: Session, owner: str, number: int) -> Closing | None:
    """The closed period of that number."""
    return _one(session, "owner = ? AND number = ?", owner, number)


def _one(session: Session, where: str, *values: str | int) -> Closing | None:
    row = session.row(sql("SELECT number, name, ending, body FROM periods WHERE", where), *values)
    return _closing(row) if row else None


def page(session: Session, owner: str, after: int, limit: int) -> list[Period]:
    """The next sealed periods."""
    rows = session.rows(
        "SELECT body FROM periods WHERE owner = ? AND number > ? AND body IS NOT NULL"
        " ORDER BY number LIMIT ?",
        owner,
        after,
        limit,
    )
    return [_period(octets(row[0])) for row in rows]


def seal(session: Session, owner: str, period: Period, lines: Sequence[Line]) -> None:
    """Keep a seal and what it covers, once."""
    changed = session.run(
        "UPDATE periods SET seal = ?, body = ? WHERE owner = ? AND number = ? AND seal IS NULL",
        bytes.fromhex(period.seal),
        encode(period),
        owner,
        period.number,
    )
    if not changed:
        return
    for first in range(0, len(lines), _ROWS_MAX):
        some = lines[first : first + _ROWS_MAX]
        session.run(
            sql(
                "INSERT INTO sealed (owner, number, place, transaction_id, digest) VALUES",
                ", ".join(["(?, ?, ?, ?, ?)"] * len(some)),
            ),
            *(
                value
                for place, line in enumerate(some, first)
                for value in (owner, period.number, place, line.transaction, line.digest)
            ),
        )


def lines(session: Session, owner: str, number: int, after: int, limit: int) -> list[Line]:
    """The next lines of a seal, from place ``after`` on."""
    rows = session.rows(
        "SELECT transaction_id, digest FROM sealed WHERE owner = ? AND number = ? AND place >= ?"
        " ORDER BY place LIMIT ?",
        owner,
        number,
        after,
        limit,
    )
    return [Line(TransactionId(str(row[0])), octets(row[1])) for row in rows]


def _closing(row: Row) -> Closing:
    sealed = None if row[3] is None else _period(octets(row[3]))
    return Closing(number(row[0]), str(row[1]), Instant(number(row[2])), sealed)
