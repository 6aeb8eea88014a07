"""A small service's tables, and units of work over them."""

from __future__ import annotations

from collections.abc import Callable

from sycee.runtime.database import Session
from sycee.runtime.database.schema import Schema

SCHEMA = Schema(
    """
CREATE TABLE IF NOT EXISTS pots (
    id TEXT PRIMARY KEY,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    body BYTEA
);

CREATE TABLE IF NOT EXISTS moves (
    pot TEXT NOT NULL REFERENCES pots (id),
    amount BIGINT NOT NULL
);
"""
)


def put(pot: str, amount: int = 1, body: bytes | None = None) -> Callable[[Session], int]:
    """A unit that makes a pot."""

    def unit(session: Session) -> int:
        return session.run(
            "INSERT INTO pots (id, amount, body) VALUES (?, ?, ?)", pot, amount, body
        )

    return unit


def announced(pot: str) -> Callable[[Session], None]:
    """A unit that makes a pot and publishes that."""

    def unit(session: Session) -> None:
        put(pot)(session)
        session.publish("pots", pot, pot.encode())

    return unit


def count(session: Session) -> int:
    """How many pots there are."""
    row = session.row("SELECT COUNT(*) FROM pots")
    assert row is not None and isinstance(row[0], int)
    return row[0]


def names(session: Session) -> list[str]:
    """The pots' names, in order."""
    return [str(row[0]) for row in session.rows("SELECT id FROM pots ORDER BY id")]
