"""Journal entries: the calls that were recorded together and what came of them, as bytes.

An entry's body is, all numbers little-endian::

    version u8, 3 zero bytes, expired u32, calls u32, events u32, rows u32
    per call     kind u32, events u32
    per event    result code u8
    rows         what was recorded, in order, as records of 128 bytes: first the pending transfers
                 that expired, then accounts and transfers as they are kept
    the rest     events that came to nothing, as records, as they came

So every byte of a record is written once, rows lie one behind the other where a reader finds them
by number, and applying the events again must give the same body, bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from sycee.services.ledger.contract import (
    Accounts,
    Transfers,
)
from sycee.services.ledger.domain.batch import create_accounts, create_transfers
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.record import (
    RECORD_BYTES,
    decode_accounts,
    decode_transfers,
    encode_accounts,
    encode_transfers,
    unstamped,
)
from sycee.services.ledger.domain.resolve import expire

Command: TypeAlias = Accounts | Transfers

ENGINE_VERSION: Final = 2
"""Which rules and which layout an entry has; other rules could give other balances at replay."""

ACCOUNTS: Final = 1
TRANSFERS: Final = 2
"""Kinds of calls."""

HEADER = Struct("<B3x4I")
CALL = Struct("<II")


class JournalDamaged(Exception):
    """The journal is not what the ledger wrote, or was written by another engine."""


class Call(NamedTuple):
    """One call's events: as records, and as they came when they came as Structs."""

    kind: int
    """``ACCOUNTS`` or ``TRANSFERS``."""
    records: bytes
    given: Command | None = None

    @property
    def events(self) -> int:
        """How many."""
        return len(self.records) // RECORD_BYTES

    @property
    def command(self) -> Command:
        """The events as Structs."""
        if self.given is not None:
            return self.given
        if self.kind == TRANSFERS:
            return Transfers(tuple(decode_transfers(self.records)))
        return Accounts(tuple(decode_accounts(self.records)))


class Entry(NamedTuple):
    """What became of calls that were applied together: the codes of each, and the body."""

    codes: Sequence[Sequence[int]]
    body: bytes


def called(command: Command) -> Call:
    """A call from its Struct; ``FieldOutOfRange`` when a number does not fit its field."""
    if isinstance(command, Transfers):
        return Call(TRANSFERS, encode_transfers(command.transfers), command)
    return Call(ACCOUNTS, encode_accounts(command.accounts), command)


def apply(books: Books, begin: int, calls: Sequence[Call]) -> Entry:
    """Apply calls together, beginning at nanosecond ``begin``.

    First expires what is due by then, each expiry taking a nanosecond; then each event takes the
    next one, whatever comes of it.
    """
    assert begin > books.timestamp, "time in the books only grows"
    books.timestamp = begin
    books.rows.clear()
    expire(books, begin)
    expired = len(books.rows) // RECORD_BYTES
    codes = [_execute(books, call) for call in calls]
    return Entry(codes, _body(books, expired, calls, codes))


def _execute(books: Books, call: Call) -> list[int]:
    books.timestamp += call.events
    command = call.command
    if isinstance(command, Transfers):
        return create_transfers(books, command.transfers, books.timestamp)
    return create_accounts(books, command.accounts, books.timestamp)


def _body(books: Books, expired: int, calls: Sequence[Call], codes: list[list[int]]) -> bytes:
    failed = [
        call.records[place * RECORD_BYTES : (place + 1) * RECORD_BYTES]
        for call, results in zip(calls, codes, strict=True)
        for place, code in enumerate(results)
        if code
    ]
    events = sum(map(len, codes))
    rows = len(books.rows) // RECORD_BYTES
    return b"".join(
        (
            HEADER.pack(ENGINE_VERSION, expired, len(calls), events, rows),
            *(CALL.pack(call.kind, call.events) for call in calls),
            *map(bytes, codes),
            books.rows,
            *failed,
        )
    )


class Layout(NamedTuple):
    """Where the parts of a body lie."""

    expired: int
    calls: tuple[tuple[int, int], ...]
    """Kind and number of events of each."""
    codes: bytes
    rows: int
    rows_begin: int
    failed_begin: int


def layout(body: bytes) -> Layout:
    """The parts of a body; ``JournalDamaged`` when they do not fill it exactly."""
    if not body or body[0] != ENGINE_VERSION:
        raise JournalDamaged(f"written by engine version {body[:1].hex() or 'none'}")
    _, expired, count, events, rows = HEADER.unpack(_cut(body, 0, HEADER.size))
    codes_begin = HEADER.size + count * CALL.size
    calls = tuple(CALL.iter_unpack(_cut(body, HEADER.size, count * CALL.size)))
    codes = _cut(body, codes_begin, events)
    rows_begin = codes_begin + events
    failed_begin = rows_begin + rows * RECORD_BYTES
    size = failed_begin + (events - codes.count(0)) * RECORD_BYTES
    if size != len(body) or expired + codes.count(0) != rows or sum(n for _, n in calls) != events:
        raise JournalDamaged("its parts do not fill it")
    return Layout(expired, calls, codes, rows, rows_begin, failed_begin)


def decode_entry(body: bytes) -> list[Call]:
    """The calls of an entry, as they came but for what recording filled in."""
    parts = layout(body)
    row = parts.rows_begin + parts.expired * RECORD_BYTES
    failed = parts.failed_begin
    calls, first = [], 0
    for kind, count in parts.calls:
        if kind not in (ACCOUNTS, TRANSFERS):
            raise JournalDamaged(f"a call of unknown kind {kind}")
        records = bytearray()
        for code in parts.codes[first : first + count]:
            if code:
                records += body[failed : failed + RECORD_BYTES]
                failed += RECORD_BYTES
            else:
                records += unstamped(kind == TRANSFERS, body[row : row + RECORD_BYTES])
                row += RECORD_BYTES
        calls.append(Call(kind, bytes(records)))
        first += count
    return calls


def _cut(body: bytes, offset: int, size: int) -> bytes:
    part = body[offset : offset + size]
    if len(part) != size:
        raise JournalDamaged("an entry ends early")
    return part
