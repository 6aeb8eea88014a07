"""One file of the log: its head, its frames, and where they end."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

from sycee.services.ledger.adapters.embedded.disk import SECTOR, Disk, File
from sycee.services.ledger.adapters.embedded.frame import (
    FRAME_BYTES,
    Header,
    decode_batch,
    decode_header,
    is_blank,
    is_torn,
)
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Batch

_MAGIC: Final = b"SYCEELOG"
_VERSION: Final = 1
_CHECKED = Struct("<IQQIQ32s")
"""Version, epoch, first batch, salt, the timestamp and hash of the batch before the first.

In front of it, magic and a checksum."""
_CHECKED_BEGIN: Final = len(_MAGIC) + 4
_START_BYTES: Final = _CHECKED_BEGIN + _CHECKED.size
_NAME = re.compile(r"(\d{16})-(\d{10})\.log")

Entropy = Callable[[int], bytes]


class Place(NamedTuple):
    """Which part of the journal a segment holds, as its name says.

    Each owner begins a segment of his own, so that what a former one still writes to his last one
    changes nothing.
    """

    first: int
    epoch: int

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.first:016}-{self.epoch:010}.log"


class Framed(NamedTuple):
    """A batch, where its frame begins, and with which others it was written."""

    batch: Batch
    sector: int
    since: int


class Segment:
    """An open segment. ``end`` is where the next frame goes."""

    def __init__(self, place: Place, file: File, salt: int, before: Batch) -> None:
        self.place = place
        self.file = file
        self.salt = salt
        self.before = before
        """What the first batch follows, without its body."""
        self.sectors: array[int] = array("I")
        """Where the frames begin, as far as they have been looked at."""
        self.end = SECTOR

    def header_at(self, seq: int) -> Header:
        """What a batch's frame says."""
        begin = self.sectors[seq - self.place.first] * SECTOR
        header = decode_header(self.file.read(begin, FRAME_BYTES), self.salt)
        if header is None or header.seq != seq:
            raise JournalDamaged(f"batch {seq} is not as it was written")
        return header

    def read(self, seq: int, offset: int, size: int) -> bytes:
        """A part of a batch's body."""
        length = self.header_at(seq).length
        if offset < 0 or size < 0 or offset + size > length:
            raise ValueError(f"batch {seq} has {length} bytes")
        begin = self.sectors[seq - self.place.first] * SECTOR
        return self.file.read(begin + FRAME_BYTES + offset, size)

    def look(self, until: int) -> None:
        """Find where all frames begin, up to a batch that must be there."""
        found = self.file.read(0, self.file.size)
        sectors, at = array("I"), SECTOR
        while len(sectors) <= until - self.place.first:
            header = decode_header(found[at : at + FRAME_BYTES], self.salt)
            if header is None:
                due = self.place.first + len(sectors)
                raise JournalDamaged(f"batch {due} is missing, or not as it was written")
            sectors.append(at // SECTOR)
            at += header.sectors * SECTOR
        self.sectors = sectors

    def frames(self, until: int | None) -> Iterator[Framed]:
        """The batches, each unharmed and after the one before.

        ``until`` is the last one that must be there, whatever follows; without it, the segment is
        the journal's last, and may end in frames that were being written when the power failed.
        Raises ``JournalDamaged``.
        """
        found = self.file.read(0, self.file.size)
        head = self.before
        at = SECTOR
        while until is None or head.seq < until:
            header = decode_header(found[at : at + FRAME_BYTES], self.salt)
            batch = header and _following(head, header, found[at : at + header.sectors * SECTOR])
            if header is None or batch is None:
                break
            yield Framed(batch, at // SECTOR, header.since)
            head = batch
            at += header.sectors * SECTOR
        if until is None and not self._may_end(found, at, head):
            raise JournalDamaged(f"batch {head.seq + 1} is not as it was written")
        if until is not None and head.seq < until:
            raise JournalDamaged(f"batch {head.seq + 1} is missing, or not as it was written")

    def _may_end(self, found: bytes, at: int, head: Batch) -> bool:
        """Whether all that lies behind the head is what an interrupted write leaves."""
        if is_blank(found[at:]):
            return True
        header = decode_header(found[at : at + FRAME_BYTES], self.salt)
        if header is None:
            is_unfinished = is_blank(found[at : at + SECTOR])
        else:
            is_unfinished = is_torn(header, found[at : at + header.sectors * SECTOR])
        return is_unfinished and not self._goes_on(found, at, head)

    def _goes_on(self, found: bytes, at: int, head: Batch) -> bool:
        """Whether something lies there that was written after the head's next had been synced."""
        for begin in range(at, len(found), SECTOR):
            header = decode_header(found[begin : begin + FRAME_BYTES], self.salt)
            if header is not None and header.since > head.seq + 1:
                return True
        return False


def _following(head: Batch, header: Header, frame: bytes) -> Batch | None:
    """The batch of a frame, when it is whole and comes next."""
    if header.seq != head.seq + 1 or header.previous != head.hash:
        return None
    return decode_batch(header, frame)


def place_of(name: str) -> Place | None:
    """What a file's name says; None of a file that is no segment."""
    match = _NAME.fullmatch(name)
    return Place(int(match[1]), int(match[2])) if match else None


def begin(disk: Disk, blank: File, name: str, place: Place, before: Batch, salt: int) -> Segment:
    """Make a blank file the journal's last segment; it is on disk when this returns."""
    stamp, previous = before.timestamp, before.hash
    checked = _CHECKED.pack(_VERSION, place.epoch, place.first, salt, stamp, previous)
    start = _MAGIC + crc32(checked).to_bytes(4, "little") + checked
    blank.write(0, start.ljust(SECTOR, b"\0"))
    blank.sync()
    disk.rename(name, place.name)
    disk.sync()
    return Segment(place, blank, salt, before)


def open_segment(disk: Disk, place: Place) -> Segment:
    """Open a segment; ``JournalDamaged`` when its head is not as it was written."""
    file = disk.open(place.name)
    # What was written when a sync failed may be in memory and not on disk.
    file.sync()
    file.forget()
    start = file.read(0, _START_BYTES)
    checked = start[_CHECKED_BEGIN:]
    if start[:_CHECKED_BEGIN] == _MAGIC + crc32(checked).to_bytes(4, "little"):
        version, epoch, first, salt, stamp, previous = _CHECKED.unpack(checked)
        if (version, first, epoch) == (_VERSION, *place):
            return Segment(place, file, salt, Batch(first - 1, stamp, previous, b""))
    file.close()
    raise JournalDamaged(f"batch {place.first} cannot be read: {place.name} has no sound beginning")
