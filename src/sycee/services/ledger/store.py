"""The journal as rows."""

from __future__ import annotations

from functools import partial

from sycee.runtime.database import Database, Row, Session
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Batch, following

PAGE = 32
"""Rows read at once: one may be a megabyte."""


class DatabaseJournal:
    """The journal of an engine whose host gives a database."""

    def __init__(self, database: Database, head: Batch) -> None:
        self._database = database
        self._head = head._replace(body=b"")

    async def append(self, timestamp: int, body: bytes) -> None:
        """Add the next entry, durably."""
        batch = following(self._head, timestamp, body)
        await self._database.write(partial(append, batch=batch))
        self._head = batch._replace(body=b"")


def append(session: Session, batch: Batch) -> None:
    """Add the next batch; the primary key refuses a second writer."""
    session.run(
        "INSERT INTO log (seq, timestamp, hash, body) VALUES (?, ?, ?, ?)",
        batch.seq,
        batch.timestamp,
        batch.hash,
        batch.body,
    )


def page(session: Session, after: int, limit: int = PAGE) -> list[Batch]:
    """The next batches after ``after``, in order; none at the end."""
    rows = session.rows(
        "SELECT seq, timestamp, hash, body FROM log WHERE seq > ? ORDER BY seq LIMIT ?",
        after,
        limit,
    )
    return [_batch(row) for row in rows]


def last_seq(session: Session) -> int:
    """How many batches there are, when none is missing."""
    row = session.row("SELECT MAX(seq) FROM log")
    return row[0] if row and isinstance(row[0], int) else 0


def _batch(row: Row) -> Batch:
    seq, timestamp, digest, body = row
    if (
        isinstance(seq, int)
        and isinstance(timestamp, int)
        and isinstance(digest, bytes)
        and isinstance(body, bytes)
    ):
        return Batch(seq, timestamp, digest, body)
    raise JournalDamaged(f"batch {seq!r}: a column does not hold what the schema says")
