"""A part of the books in memory: as much of them as a batch can ask about, for the reference rules.

The rules ask about what events name, about what is due, and of imported events also about the last
timestamps and about who has theirs. With all that loaded they answer as over the whole books.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sycee.services.ledger.adapters.postgresql import rows
from sycee.services.ledger.contract import Account, Transfer, Transfers
from sycee.services.ledger.domain.bits import ACCOUNT_IMPORTED, IMPORTED, PENDING
from sycee.services.ledger.domain.books import (
    CHANGE_BITS,
    EXPIRED_CHANGE,
    OPENED_CHANGE,
    Books,
)
from sycee.services.ledger.domain.entry import Call, apply
from sycee.services.ledger.domain.record import encode_transfer


class Questions(NamedTuple):
    """What a batch can ask about."""

    transfers: set[int]
    accounts: set[int]
    timestamps: set[int]
    """Those that imported events claim; with any, the last ones are asked for too."""


class Decided(NamedTuple):
    """What came of a batch: its codes, and the rows to add, in order of sequence."""

    codes: Sequence[Sequence[int]]
    timestamp: int
    sequence: int
    expiries: list[bytes]
    accounts: list[bytes]
    transfers: list[bytes]
    burned: list[bytes]


def questions_of(calls: Sequence[Call]) -> Questions:
    """What must be loaded before the rules can decide."""
    asked = Questions(set(), set(), set())
    for call in calls:
        if isinstance(call.command, Transfers):
            for transfer in call.command.transfers:
                asked.transfers.update((transfer.id, transfer.pending_id))
                asked.accounts.update((transfer.debit_account_id, transfer.credit_account_id))
                if transfer.flags & IMPORTED:
                    asked.timestamps.add(transfer.timestamp)
        else:
            for account in call.command.accounts:
                asked.accounts.add(account.id)
                if account.flags & ACCOUNT_IMPORTED:
                    asked.timestamps.add(account.timestamp)
    return asked


class Excerpt:
    """Books with what was loaded, and what is new in them since."""

    def __init__(
        self,
        accounts: Iterable[Account],
        transfers: Iterable[tuple[Transfer, int]],
        burned: Iterable[int],
    ) -> None:
        self._books = Books()
        for account in sorted(accounts, key=lambda one: one.timestamp):
            self._open(account)
        for transfer, status in sorted(transfers, key=lambda one: one[0].timestamp):
            self._record(transfer, status)
        self._burned = set(burned)
        for number in self._burned:
            self._books.transfers.burn(number)

    def decide(self, begin: int, sequence: int, calls: Sequence[Call]) -> Decided:
        """Apply the rules; what is to be added to the books, numbered after ``sequence``."""
        books = self._books
        known = len(books.changes)
        used = set(books.transfers.positions)
        entry = apply(books, begin, calls)
        decided = Decided(entry.codes, books.timestamp, sequence, [], [], [], [])
        for place, change in enumerate(books.changes[known:], 1):
            self._add(decided, sequence + place, change)
        for number, position in books.transfers.positions.items():
            if position < 0 and number not in used:
                decided.burned.append(rows.id_row(number))
        return decided._replace(sequence=sequence + len(books.changes) - known)

    def _add(self, decided: Decided, sequence: int, change: int) -> None:
        books = self._books
        number, kind = change >> CHANGE_BITS, change & ((1 << CHANGE_BITS) - 1)
        if kind == OPENED_CHANGE:
            decided.accounts.append(rows.account_row(sequence, books.opened[number].account))
        elif kind == EXPIRED_CHANGE:
            pending = books.transfers.at(number)
            decided.expiries.append(rows.expiry_row(sequence, books.expired_at[number], pending))
        else:
            decided.transfers.append(rows.transfer_row(sequence, books.transfers.at(number)))

    def _open(self, account: Account) -> None:
        self._books.open(account)
        book = self._books.accounts[account.id]
        book.debits_pending = account.debits_pending
        book.debits_posted = account.debits_posted
        book.credits_pending = account.credits_pending
        book.credits_posted = account.credits_posted

    def _record(self, transfer: Transfer, status: int) -> None:
        if transfer.flags & PENDING:
            debit = self._books.accounts[transfer.debit_account_id]
            credit = self._books.accounts[transfer.credit_account_id]
            self._books.record(transfer, status, debit, credit)
        else:
            self._books.transfers.append(transfer, encode_transfer(transfer), status)
