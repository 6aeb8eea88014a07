"""Posting, voiding and expiring pending transfers: the rules in order of precedence."""

from __future__ import annotations

from msgspec.structs import replace

from sycee.kernel.u128 import U128, U128_MAX
from sycee.services.ledger.contract import CreateTransferResult as Code
from sycee.services.ledger.contract import Transfer
from sycee.services.ledger.domain.bits import (
    BALANCING,
    CLOSED,
    CLOSING,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    IMPORTED,
    PENDING,
    POST_PENDING,
    RESOLVING,
    VOID_PENDING,
    expires_at,
)
from sycee.services.ledger.domain.books import (
    EXPIRED,
    NOT_PENDING,
    POSTED,
    UNRESOLVED,
    VOIDED,
    Book,
    Books,
)
from sycee.services.ledger.domain.move import closed

_OK = Code.OK
_RESOLVED = {
    UNRESOLVED: _OK,
    POSTED: Code.PENDING_TRANSFER_ALREADY_POSTED,
    VOIDED: Code.PENDING_TRANSFER_ALREADY_VOIDED,
    EXPIRED: Code.PENDING_TRANSFER_EXPIRED,
}


def resolve(books: Books, transfer: Transfer, flags: int, at: int) -> Code:
    """Post or void a pending transfer, or say why not."""
    if code := _misshapen(transfer, flags):
        return code
    position = books.transfers.positions.get(transfer.pending_id, -1)
    if position < 0:
        return Code.PENDING_TRANSFER_NOT_FOUND
    pending = books.transfers.at(position)
    if not pending.flags & PENDING:
        return Code.PENDING_TRANSFER_NOT_PENDING
    amount = _resolved_amount(transfer, flags, pending)
    if code := _different(transfer, pending) or _wrong_amount(amount, flags, pending):
        return code
    if code := _ended(books.transfers.statuses[position], pending, at):
        return code
    if flags & IMPORTED:
        if books.regresses(transfer.timestamp):
            return Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        at = transfer.timestamp
    debit = books.accounts[pending.debit_account_id]
    credit = books.accounts[pending.credit_account_id]
    if flags & POST_PENDING and (code := closed(debit, credit)):
        return code
    books.touch(debit, credit)
    _release(pending, debit, credit)
    if flags & POST_PENDING:
        _post(amount, debit, credit)
    else:
        _reopen(pending, debit, credit)
    books.resolve(position, POSTED if flags & POST_PENDING else VOIDED)
    books.record(_completed(transfer, pending, amount, at), NOT_PENDING, debit, credit)
    return _OK


def expire(books: Books, at: int) -> None:
    """Void every pending transfer whose time is up at nanosecond ``at``, the earliest first.

    Each takes the next nanosecond of the books for itself."""
    while (position := books.next_due(at)) is not None:
        pending = books.transfers.at(position)
        debit = books.accounts[pending.debit_account_id]
        credit = books.accounts[pending.credit_account_id]
        _release(pending, debit, credit)
        _reopen(pending, debit, credit)
        books.expire(position, pending)


def _misshapen(transfer: Transfer, flags: int) -> Code:
    if flags & RESOLVING == RESOLVING or flags & (PENDING | BALANCING | CLOSING):
        return Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if transfer.pending_id == 0:
        return Code.PENDING_ID_MUST_NOT_BE_ZERO
    if transfer.pending_id == U128_MAX:
        return Code.PENDING_ID_MUST_NOT_BE_INT_MAX
    if transfer.pending_id == transfer.id:
        return Code.PENDING_ID_MUST_BE_DIFFERENT
    if transfer.timeout_s:
        return Code.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
    return _OK


def _different(transfer: Transfer, pending: Transfer) -> Code:
    if transfer.debit_account_id not in (0, pending.debit_account_id):
        return Code.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID
    if transfer.credit_account_id not in (0, pending.credit_account_id):
        return Code.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID
    if transfer.ledger not in (0, pending.ledger):
        return Code.PENDING_TRANSFER_HAS_DIFFERENT_LEDGER
    if transfer.code not in (0, pending.code):
        return Code.PENDING_TRANSFER_HAS_DIFFERENT_CODE
    return _OK


def _resolved_amount(transfer: Transfer, flags: int, pending: Transfer) -> U128:
    everything = 0 if flags & VOID_PENDING else U128_MAX
    return pending.amount if transfer.amount == everything else transfer.amount


def _wrong_amount(amount: U128, flags: int, pending: Transfer) -> Code:
    if amount > pending.amount:
        return Code.EXCEEDS_PENDING_TRANSFER_AMOUNT
    if flags & VOID_PENDING and amount < pending.amount:
        return Code.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
    return _OK


def _ended(status: int, pending: Transfer, at: int) -> Code:
    if code := _RESOLVED[status]:
        return code
    if pending.timeout_s and expires_at(pending.timestamp, pending.timeout_s) <= at:
        return Code.PENDING_TRANSFER_EXPIRED
    return _OK


def _release(pending: Transfer, debit: Book, credit: Book) -> None:
    debit.debits_pending -= pending.amount
    credit.credits_pending -= pending.amount


def _post(amount: int, debit: Book, credit: Book) -> None:
    debit.debits_posted += amount
    credit.credits_posted += amount


def _reopen(pending: Transfer, debit: Book, credit: Book) -> None:
    if pending.flags & CLOSING_DEBIT:
        debit.flags &= ~CLOSED
    if pending.flags & CLOSING_CREDIT:
        credit.flags &= ~CLOSED


def _completed(transfer: Transfer, pending: Transfer, amount: U128, at: int) -> Transfer:
    return replace(
        transfer,
        debit_account_id=pending.debit_account_id,
        credit_account_id=pending.credit_account_id,
        amount=amount,
        ledger=pending.ledger,
        code=pending.code,
        user_data_128=transfer.user_data_128 or pending.user_data_128,
        user_data_64=transfer.user_data_64 or pending.user_data_64,
        user_data_32=transfer.user_data_32 or pending.user_data_32,
        timestamp=at,
    )
