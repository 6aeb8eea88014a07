"""How batches lie in a segment: each framed, in whole sectors, so that damage can be told apart.

A disk writes a sector whole or not at all, and a segment is full of zeros before frames are written
to it. So of a write that the power interrupted, some sectors are still zeros; a frame with no zeros
too many, whose hash does not fit, was on disk once and has been damaged since.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

from sycee.services.ledger.adapters.embedded.disk import SECTOR
from sycee.services.ledger.domain.journal import Batch, following

_MAGIC: Final = b"SYCf"
_FRAME = Struct("<4sIQQQII32s32s")
"""Magic, checksum of what follows and of the segment's salt, then ``Header`` in its order."""
_CHECKED = Struct("<QQQII32s32s")
_CHECKSUM_END: Final = _FRAME.size - _CHECKED.size
FRAME_BYTES: Final = _FRAME.size
_ZEROS: Final = bytes(SECTOR)


class Header(NamedTuple):
    """What a frame says of its batch."""

    seq: int
    timestamp: int
    since: int
    """The first batch of those that were written together with this one."""
    length: int
    """Bytes of the body."""
    zeros: int
    """How many sectors of the frame are all zeros, and are meant to be."""
    previous: bytes
    hash: bytes

    @property
    def sectors(self) -> int:
        """How many sectors the frame takes."""
        return -(-(FRAME_BYTES + self.length) // SECTOR)


def encode(previous: bytes, batches: Sequence[Batch], salt: int) -> list[bytes]:
    """The frames of batches that are written together, each in whole sectors."""
    since = batches[0].seq
    frames = []
    for batch in batches:
        padded = _padded(batch.body)
        header = Header(
            batch.seq,
            batch.timestamp,
            since,
            len(batch.body),
            _zeros(padded),
            previous,
            batch.hash,
        )
        checked = _CHECKED.pack(*header)
        start = _MAGIC + crc32(checked, salt).to_bytes(4, "little") + checked
        frames.append(start + padded[FRAME_BYTES:])
        previous = batch.hash
    return frames


def decode_header(found: bytes, salt: int) -> Header | None:
    """The header at the beginning of a sector; None when there is none that is whole."""
    if len(found) < FRAME_BYTES or found[:4] != _MAGIC:
        return None
    checked = found[_CHECKSUM_END:FRAME_BYTES]
    if crc32(checked, salt) != int.from_bytes(found[4:_CHECKSUM_END], "little"):
        return None
    return Header(*_CHECKED.unpack(checked))


def decode_batch(header: Header, frame: bytes) -> Batch | None:
    """The batch of a header; None when its hash does not fit."""
    before = Batch(header.seq - 1, 0, header.previous, b"")
    body = frame[FRAME_BYTES : FRAME_BYTES + header.length]
    batch = following(before, header.timestamp, body)
    return batch if batch.hash == header.hash else None


def is_torn(header: Header, frame: bytes) -> bool:
    """Whether some sector of the frame was never written."""
    return len(frame) < header.sectors * SECTOR or _zeros(frame) > header.zeros


def is_blank(found: bytes) -> bool:
    """Whether nothing was ever written here."""
    return found == bytes(len(found))


def _padded(body: bytes) -> bytes:
    """Room for the header, the body, and zeros up to a whole sector; the room is not all zeros."""
    room = _MAGIC.ljust(FRAME_BYTES, b"\0")
    return b"".join((room, body, bytes(-(FRAME_BYTES + len(body)) % SECTOR)))


def _zeros(frame: bytes) -> int:
    """How many sectors are all zeros."""
    if _ZEROS not in frame:
        return 0
    return sum(frame[at : at + SECTOR] == _ZEROS for at in range(0, len(frame), SECTOR))
