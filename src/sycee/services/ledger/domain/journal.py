"""The journal: batches chained by hash, and the replay that turns them into books again."""

from __future__ import annotations

from hashlib import sha256
from struct import Struct
from typing import Final, NamedTuple

from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.entry import JournalDamaged, apply, decode_entry

_LINK = Struct(">32sQQ")
"""What the hash covers before the body: the previous hash, seq, timestamp."""


class Batch(NamedTuple):
    """One row of the journal. ``timestamp`` is when it began: the only time that enters the books.

    ``hash`` = SHA-256 of the previous hash, ``seq``, ``timestamp`` and ``body``.
    """

    seq: int
    timestamp: int
    hash: bytes
    body: bytes


BEGINNING: Final = Batch(0, 0, bytes(32), b"")
"""What the first batch follows."""


def following(previous: Batch, timestamp: int, body: bytes) -> Batch:
    """The batch that comes next."""
    seq = previous.seq + 1
    link = _LINK.pack(previous.hash, seq, timestamp)
    return Batch(seq, timestamp, sha256(link + body).digest(), body)


class Replay:
    """Books made from batches, as far as they have been taken in."""

    def __init__(self) -> None:
        self.books = Books()
        self.head = BEGINNING

    def take(self, batch: Batch) -> None:
        """Apply the next batch; ``JournalDamaged`` names it when it is not the next, unharmed, or
        when the rules give other results than those that were recorded."""
        due = self.head.seq + 1
        if batch.seq != due:
            raise JournalDamaged(f"batch {due} is missing: batch {batch.seq} comes in its place")
        if following(self.head, batch.timestamp, batch.body).hash != batch.hash:
            raise JournalDamaged(f"batch {due} is not as it was written: its hash does not fit")
        if batch.timestamp <= self.books.timestamp:
            raise JournalDamaged(f"batch {due} goes back in time")
        try:
            calls = decode_entry(batch.body)
        except JournalDamaged as damage:
            raise JournalDamaged(f"batch {due} cannot be read: {damage}") from damage
        if apply(self.books, batch.timestamp, calls).body != batch.body:
            raise JournalDamaged(f"batch {due} was recorded by other rules: its results differ")
        self.head = batch
