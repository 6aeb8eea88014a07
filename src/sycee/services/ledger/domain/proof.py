"""Proof of the books: every balance is worked out again from the transfers alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sycee.services.ledger.contract import Transfer, TrialBalanceQuery
from sycee.services.ledger.domain.bits import (
    CREDITS_LIMITED,
    DEBITS_LIMITED,
    PENDING,
    POST_PENDING,
    VOID_PENDING,
)
from sycee.services.ledger.domain.books import (
    NOT_PENDING,
    POSTED,
    UNRESOLVED,
    VOIDED,
    Book,
    Books,
)
from sycee.services.ledger.domain.read import trial_balance


class Finding(NamedTuple):
    """One thing that is wrong: which row, and what."""

    row: str
    problem: str


class _Sums:
    """What an account's balances should be."""

    __slots__ = ("credits_pending", "credits_posted", "debits_pending", "debits_posted")

    def __init__(self) -> None:
        self.debits_pending = 0
        self.debits_posted = 0
        self.credits_pending = 0
        self.credits_posted = 0


def findings(books: Books) -> Iterator[Finding]:
    """All that is wrong with the books; nothing when they are right."""
    sums = {account: _Sums() for account in books.accounts}
    for position, status in enumerate(books.transfers.statuses):
        transfer = books.transfers.at(position)
        _add(transfer, status, sums[transfer.debit_account_id], sums[transfer.credit_account_id])
        yield from _wrong_status(books, transfer, status)
    for account, book in books.accounts.items():
        yield from _wrong_balances(account, book, sums[account])
        yield from _wrong_limits(account, book)
    yield from _wrong_ledgers(books)


def _add(transfer: Transfer, status: int, debit: _Sums, credit: _Sums) -> None:
    if status == UNRESOLVED:
        debit.debits_pending += transfer.amount
        credit.credits_pending += transfer.amount
    elif not transfer.flags & (PENDING | VOID_PENDING):
        debit.debits_posted += transfer.amount
        credit.credits_posted += transfer.amount


def _wrong_status(books: Books, transfer: Transfer, status: int) -> Iterator[Finding]:
    row = f"transfer {transfer.id}"
    if bool(transfer.flags & PENDING) != (status != NOT_PENDING):
        yield Finding(row, f"its status {status} does not fit its flags {transfer.flags}")
    if transfer.flags & (POST_PENDING | VOID_PENDING):
        wanted = POSTED if transfer.flags & POST_PENDING else VOIDED
        position = books.transfers.positions.get(transfer.pending_id, -1)
        if position < 0 or books.transfers.statuses[position] != wanted:
            yield Finding(row, f"pending transfer {transfer.pending_id} does not know of it")


def _wrong_balances(account: int, book: Book, sums: _Sums) -> Iterator[Finding]:
    for name in _Sums.__slots__:
        kept, summed = getattr(book, name), getattr(sums, name)
        if kept != summed:
            yield Finding(f"account {account}", f"{name} is {kept}, its transfers say {summed}")


def _wrong_limits(account: int, book: Book) -> Iterator[Finding]:
    debits = book.debits_pending + book.debits_posted
    credits_ = book.credits_pending + book.credits_posted
    if book.flags & DEBITS_LIMITED and debits > book.credits_posted:
        yield Finding(f"account {account}", f"debits {debits} exceed credits {book.credits_posted}")
    if book.flags & CREDITS_LIMITED and credits_ > book.debits_posted:
        yield Finding(
            f"account {account}", f"credits {credits_} exceed debits {book.debits_posted}"
        )


def _wrong_ledgers(books: Books) -> Iterator[Finding]:
    for line in trial_balance(books, TrialBalanceQuery()).lines:
        row = f"ledger {line.ledger}"
        if line.debits_pending != line.credits_pending:
            yield Finding(row, f"pending: {line.debits_pending} is not {line.credits_pending}")
        if line.debits_posted != line.credits_posted:
            yield Finding(row, f"posted: {line.debits_posted} is not {line.credits_posted}")
