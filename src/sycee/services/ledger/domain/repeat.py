"""An id that comes again: is it the same transfer, and if not, what differs first."""

from __future__ import annotations

from msgspec.structs import replace

from sycee.kernel.u128 import U128_MAX
from sycee.services.ledger.contract import CreateTransferResult as Code
from sycee.services.ledger.contract import Transfer
from sycee.services.ledger.domain.bits import BALANCING, RESOLVING, VOID_PENDING
from sycee.services.ledger.domain.books import Books


def repeated(books: Books, transfer: Transfer, position: int) -> Code:
    """The answer to a transfer whose id was used up before."""
    if position < 0:
        return Code.ID_ALREADY_FAILED
    existing = books.transfers.at(position)
    if transfer.flags != existing.flags:
        return Code.EXISTS_WITH_DIFFERENT_FLAGS
    if transfer.pending_id != existing.pending_id:
        return Code.EXISTS_WITH_DIFFERENT_PENDING_ID
    if transfer.timeout_s != existing.timeout_s:
        return Code.EXISTS_WITH_DIFFERENT_TIMEOUT
    if existing.flags & RESOLVING:
        pending = books.transfers.at(books.transfers.positions[existing.pending_id])
        return _compared(_as_if_complete(transfer, existing, pending), existing)
    if existing.flags & BALANCING and transfer.amount > existing.amount:
        # The amount of a balancing transfer is a limit: any that allows what was moved will do.
        return _compared(replace(transfer, amount=existing.amount), existing)
    return _compared(transfer, existing)


def _as_if_complete(transfer: Transfer, existing: Transfer, pending: Transfer) -> Transfer:
    """The transfer with all that it leaves to its pending transfer filled in."""
    everything = 0 if existing.flags & VOID_PENDING else U128_MAX
    whole = transfer.amount == everything
    return replace(
        transfer,
        debit_account_id=transfer.debit_account_id or existing.debit_account_id,
        credit_account_id=transfer.credit_account_id or existing.credit_account_id,
        amount=pending.amount if whole else transfer.amount,
        user_data_128=transfer.user_data_128 or pending.user_data_128,
        user_data_64=transfer.user_data_64 or pending.user_data_64,
        user_data_32=transfer.user_data_32 or pending.user_data_32,
        ledger=transfer.ledger or existing.ledger,
        code=transfer.code or existing.code,
    )


def _compared(transfer: Transfer, existing: Transfer) -> Code:
    if transfer.debit_account_id != existing.debit_account_id:
        return Code.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if transfer.credit_account_id != existing.credit_account_id:
        return Code.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    if transfer.amount != existing.amount:
        return Code.EXISTS_WITH_DIFFERENT_AMOUNT
    if transfer.user_data_128 != existing.user_data_128:
        return Code.EXISTS_WITH_DIFFERENT_USER_DATA_128
    if transfer.user_data_64 != existing.user_data_64:
        return Code.EXISTS_WITH_DIFFERENT_USER_DATA_64
    if transfer.user_data_32 != existing.user_data_32:
        return Code.EXISTS_WITH_DIFFERENT_USER_DATA_32
    if transfer.ledger != existing.ledger:
        return Code.EXISTS_WITH_DIFFERENT_LEDGER
    if transfer.code != existing.code:
        return Code.EXISTS_WITH_DIFFERENT_CODE
    return Code.EXISTS
