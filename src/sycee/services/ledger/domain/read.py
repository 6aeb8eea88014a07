"""Answers from the books as they stand."""

from __future__ import annotations

from bisect import bisect_right

from msgspec.structs import replace

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    Account,
    Accounts,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Transfers,
    TrialBalance,
    TrialBalanceLine,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.books import Book, Books


def lookup_accounts(books: Books, query: LookupAccounts) -> Accounts:
    """The accounts that exist, with their balances."""
    found = (books.accounts.get(account) for account in query.ids)
    return Accounts(tuple(_account(book) for book in found if book is not None))


def _account(book: Book) -> Account:
    return replace(
        book.account,
        flags=book.flags,
        debits_pending=U128(book.debits_pending),
        debits_posted=U128(book.debits_posted),
        credits_pending=U128(book.credits_pending),
        credits_posted=U128(book.credits_posted),
    )


def lookup_transfers(books: Books, query: LookupTransfers) -> Transfers:
    """The transfers that were recorded."""
    table = books.transfers
    positions = (table.positions.get(transfer, -1) for transfer in query.ids)
    return Transfers(tuple(table.at(position) for position in positions if position >= 0))


def list_transfers(books: Books, query: ListTransfers) -> Transfers:
    """One account's transfers after a timestamp."""
    book = books.accounts.get(query.account)
    if book is None:
        return Transfers(())
    table = books.transfers
    first = bisect_right(book.positions, query.after, key=table.timestamp_at)
    wanted = book.positions[first : first + max(query.limit, 0)]
    return Transfers(tuple(table.at(position) for position in wanted))


def trial_balance(books: Books, query: TrialBalanceQuery) -> TrialBalance:
    """The sums of every ledger, or of one."""
    by_ledger: dict[int, list[Book]] = {}
    for book in books.accounts.values():
        if query.ledger in (None, book.ledger):
            by_ledger.setdefault(book.ledger, []).append(book)
    return TrialBalance(tuple(_line(ledger, by_ledger[ledger]) for ledger in sorted(by_ledger)))


def _line(ledger: int, books: list[Book]) -> TrialBalanceLine:
    return TrialBalanceLine(
        ledger=ledger,
        accounts=len(books),
        debits_pending=U128(sum(book.debits_pending for book in books)),
        credits_pending=U128(sum(book.credits_pending for book in books)),
        debits_posted=U128(sum(book.debits_posted for book in books)),
        credits_posted=U128(sum(book.credits_posted for book in books)),
    )
