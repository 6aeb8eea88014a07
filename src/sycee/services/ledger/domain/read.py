"""Answers from the books as they stand."""

from __future__ import annotations

from bisect import bisect_right

from msgspec.structs import replace

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    Account,
    Accounts,
    BalancesAt,
    Change,
    ChangeKind,
    Changes,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Transfer,
    Transfers,
    TrialBalance,
    TrialBalanceLine,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.bits import (
    CLOSED,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    PENDING,
    POST_PENDING,
    RESOLVING,
)
from sycee.services.ledger.domain.books import (
    CHANGE_BITS,
    EXPIRED_CHANGE,
    OPENED_CHANGE,
    Book,
    Books,
)


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


def balances_at(books: Books, query: BalancesAt) -> Accounts:
    """Accounts as they stood right after an instant."""
    found = (books.accounts.get(account) for account in query.ids)
    at = query.timestamp
    return Accounts(
        tuple(
            _account_at(books, book, at)
            for book in found
            if book is not None and book.timestamp <= at
        )
    )


def _account_at(books: Books, book: Book, at: int) -> Account:
    past = Book(book.account)
    unresolved: dict[int, tuple[int, Transfer]] = {}
    for position in book.positions:
        transfer = books.transfers.at(position)
        if transfer.timestamp > at:
            break
        if transfer.flags & PENDING:
            unresolved[transfer.id] = position, transfer
        else:
            unresolved.pop(transfer.pending_id, None)
        if not transfer.flags & (PENDING | RESOLVING) or transfer.flags & POST_PENDING:
            _add_posted(past, transfer)
    for position, transfer in unresolved.values():
        if not 0 < books.expired_at.get(position, 0) <= at:
            _add_pending(past, transfer)
    return _account(past)


def _add_posted(book: Book, transfer: Transfer) -> None:
    if transfer.debit_account_id == book.account.id:
        book.debits_posted += transfer.amount
    else:
        book.credits_posted += transfer.amount


def _add_pending(book: Book, transfer: Transfer) -> None:
    is_debit = transfer.debit_account_id == book.account.id
    if is_debit:
        book.debits_pending += transfer.amount
    else:
        book.credits_pending += transfer.amount
    if transfer.flags & (CLOSING_DEBIT if is_debit else CLOSING_CREDIT):
        book.flags |= CLOSED


def list_changes(books: Books, query: ListChanges) -> Changes:
    """All that was recorded after a sequence number."""
    first = max(query.after, 0)
    wanted = books.changes[first : first + max(query.limit, 0)]
    return Changes(
        tuple(_change(books, first + place, change) for place, change in enumerate(wanted, 1))
    )


def _change(books: Books, sequence: int, change: int) -> Change:
    number, kind = change >> CHANGE_BITS, change & ((1 << CHANGE_BITS) - 1)
    if kind == OPENED_CHANGE:
        account = books.opened[number].account
        return Change(sequence, ChangeKind.ACCOUNT_OPENED, account.timestamp, account=account)
    transfer = books.transfers.at(number)
    if kind == EXPIRED_CHANGE:
        expired_at = books.expired_at[number]
        return Change(sequence, ChangeKind.TRANSFER_EXPIRED, expired_at, transfer=transfer)
    return Change(sequence, ChangeKind.TRANSFER_RECORDED, transfer.timestamp, transfer=transfer)
