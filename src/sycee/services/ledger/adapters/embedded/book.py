"""The journal as rows of a SQLite database, and which owner may add to it."""

from __future__ import annotations

import sqlite3

from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import BEGINNING, Batch

OWNER = """
CREATE TABLE IF NOT EXISTS log_owner (
    only_row BIGINT PRIMARY KEY CHECK (only_row = 1),
    epoch BIGINT NOT NULL CHECK (epoch > 0)
);
"""
"""Beside the table ``log`` of the ledger's ``schema.sql``."""


def epoch(connection: sqlite3.Connection) -> int:
    """The last owner's; 0 when there was none."""
    row = connection.execute("SELECT epoch FROM log_owner").fetchone()
    return int(row[0]) if row else 0


def own(connection: sqlite3.Connection, mine: int) -> None:
    """Have only this epoch's owner add batches from now on."""
    connection.execute(
        "INSERT INTO log_owner (only_row, epoch) VALUES (1, ?)"
        " ON CONFLICT (only_row) DO UPDATE SET epoch = excluded.epoch",
        (mine,),
    )


def add(connection: sqlite3.Connection, batch: Batch) -> None:
    """Add the next batch; the primary key refuses one that is there."""
    connection.execute("INSERT INTO log (seq, timestamp, hash, body) VALUES (?, ?, ?, ?)", batch)


def head(connection: sqlite3.Connection) -> Batch:
    """The last batch, without its body."""
    row = connection.execute(
        "SELECT seq, timestamp, hash FROM log ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return _batch((*row, b"")) if row else BEGINNING


def batch_at(connection: sqlite3.Connection, seq: int) -> Batch | None:
    """One batch."""
    row = connection.execute(
        "SELECT seq, timestamp, hash, body FROM log WHERE seq = ?", (seq,)
    ).fetchone()
    return _batch(row) if row else None


def hash_at(connection: sqlite3.Connection, seq: int) -> bytes | None:
    """The hash of one batch."""
    row = connection.execute("SELECT hash FROM log WHERE seq = ?", (seq,)).fetchone()
    return row[0] if row and isinstance(row[0], bytes) else None


def part(connection: sqlite3.Connection, seq: int, offset: int, size: int) -> bytes:
    """A part of a body, without the rest of it being read."""
    row = connection.execute("SELECT rowid FROM log WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise ValueError(f"there is no batch {seq}")
    with connection.blobopen("log", "body", row[0], readonly=True) as body:
        if offset < 0 or size < 0 or offset + size > len(body):
            raise ValueError(f"batch {seq} has {len(body)} bytes")
        body.seek(offset)
        return body.read(size)


def _batch(row: tuple[object, ...]) -> Batch:
    seq, timestamp, digest, body = row
    if (
        isinstance(seq, int)
        and isinstance(timestamp, int)
        and isinstance(digest, bytes)
        and isinstance(body, bytes)
    ):
        return Batch(seq, timestamp, digest, body)
    raise JournalDamaged(f"batch {seq!r}: a column does not hold what the schema says")
