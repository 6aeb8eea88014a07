"""A batch: events in order, linked ones together, each with its own nanosecond and result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from sycee.kernel.u128 import U128_MAX
from sycee.services.ledger.contract import (
    TRANSIENT,
    Account,
    CreateAccountResult,
    CreateTransferResult,
    Transfer,
)
from sycee.services.ledger.domain.bits import (
    ACCOUNT_IMPORTED,
    IMPORTED,
    LINKED,
    RESOLVING,
    TIMESTAMP_MAX,
    TRANSFER_RESERVED,
)
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.move import move
from sycee.services.ledger.domain.open import open_account
from sycee.services.ledger.domain.repeat import repeated
from sycee.services.ledger.domain.resolve import resolve

Event = TypeVar("Event", Account, Transfer)


def create_accounts(books: Books, accounts: Sequence[Account], timestamp: int) -> list[int]:
    """Open accounts; the last event of the batch happens at ``timestamp``."""
    return _Batch(_ACCOUNTS, open_account, books, timestamp).run(accounts)


def create_transfers(books: Books, transfers: Sequence[Transfer], timestamp: int) -> list[int]:
    """Record transfers; the last event of the batch happens at ``timestamp``."""
    return _Batch(_TRANSFERS, _create_transfer, books, timestamp).run(transfers)


def _create_transfer(books: Books, transfer: Transfer, at: int) -> CreateTransferResult:
    flags = int(transfer.flags)
    if flags & TRANSFER_RESERVED:
        return CreateTransferResult.RESERVED_FLAG
    if transfer.id == 0:
        return CreateTransferResult.ID_MUST_NOT_BE_ZERO
    if transfer.id == U128_MAX:
        return CreateTransferResult.ID_MUST_NOT_BE_INT_MAX
    position = books.transfers.positions.get(transfer.id)
    if position is not None:
        return repeated(books, transfer, position)
    if flags & RESOLVING:
        return resolve(books, transfer, flags, at)
    return move(books, transfer, flags, at)


class _Kind(NamedTuple):
    """In what the two kinds of events differ."""

    imported: int
    expected: int
    not_expected: int
    out_of_range: int
    must_not_advance: int
    transient: frozenset[CreateTransferResult]


_ACCOUNTS: Final = _Kind(
    ACCOUNT_IMPORTED,
    CreateAccountResult.IMPORTED_EVENT_EXPECTED,
    CreateAccountResult.IMPORTED_EVENT_NOT_EXPECTED,
    CreateAccountResult.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE,
    CreateAccountResult.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE,
    frozenset(),
)
_TRANSFERS: Final = _Kind(
    IMPORTED,
    CreateTransferResult.IMPORTED_EVENT_EXPECTED,
    CreateTransferResult.IMPORTED_EVENT_NOT_EXPECTED,
    CreateTransferResult.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE,
    CreateTransferResult.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE,
    TRANSIENT,
)

_LINKED_EVENT_FAILED: Final = 1
_LINKED_EVENT_CHAIN_OPEN: Final = 2
_TIMESTAMP_MUST_BE_ZERO: Final = 3
"""These are the same for both kinds."""


def _chain_end(events: Sequence[Event], place: int) -> int:
    while place < len(events) and events[place].flags & LINKED:
        place += 1
    return min(place + 1, len(events))


class _Batch(Generic[Event]):
    """What all events of one batch share."""

    __slots__ = ("books", "create", "imported", "kind", "timestamp")

    def __init__(
        self, kind: _Kind, create: Callable[[Books, Event, int], int], books: Books, timestamp: int
    ) -> None:
        self.kind = kind
        self.create: Callable[[Books, Event, int], int] = create
        self.books = books
        self.timestamp = timestamp
        self.imported = False

    def run(self, events: Sequence[Event]) -> list[int]:
        """The results of all events."""
        codes: list[int] = []
        self.imported = bool(events and events[0].flags & self.kind.imported)
        first = self.timestamp - len(events) + 1
        while (place := len(codes)) < len(events):
            if events[place].flags & LINKED:
                codes += self.chain(events[place : _chain_end(events, place)], first + place)
            else:
                codes.append(self.single(events[place], first + place))
        return codes

    def single(self, event: Event, at: int) -> int:
        """The result of an event by itself."""
        code = self._untimely(event) or self.create(self.books, event, at)
        if code:
            self._burn(event, code)
        return code

    def chain(self, events: Sequence[Event], first: int) -> list[int]:
        """The results of linked events: all are recorded, or none is."""
        is_open = events[-1].flags & LINKED
        codes = [_LINKED_EVENT_FAILED] * len(events)
        if is_open:
            codes[-1] = _LINKED_EVENT_CHAIN_OPEN
        self.books.begin_chain()
        for index, event in enumerate(events[:-1] if is_open else events):
            code = self._untimely(event) or self.create(self.books, event, first + index)
            if code:
                self.books.undo_chain()
                self._burn(event, code)
                codes[index] = code
                return codes
        if is_open:
            self.books.undo_chain()
            return codes
        self.books.keep_chain()
        return [0] * len(events)

    def _untimely(self, event: Event) -> int:
        kind = self.kind
        imported = bool(event.flags & kind.imported)
        if imported != self.imported:
            return kind.not_expected if imported else kind.expected
        if not imported:
            return _TIMESTAMP_MUST_BE_ZERO if event.timestamp else 0
        if not 0 < event.timestamp <= TIMESTAMP_MAX:
            return kind.out_of_range
        if event.timestamp >= self.timestamp:
            return kind.must_not_advance
        return 0

    def _burn(self, event: Event, code: int) -> None:
        # Only the event that failed for a passing reason: those that failed with it may come again.
        if code in self.kind.transient:
            self.books.transfers.burn(event.id)
