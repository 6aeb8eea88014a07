"""Moving an amount between two accounts, at once or pending: the rules in order of precedence."""

from __future__ import annotations

from msgspec.structs import replace

from sycee.kernel.u128 import U128, U128_MAX
from sycee.services.ledger.contract import CreateTransferResult as Code
from sycee.services.ledger.contract import Transfer
from sycee.services.ledger.domain.bits import (
    BALANCING,
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSED,
    CLOSING,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    CREDITS_LIMITED,
    DEBITS_LIMITED,
    IMPORTED,
    PENDING,
    TIMESTAMP_MAX,
    expires_at,
)
from sycee.services.ledger.domain.books import NOT_PENDING, UNRESOLVED, Book, Books

_OK = Code.OK


def move(books: Books, transfer: Transfer, flags: int, at: int) -> Code:
    """Record a transfer that refers to no other, or say why not."""
    if code := _misshapen(transfer, flags):
        return code
    debit = books.accounts.get(transfer.debit_account_id)
    if debit is None:
        return Code.DEBIT_ACCOUNT_NOT_FOUND
    credit = books.accounts.get(transfer.credit_account_id)
    if credit is None:
        return Code.CREDIT_ACCOUNT_NOT_FOUND
    if code := _misplaced(transfer, debit, credit):
        return code
    if flags & IMPORTED:
        if code := _untimely(books, transfer, debit, credit):
            return code
        at = transfer.timestamp
    if code := closed(debit, credit):
        return code
    amount = _balanced(transfer.amount, flags, debit, credit)
    if code := _overflows(flags, amount, debit, credit):
        return code
    if expires_at(at, transfer.timeout_s) > TIMESTAMP_MAX:
        return Code.OVERFLOWS_TIMEOUT
    if code := _exceeds(amount, debit, credit):
        return code
    books.touch(debit, credit)
    _count(amount, flags, debit, credit)
    recorded = replace(transfer, amount=amount, timestamp=at)
    books.record(recorded, UNRESOLVED if flags & PENDING else NOT_PENDING, debit, credit)
    return _OK


def closed(debit: Book, credit: Book) -> Code:
    """Which of two accounts, if any, is closed."""
    if debit.flags & CLOSED:
        return Code.DEBIT_ACCOUNT_ALREADY_CLOSED
    if credit.flags & CLOSED:
        return Code.CREDIT_ACCOUNT_ALREADY_CLOSED
    return _OK


def _misshapen(transfer: Transfer, flags: int) -> Code:
    debit, credit = transfer.debit_account_id, transfer.credit_account_id
    if debit == 0:
        return Code.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if debit == U128_MAX:
        return Code.DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if credit == 0:
        return Code.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if credit == U128_MAX:
        return Code.CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if debit == credit:
        return Code.ACCOUNTS_MUST_BE_DIFFERENT
    if transfer.pending_id != 0:
        return Code.PENDING_ID_MUST_BE_ZERO
    if not flags & PENDING:
        if transfer.timeout_s:
            return Code.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
        if flags & CLOSING:
            return Code.CLOSING_TRANSFER_MUST_BE_PENDING
    if transfer.ledger == 0:
        return Code.LEDGER_MUST_NOT_BE_ZERO
    if transfer.code == 0:
        return Code.CODE_MUST_NOT_BE_ZERO
    return _OK


def _misplaced(transfer: Transfer, debit: Book, credit: Book) -> Code:
    if debit.ledger != credit.ledger:
        return Code.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
    if transfer.ledger != debit.ledger:
        return Code.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
    return _OK


def _untimely(books: Books, transfer: Transfer, debit: Book, credit: Book) -> Code:
    if books.regresses(transfer.timestamp):
        return Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
    if transfer.timestamp <= debit.timestamp:
        return Code.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT
    if transfer.timestamp <= credit.timestamp:
        return Code.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT
    if transfer.timeout_s:
        return Code.IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO
    return _OK


def _balanced(amount: U128, flags: int, debit: Book, credit: Book) -> U128:
    """As much of the amount as leaves a balancing transfer's accounts in balance."""
    if not flags & BALANCING:
        return amount
    room: int = amount
    if flags & BALANCING_DEBIT:
        room = min(room, debit.credits_posted - debit.debits_posted - debit.debits_pending)
    if flags & BALANCING_CREDIT:
        room = min(room, credit.debits_posted - credit.credits_posted - credit.credits_pending)
    return U128(max(room, 0))


def _overflows(flags: int, amount: int, debit: Book, credit: Book) -> Code:
    room = U128_MAX - amount
    if flags & PENDING:
        if debit.debits_pending > room:
            return Code.OVERFLOWS_DEBITS_PENDING
        if credit.credits_pending > room:
            return Code.OVERFLOWS_CREDITS_PENDING
    if debit.debits_posted > room:
        return Code.OVERFLOWS_DEBITS_POSTED
    if credit.credits_posted > room:
        return Code.OVERFLOWS_CREDITS_POSTED
    if debit.debits_pending + debit.debits_posted > room:
        return Code.OVERFLOWS_DEBITS
    if credit.credits_pending + credit.credits_posted > room:
        return Code.OVERFLOWS_CREDITS
    return _OK


def _exceeds(amount: int, debit: Book, credit: Book) -> Code:
    if (
        debit.flags & DEBITS_LIMITED
        and debit.debits_pending + debit.debits_posted + amount > debit.credits_posted
    ):
        return Code.EXCEEDS_CREDITS
    if (
        credit.flags & CREDITS_LIMITED
        and credit.credits_pending + credit.credits_posted + amount > credit.debits_posted
    ):
        return Code.EXCEEDS_DEBITS
    return _OK


def _count(amount: int, flags: int, debit: Book, credit: Book) -> None:
    if flags & PENDING:
        debit.debits_pending += amount
        credit.credits_pending += amount
    else:
        debit.debits_posted += amount
        credit.credits_posted += amount
    if flags & CLOSING_DEBIT:
        debit.flags |= CLOSED
    if flags & CLOSING_CREDIT:
        credit.flags |= CLOSED
