"""Journals for tests of containers: batches to append, and what must be found of them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from sycee.services.ledger.adapters.embedded.container import Container, ContainerFailed
from sycee.services.ledger.adapters.embedded.disk import SECTOR, Disk
from sycee.services.ledger.adapters.embedded.frame import FRAME_BYTES
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.domain.journal import BEGINNING, Batch, following

SIZES = (1, 134, 408, 409, 512, 700, 2_000, 5_000)
SMALL, LARGE = 2_048, 16_384
"""Bytes of the first segment, and of the largest but for batches that need more."""


def inline(work: Callable[[], None]) -> Callable[[], None]:
    """At once, as if the other thread were the faster one."""
    work()
    return lambda: None


def lazily(work: Callable[[], None]) -> Callable[[], None]:
    """When it is waited for, as if the other thread had slept."""
    return work


def open_in(disk: Disk, dice: Random) -> Container:
    """Small segments on a disk."""
    beside = dice.choice((inline, lazily))
    return open_segments(disk, SMALL, LARGE, dice.randbytes, beside)


def body(dice: Random) -> bytes:
    """Any body, some of them full of zeros, some of what looks like frames."""
    size = dice.choice(SIZES)
    kind = dice.random()
    if kind < 0.2:
        return bytes(size)
    if kind < 0.4:
        return bytes(SECTOR - FRAME_BYTES) + _fake(dice) * (size // SECTOR) + b"x"
    return dice.randbytes(size)


def _fake(dice: Random) -> bytes:
    """A sector that begins as a frame does."""
    return (b"SYCf" + dice.randbytes(100)).ljust(SECTOR, b"\0")


class Truth:
    """What was sent, and how much of it was acknowledged."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.sent: list[Batch] = []
        self.acknowledged = 0

    def next_group(self) -> Sequence[Batch]:
        """Batches to append together."""
        head = self.sent[-1] if self.sent else BEGINNING
        group = []
        for _ in range(self.dice.choice((1, 1, 1, 2, 3))):
            head = following(head, head.timestamp + self.dice.randint(1, 99), body(self.dice))
            group.append(head)
        return group

    def append(self, container: Container) -> None:
        """Append a group; what becomes of it may remain unknown."""
        group = self.next_group()
        self.sent += group
        container.append(group)
        self.acknowledged = len(self.sent)

    def compare(self, container: Container) -> None:
        """All that was acknowledged is there, and nothing that was not sent.

        What is there now stays: from here on it counts as acknowledged.
        """
        found = list(container.batches(0))
        assert found == self.sent[: len(found)], "not what was sent"
        assert len(found) >= self.acknowledged, f"{self.acknowledged - len(found)} are lost"
        head = found[-1] if found else BEGINNING
        assert container.head == head._replace(body=b"")
        self.sent, self.acknowledged = found, len(found)
        for batch in found:
            begin = self.dice.randint(0, len(batch.body))
            size = self.dice.randint(0, len(batch.body) - begin)
            assert container.read(batch.seq, begin, size) == batch.body[begin : begin + size]
            assert container.hash_at(batch.seq) == batch.hash
        half = len(found) // 2
        assert list(container.batches(half)) == found[half:]

    def refused(self, container: Container) -> None:
        """A container that has failed does nothing more."""
        for use in (
            lambda: container.append(self.next_group()),
            lambda: container.read(1, 0, 1),
            lambda: list(container.batches(0)),
            lambda: container.hash_at(1),
        ):
            try:
                use()
            except ContainerFailed:
                continue
            raise AssertionError("a failed container goes on")
