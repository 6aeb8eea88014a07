"""Reads batches in the wire format of Protocol Buffers straight into records.

(protobuf.dev, Encoding.) What a conforming reader takes is taken: unknown fields are skipped, of a
field that comes twice the last one counts. Written in the little of Python that Numba compiles
(``compiled``); what is compiled checks no bounds, so no byte is read before its place was compared
with the end. Interpreted, the same functions work on ``bytes`` and ``bytearray``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sycee.services.ledger.contract.layout import RECORD_BYTES

ENTRIES = 3
"""The table of fields has, for each number: offset, width, and 1 where 64 bits have no sign."""

GOOD = 0
MALFORMED = -1
TOO_MANY = -2

_EVENT = 1 << 3 | 2
"""Tag of the batch's only field: number 1, of known length."""
_VARINT, _FIXED_64, _BYTES, _GROUP, _END_GROUP, _FIXED_32 = range(6)
_SHORT, _LONG = 5, 10
"""Bytes of a varint at most: of a tag or a length, and of a number."""
_TAG_MAX = (1 << 32) - 1
_DEPTH_MAX = 100
"""Groups and messages inside one another, as in the official libraries."""
_NUMBER_BYTES = 16


class Fault(NamedTuple):
    """Why a batch cannot be taken."""

    what: int
    """``MALFORMED``, ``TOO_MANY``, or the sum of 1 << number over the fields that do not fit."""
    event: int
    """Of which event, counted from 0."""


class Writable(Protocol):
    """Bytes that can be set: a ``bytearray``, or an array."""

    def __len__(self) -> int: ...
    def __setitem__(self, place: int, byte: int, /) -> None: ...


def decode(body: Sequence[int], records: Writable, fields: Sequence[int]) -> tuple[int, int]:
    """Read a batch into ``records``: ``GOOD`` and how many events it has, or a ``Fault``."""
    place, events, end = 0, 0, len(body)
    most = len(records) // RECORD_BYTES
    while place < end:
        tag, place = tag_at(body, place, end)
        if tag != _EVENT:
            place = skip(body, place, end, tag, _DEPTH_MAX)
            if place < 0:
                return MALFORMED, events
            continue
        size, place = varint(body, place, end, _SHORT)
        if place < 0 or size > end - place:
            return MALFORMED, events
        if events == most:
            return TOO_MANY, events
        wrong = _event(body, place, place + size, records, events * RECORD_BYTES, fields)
        if wrong != GOOD:
            return wrong, events
        place += size
        events += 1
    return GOOD, events


def _event(
    body: Sequence[int], place: int, end: int, records: Writable, start: int, fields: Sequence[int]
) -> int:
    """Read one event into the record at ``start``; ``GOOD``, or what is wrong."""
    for offset in range(start, start + RECORD_BYTES):
        records[offset] = 0
    wrong = 0
    while place < end:
        tag, place = tag_at(body, place, end)
        number, kind = tag >> 3, tag & 7
        entry = number * ENTRIES if number * ENTRIES < len(fields) else 0
        width, offset = fields[entry + 1], start + fields[entry]
        if width == _NUMBER_BYTES and kind == _BYTES:
            size, place = varint(body, place, end, _SHORT)
            if place < 0 or size > end - place:
                return MALFORMED
            fits = _put_reversed(body, place, size, records, offset)
            place += size
        elif 0 < width < _NUMBER_BYTES and kind == _VARINT:
            value, place = varint(body, place, end, _LONG)
            if place < 0:
                return MALFORMED
            fits = _put(value, records, offset, width, fields[entry + 2] == 1)
        else:
            place = skip(body, place, end, tag, _DEPTH_MAX - 1)
            if place < 0:
                return MALFORMED
            continue
        wrong &= ~(1 << number)
        if not fits:
            wrong |= 1 << number
    return wrong


def _put_reversed(
    body: Sequence[int], place: int, size: int, records: Writable, offset: int
) -> bool:
    """Sixteen big-endian bytes, or none for zero."""
    if size == 0:
        for step in range(_NUMBER_BYTES):
            records[offset + step] = 0
        return True
    if size != _NUMBER_BYTES:
        return False
    for step in range(_NUMBER_BYTES):
        records[offset + step] = body[place + _NUMBER_BYTES - 1 - step]
    return True


def _put(value: int, records: Writable, offset: int, width: int, is_full: bool) -> bool:
    """A number of up to eight bytes; what is negative is one of 64 bits that are all used."""
    for step in range(width):
        records[offset + step] = (value >> (8 * step)) & 0xFF
    if is_full:
        return True
    return value >= 0 and (width == 8 or value >> (8 * width) == 0)


def varint(body: Sequence[int], place: int, end: int, most: int) -> tuple[int, int]:
    """The number at ``place``, as a signed one of 64 bits, and where it ends; ``(0, -1)`` if none.

    Bits beyond the 64th are dropped, as everywhere in Protocol Buffers.
    """
    if place < end and body[place] < 0x80:
        return body[place] & 0x7F, place + 1
    value = 0
    for step in range(min(most, end - place)):
        byte = body[place + step] & 0xFF
        if step == _LONG - 1:
            value -= (byte & 1) << 63
        else:
            value |= (byte & 0x7F) << (7 * step)
        if byte < 0x80:
            return value, place + step + 1
    return 0, -1


def tag_at(body: Sequence[int], place: int, end: int) -> tuple[int, int]:
    """The tag of a field and where it ends; ``(0, -1)`` if none."""
    tag, place = varint(body, place, end, _SHORT)
    return (tag, place) if tag <= _TAG_MAX else (0, -1)


def skip(body: Sequence[int], place: int, end: int, tag: int, depth_max: int) -> int:
    """Where an unknown field ends whose tag was read; -1 when it is malformed."""
    if tag >> 3 == 0:
        return -1
    if tag & 7 != _GROUP:
        return _skip_one(body, place, end, tag & 7)
    inside = [tag >> 3]
    while len(inside) > 0:
        tag, place = tag_at(body, place, end)
        if place < 0:
            return -1
        if tag & 7 == _END_GROUP:
            if tag >> 3 != inside.pop():
                return -1
        elif tag & 7 == _GROUP:
            if len(inside) == depth_max:
                return -1
            inside.append(tag >> 3)
        else:
            place = _skip_one(body, place, end, tag & 7)
            if place < 0:
                return -1
    return place


def _skip_one(body: Sequence[int], place: int, end: int, kind: int) -> int:
    """``skip``, of what is no group."""
    if kind == _VARINT:
        _, place = varint(body, place, end, _LONG)
        return place
    size = -1
    if kind == _FIXED_64:
        size = 8
    elif kind == _FIXED_32:
        size = 4
    elif kind == _BYTES:
        size, place = varint(body, place, end, _SHORT)
    if place < 0 or size < 0 or size > end - place:
        return -1
    return place + size


PARTS = (_event, _put_reversed, _put, varint, tag_at, skip, _skip_one)
"""What ``decode`` calls."""
