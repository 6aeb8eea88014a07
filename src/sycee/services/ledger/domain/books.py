"""The state: accounts, transfers, what is due to expire; and taking back a broken chain."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from heapq import heappop, heappush
from typing import Final, NamedTuple

from msgspec.structs import replace

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import Account, Transfer, TransferId
from sycee.services.ledger.domain.bits import EXPIRED_ROW, expires_at
from sycee.services.ledger.domain.record import (
    RECORD_BYTES,
    TIMESTAMP,
    TIMESTAMP_OFFSET,
    decode_transfer,
    encode_account,
    encode_transfer,
)

NOT_PENDING: Final = 0
UNRESOLVED: Final = 1
POSTED: Final = 2
VOIDED: Final = 3
EXPIRED: Final = 4
"""What became of a transfer's pending amount."""

OPENED_CHANGE: Final = 0
RECORDED_CHANGE: Final = 1
EXPIRED_CHANGE: Final = 2
CHANGE_BITS: Final = 2
"""A change is kept as ``number << CHANGE_BITS | kind``: the account's or the transfer's number."""

_BURNED: Final = -1
_POSITION_BITS: Final = 40


class Book:
    """One account's page: what it is, its balances, and where its transfers stand."""

    __slots__ = (
        "account",
        "credits_pending",
        "credits_posted",
        "debits_pending",
        "debits_posted",
        "flags",
        "ledger",
        "positions",
        "timestamp",
    )

    def __init__(self, account: Account) -> None:
        self.account = account
        self.ledger = account.ledger
        self.flags = int(account.flags)
        self.timestamp = account.timestamp
        self.debits_pending = 0
        self.debits_posted = 0
        self.credits_pending = 0
        self.credits_posted = 0
        self.positions = array("Q")


class TransferTable:
    """All transfers in order of time, as packed records; and every id that was ever used up."""

    __slots__ = ("_records", "positions", "statuses")

    def __init__(self) -> None:
        self._records = bytearray()
        self.statuses = bytearray()
        self.positions: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.statuses)

    def append(self, transfer: Transfer, record: bytes, status: int) -> int:
        """Store a transfer; its position."""
        position = len(self.statuses)
        self._records += record
        self.statuses.append(status)
        self.positions[transfer.id] = position
        return position

    def at(self, position: int) -> Transfer:
        """The transfer at a position."""
        return decode_transfer(self._records, position * RECORD_BYTES)

    def timestamp_at(self, position: int) -> int:
        """When the transfer at a position was recorded; positions and timestamps grow together."""
        offset = position * RECORD_BYTES + TIMESTAMP_OFFSET
        stamp: int = TIMESTAMP.unpack_from(self._records, offset)[0]
        return stamp

    def last_timestamp(self) -> int:
        """When the latest transfer was recorded; 0 when there is none."""
        return self.timestamp_at(len(self.statuses) - 1) if self.statuses else 0

    def has_timestamp(self, timestamp: int) -> bool:
        """Whether a transfer was recorded at exactly that nanosecond."""
        everywhere = range(len(self.statuses))
        position = bisect_left(everywhere, timestamp, key=self.timestamp_at)
        return position < len(everywhere) and self.timestamp_at(position) == timestamp

    def burn(self, transfer_id: int) -> None:
        """Use up an id without a transfer."""
        self.positions[transfer_id] = _BURNED

    def pop(self) -> Transfer:
        """Forget the latest transfer, whose id must be the latest used up."""
        position = len(self.statuses) - 1
        transfer = self.at(position)
        self.statuses.pop()
        del self._records[position * RECORD_BYTES :]
        self.positions.popitem()
        return transfer


class _Before(NamedTuple):
    """A page as it was before a linked event changed it."""

    book: Book
    flags: int
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int


class Books:
    """Everything the ledger knows. ``timestamp`` is the last one that it gave away; ``rows`` are
    the records of all that the entry of the moment recorded."""

    __slots__ = (
        "_account_timestamps",
        "_before",
        "_due",
        "_first_account",
        "_first_change",
        "_first_row",
        "_first_transfer",
        "_in_chain",
        "_resolved",
        "accounts",
        "changes",
        "expired_at",
        "opened",
        "rows",
        "timestamp",
        "transfers",
    )

    def __init__(self) -> None:
        self.accounts: dict[int, Book] = {}
        self._account_timestamps = array("Q")
        self.transfers = TransferTable()
        self.timestamp = 0
        self.rows = bytearray()
        self.opened: list[Book] = []
        self.changes = array("Q")
        self.expired_at: dict[int, int] = {}
        self._due: list[int] = []
        self._in_chain = False
        self._first_account = 0
        self._first_change = 0
        self._first_row = 0
        self._first_transfer = 0
        self._before: list[_Before] = []
        self._resolved: list[int] = []

    def open(self, account: Account) -> None:
        """Add an account."""
        book = Book(account)
        self.accounts[account.id] = book
        self._account_timestamps.append(account.timestamp)
        self.changes.append(len(self.opened) << CHANGE_BITS | OPENED_CHANGE)
        self.opened.append(book)
        self.rows += encode_account(account)

    def last_account_timestamp(self) -> int:
        """When the latest account was opened; 0 when there is none."""
        return self._account_timestamps[-1] if self._account_timestamps else 0

    def regresses(self, timestamp: int) -> bool:
        """Whether a transfer of that time would not be later than all, or share its nanosecond."""
        stamps = self._account_timestamps
        place = bisect_left(stamps, timestamp)
        taken = place < len(stamps) and stamps[place] == timestamp
        return taken or timestamp <= self.transfers.last_timestamp()

    def record(self, transfer: Transfer, status: int, debit: Book, credit: Book) -> None:
        """Add a transfer to the table and to both accounts' pages; balances are the caller's."""
        record = encode_transfer(transfer)
        position = self.transfers.append(transfer, record, status)
        self.changes.append(position << CHANGE_BITS | RECORDED_CHANGE)
        self.rows += record
        debit.positions.append(position)
        credit.positions.append(position)
        if transfer.timeout_s:
            due = expires_at(transfer.timestamp, transfer.timeout_s)
            heappush(self._due, due << _POSITION_BITS | position)

    def resolve(self, position: int, status: int) -> None:
        """Say what became of a pending transfer."""
        if self._in_chain:
            self._resolved.append(position)
        self.transfers.statuses[position] = status

    def expire(self, position: int, pending: Transfer) -> None:
        """A pending transfer ends by itself, at the next nanosecond."""
        self.timestamp += 1
        self.transfers.statuses[position] = EXPIRED
        self.expired_at[position] = self.timestamp
        self.changes.append(position << CHANGE_BITS | EXPIRED_CHANGE)
        self.rows += encode_transfer(_expiry(pending, self.timestamp))

    def touch(self, debit: Book, credit: Book) -> None:
        """Announce a change of two pages; inside a chain, what they held is kept."""
        if self._in_chain:
            self._before += (_page(debit), _page(credit))

    def next_due(self, timestamp: int) -> int | None:
        """The position of the next unresolved transfer to expire by ``timestamp``, if any."""
        while self._due and self._due[0] >> _POSITION_BITS <= timestamp:
            due, position = divmod(self._due[0], 1 << _POSITION_BITS)
            if self._still_due(position, due):
                return position
            heappop(self._due)
        return None

    def _still_due(self, position: int, due: int) -> bool:
        # A position named here may have been resolved since, or have been taken back with its
        # chain and given to another transfer: neither is searched for in the heap at the time.
        if position >= len(self.transfers) or self.transfers.statuses[position] != UNRESOLVED:
            return False
        transfer = self.transfers.at(position)
        return transfer.timeout_s > 0 and due == expires_at(transfer.timestamp, transfer.timeout_s)

    def begin_chain(self) -> None:
        """From here, remember what it takes to undo."""
        self._in_chain = True
        self._first_account = len(self.accounts)
        self._first_change = len(self.changes)
        self._first_row = len(self.rows)
        self._first_transfer = len(self.transfers)

    def keep_chain(self) -> None:
        """The chain stands: forget how to undo it."""
        self._in_chain = False
        self._before.clear()
        self._resolved.clear()

    def undo_chain(self) -> None:
        """Put everything back as it was when the chain began."""
        for page in reversed(self._before):
            _restore(page)
        for position in self._resolved:
            self.transfers.statuses[position] = UNRESOLVED
        while len(self.transfers) > self._first_transfer:
            transfer = self.transfers.pop()
            self.accounts[transfer.debit_account_id].positions.pop()
            self.accounts[transfer.credit_account_id].positions.pop()
        while len(self.accounts) > self._first_account:
            self.accounts.popitem()
            self._account_timestamps.pop()
            self.opened.pop()
        del self.changes[self._first_change :]
        del self.rows[self._first_row :]
        self.keep_chain()


def _expiry(pending: Transfer, timestamp: int) -> Transfer:
    """The row that tells of an expiry: no id of its own, the pending transfer's as pending id."""
    return replace(
        pending,
        id=TransferId(U128(0)),
        pending_id=pending.id,
        flags=EXPIRED_ROW,
        timestamp=timestamp,
    )


def _page(book: Book) -> _Before:
    return _Before(
        book,
        book.flags,
        book.debits_pending,
        book.debits_posted,
        book.credits_pending,
        book.credits_posted,
    )


def _restore(page: _Before) -> None:
    book = page.book
    book.flags = page.flags
    book.debits_pending = page.debits_pending
    book.debits_posted = page.debits_posted
    book.credits_pending = page.credits_pending
    book.credits_posted = page.credits_posted
