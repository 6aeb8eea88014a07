"""What keeps the journal's batches on disk: the promise that every log container makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from sycee.services.ledger.domain.journal import Batch


class ContainerFailed(Exception):
    """The disk failed, or another process owns the journal now: this container is at its end.

    What it acknowledged is on disk. Whether the batches in hand are, nobody knows until the journal
    is opened again: a sync that failed is never tried again, since the system may then report
    success of what it has forgotten.
    """


class Container(Protocol):
    """The batches of one journal. One thread appends; others may ``read`` meanwhile."""

    @property
    def head(self) -> Batch:
        """The last batch, without its body; ``BEGINNING`` when there is none."""
        ...

    @property
    def bytes_on_disk(self) -> int:
        """How much the journal takes."""
        ...

    def append(self, batches: Sequence[Batch]) -> None:
        """Add the next batches, in order; returns after they are on disk.

        Raises ``ContainerFailed`` when they may not be, and from then on.
        """
        ...

    def batches(self, after: int) -> Iterator[Batch]:
        """The batches behind ``after``, in order, up to the head as it was when this began.

        Raises ``JournalDamaged``, naming the batch that is not as it was written. Each was checked
        to follow the one before; the first, to follow what it says it follows.
        """
        ...

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of a batch; None when the journal does not reach so far."""
        ...

    def read(self, seq: int, offset: int, size: int) -> bytes:
        """A part of a batch's body, which must have that part. It is not checked by its hash."""
        ...

    def close(self) -> None:
        """Let go of the journal, for the next owner."""
        ...
