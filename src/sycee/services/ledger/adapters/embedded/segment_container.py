"""The journal in segments: files of zeros, written from front to end, each append synced once."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from sycee.runtime import entropy, logs
from sycee.services.ledger.adapters.embedded.blanks import (
    Beside,
    Blanks,
    blank_name,
    in_thread,
    is_blank_name,
)
from sycee.services.ledger.adapters.embedded.container import ContainerFailed
from sycee.services.ledger.adapters.embedded.disk import SECTOR, Disk
from sycee.services.ledger.adapters.embedded.frame import encode
from sycee.services.ledger.adapters.embedded.owner import Claim, Dispossessed, Owner
from sycee.services.ledger.adapters.embedded.segment import (
    Framed,
    Place,
    Segment,
    begin,
    open_segment,
    place_of,
)
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import BEGINNING, Batch

SEGMENT_BYTES_MIN = 1 << 20
SEGMENT_BYTES_MAX = 64 << 20
"""Each segment is twice the one before, so that a small ledger takes little room."""

_LOCK = "owner.lock"
_SALT_BYTES = 4

log = logs.logger("ledger")


def open_segments(
    disk: Disk,
    segment_bytes_min: int = SEGMENT_BYTES_MIN,
    segment_bytes_max: int = SEGMENT_BYTES_MAX,
    take_entropy: Callable[[int], bytes] = entropy.take,
    beside: Beside = in_thread,
) -> SegmentContainer:
    """Become the owner of the journal in a folder, and read it as far as it is needed.

    Raises ``JournalInUse``, ``JournalDamaged``, or ``OSError``.
    """
    claim = Claim(disk, _LOCK)
    opened: list[Segment] = []
    try:
        valid, void = _sorted_out([place for name in disk.names() if (place := place_of(name))])
        owner = claim.own(max((place.epoch for place in (*valid, *void)), default=0))
        # Looked for once more: until now, a former owner could still begin one.
        valid, void = _sorted_out([place for name in disk.names() if (place := place_of(name))])
        opened += (open_segment(disk, place) for place in valid)
        head = _settled(opened)
        if opened and not opened[-1].sectors:
            void.append(opened[-1].place)
            opened.pop().file.close()
        blanks = Blanks(disk, owner.epoch, (segment_bytes_min, segment_bytes_max), beside)
        container = SegmentContainer(disk, owner, opened, head, blanks, take_entropy)
        _remove(disk, [place.name for place in void], owner.epoch)
    except BaseException:
        for segment in opened:
            segment.file.close()
        claim.release()
        raise
    return container


class SegmentContainer:
    """Keeps ``Container``.

    The owner's first segment begins where the journal of former owners ends; that end is settled
    before, by writing once more what was written last and cutting off what was interrupted.
    """

    def __init__(
        self,
        disk: Disk,
        owner: Owner,
        segments: list[Segment],
        head: Batch,
        blanks: Blanks,
        take_entropy: Callable[[int], bytes],
    ) -> None:
        self._disk = disk
        self._owner = owner
        self._segments = segments
        self._head = head
        self._blanks = blanks
        self._take_entropy = take_entropy
        self._looking = threading.Lock()
        self._failure: str | None = None
        self._begin_segment(0)

    @property
    def head(self) -> Batch:
        return self._head

    @property
    def bytes_on_disk(self) -> int:
        return sum(segment.file.size for segment in self._segments)

    def append(self, batches: Sequence[Batch]) -> None:
        self._check_usable()
        assert batches[0].seq == self._head.seq + 1, "batches come in order"
        try:
            self._owner.check()
            self._write(batches)
            self._owner.check()
        except (OSError, Dispossessed) as fault:
            self._fail(f"the journal could not be written: {fault}")
            raise ContainerFailed(self._failure) from fault
        except BaseException:
            # Whatever it was, nobody knows what is on disk.
            self._fail("the journal could not be written")
            raise
        self._head = batches[-1]._replace(body=b"")

    def batches(self, after: int) -> Iterator[Batch]:
        self._check_usable()
        last = self._head.seq
        for number, segment in enumerate(self._segments):
            until = min(self._last_of(number), last)
            if until > after:
                for framed in segment.frames(until):
                    if framed.batch.seq > after:
                        yield framed.batch

    def hash_at(self, seq: int) -> bytes | None:
        self._check_usable()
        if seq in (BEGINNING.seq, self._head.seq):
            return self._head.hash if seq else BEGINNING.hash
        if not 0 < seq < self._head.seq:
            return None
        return self._holding(seq).header_at(seq).hash

    def read(self, seq: int, offset: int, size: int) -> bytes:
        self._check_usable()
        if not 0 < seq <= self._head.seq:
            raise ValueError(f"there is no batch {seq}")
        return self._holding(seq).read(seq, offset, size)

    def close(self) -> None:
        self._failure = self._failure or "the journal is closed"
        self._blanks.discard()
        for segment in self._segments:
            segment.file.close()
        self._segments.clear()
        self._owner.release()

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise ContainerFailed(self._failure)

    def _fail(self, why: str) -> None:
        self._failure = f"{why}; the ledger must be started again"
        log.fault("journal_failed", batch=self._head.seq + 1)

    def _write(self, batches: Sequence[Batch]) -> None:
        segment = self._segments[-1]
        frames = encode(self._head.hash, batches, segment.salt)
        size = sum(map(len, frames))
        if segment.end + size > self._room:
            self._begin_segment(size)
            segment = self._segments[-1]
            frames = encode(self._head.hash, batches, segment.salt)
        segment.file.write(segment.end, b"".join(frames))
        segment.file.sync()
        for frame in frames:
            segment.sectors.append(segment.end // SECTOR)
            segment.end += len(frame)

    def _begin_segment(self, size: int) -> None:
        """Go on in a new segment, with room for so much."""
        place = Place(self._head.seq + 1, self._owner.epoch)
        salt = int.from_bytes(self._take_entropy(_SALT_BYTES), "big")
        blank = self._blanks.take(SECTOR + size)
        segment = begin(self._disk, blank, self._blanks.name, place, self._head, salt)
        self._room = blank.size
        self._segments.append(segment)
        self._blanks.make_next()

    def _last_of(self, number: int) -> int:
        """The last batch of a segment."""
        if number + 1 < len(self._segments):
            return self._segments[number + 1].place.first - 1
        return self._head.seq

    def _holding(self, seq: int) -> Segment:
        """The segment of a batch, whose frames have been looked at."""
        number = bisect_right(self._segments, seq, key=lambda segment: segment.place.first) - 1
        segment = self._segments[number]
        if seq - segment.place.first >= len(segment.sectors):
            with self._looking:
                segment.look(self._last_of(number))
        return segment


def _settled(segments: Sequence[Segment]) -> Batch:
    """Find the journal's end and make sure that all of it is on disk; the last batch."""
    if segments and segments[0].place.first != 1:
        raise JournalDamaged(f"batch 1 is missing: the first is {segments[0].place.first}")
    return _settled_end(segments[-1]) if segments else BEGINNING


def _settled_end(last: Segment) -> Batch:
    group: list[Framed] = []
    for framed in last.frames(None):
        last.sectors.append(framed.sector)
        group = [*(each for each in group if each.since == framed.since), framed]
    if group:
        # Written, but perhaps never synced; and from now on it will be seen.
        batches = [framed.batch for framed in group]
        previous = last.header_at(batches[0].seq).previous
        last.end = group[0].sector * SECTOR
        for frame in encode(previous, batches, last.salt):
            last.file.write(last.end, frame)
            last.end += len(frame)
    last.file.cut(last.end)
    last.file.sync()
    return group[-1].batch._replace(body=b"") if group else last.before


def _remove(disk: Disk, void: Sequence[str], epoch: int) -> None:
    """Remove what is none of the journal: it came from former owners, too late or unused."""
    for name in disk.names():
        if name in void or (is_blank_name(name) and name != blank_name(epoch)):
            disk.remove(name)


def _sorted_out(places: Sequence[Place]) -> tuple[list[Place], list[Place]]:
    """Segments of the journal in order, and those that are none of it.

    What an owner writes behind the beginning of a later one's first segment, he wrote after he had
    been dispossessed.
    """
    void = {
        place
        for place in places
        for other in places
        if other.epoch > place.epoch and other.first <= place.first
    }
    return sorted(set(places) - void), sorted(void)
