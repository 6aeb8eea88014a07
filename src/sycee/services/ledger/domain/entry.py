"""Journal entries: the calls that were recorded together, as bytes, and what applying them does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Final, TypeAlias

from sycee.kernel.clock import Instant
from sycee.services.ledger.contract import (
    AccountResults,
    Accounts,
    TransferResults,
    Transfers,
)
from sycee.services.ledger.domain.batch import create_accounts, create_transfers
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.record import (
    RECORD_BYTES,
    decode_accounts,
    decode_transfers,
    encode_account,
    encode_transfer,
)
from sycee.services.ledger.domain.resolve import expire

Command: TypeAlias = Accounts | Transfers
Results: TypeAlias = AccountResults | TransferResults

ENGINE_VERSION: Final = 1
"""Which rules the entry was applied by; other rules could give other balances at replay."""

_ACCOUNTS: Final = 1
_TRANSFERS: Final = 2
_COMMAND = Struct(">BI")
"""Kind and number of events; as many records follow."""


class JournalDamaged(Exception):
    """The journal is not what the ledger wrote, or was written by another engine."""


def encode_command(command: Command) -> bytes:
    """One call as bytes; ``FieldOutOfRange`` when a number does not fit its field."""
    if isinstance(command, Transfers):
        transfers = command.transfers
        return _COMMAND.pack(_TRANSFERS, len(transfers)) + b"".join(map(encode_transfer, transfers))
    accounts = command.accounts
    return _COMMAND.pack(_ACCOUNTS, len(accounts)) + b"".join(map(encode_account, accounts))


def encode_entry(commands: Sequence[bytes]) -> bytes:
    """The body of an entry: the engine's version, then the encoded calls."""
    return bytes([ENGINE_VERSION]) + b"".join(commands)


def decode_entry(body: bytes) -> Iterator[Command]:
    """The calls of an entry, in order; ``JournalDamaged`` when it cannot be read exactly."""
    if not body or body[0] != ENGINE_VERSION:
        raise JournalDamaged(f"written by engine version {body[:1].hex() or 'none'}")
    offset = 1
    while offset < len(body):
        kind, count = _COMMAND.unpack(_cut(body, offset, _COMMAND.size))
        offset += _COMMAND.size
        yield _command(kind, _cut(body, offset, count * RECORD_BYTES))
        offset += count * RECORD_BYTES


def _cut(body: bytes, offset: int, size: int) -> bytes:
    part = body[offset : offset + size]
    if len(part) != size:
        raise JournalDamaged("an entry ends early")
    return part


def _command(kind: int, records: bytes) -> Command:
    if kind == _TRANSFERS:
        return Transfers(tuple(decode_transfers(records)))
    if kind == _ACCOUNTS:
        return Accounts(tuple(decode_accounts(records)))
    raise JournalDamaged(f"a call of unknown kind {kind}")


def apply(books: Books, begin: int, commands: Sequence[Command]) -> list[Results]:
    """Apply an entry that begins at nanosecond ``begin``; one answer per call.

    First expires what is due by then; each event follows one nanosecond after the other.
    """
    assert begin > books.timestamp, "time in the books only grows"
    books.timestamp = begin
    expire(books, begin)
    return [_execute(books, command) for command in commands]


def _execute(books: Books, command: Command) -> Results:
    if isinstance(command, Transfers):
        books.timestamp += len(command.transfers)
        codes = create_transfers(books, command.transfers, books.timestamp)
        return TransferResults(tuple(codes), Instant(books.timestamp))
    books.timestamp += len(command.accounts)
    return AccountResults(tuple(create_accounts(books, command.accounts, books.timestamp)))
