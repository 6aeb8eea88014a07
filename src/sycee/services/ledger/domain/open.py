"""Opening an account: the rules in order of precedence."""

from __future__ import annotations

from msgspec.structs import replace

from sycee.kernel.u128 import U128_MAX
from sycee.services.ledger.contract import Account
from sycee.services.ledger.contract import CreateAccountResult as Code
from sycee.services.ledger.domain.bits import ACCOUNT_IMPORTED, ACCOUNT_RESERVED, LIMITED
from sycee.services.ledger.domain.books import Books


def open_account(books: Books, account: Account, at: int) -> Code:
    """Open an account at nanosecond ``at``, or say why not."""
    if account.flags & ACCOUNT_RESERVED:
        return Code.RESERVED_FLAG
    if account.id == 0:
        return Code.ID_MUST_NOT_BE_ZERO
    if account.id == U128_MAX:
        return Code.ID_MUST_NOT_BE_INT_MAX
    book = books.accounts.get(account.id)
    if book is not None:
        return _repeated(account, replace(book.account, flags=book.flags))
    if code := _misshapen(account):
        return code
    if account.flags & ACCOUNT_IMPORTED:
        if _regresses(books, account.timestamp):
            return Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
        at = account.timestamp
    books.open(replace(account, timestamp=at))
    return Code.OK


def _repeated(account: Account, existing: Account) -> Code:
    if account.flags != existing.flags:
        return Code.EXISTS_WITH_DIFFERENT_FLAGS
    if account.user_data_128 != existing.user_data_128:
        return Code.EXISTS_WITH_DIFFERENT_USER_DATA_128
    if account.user_data_64 != existing.user_data_64:
        return Code.EXISTS_WITH_DIFFERENT_USER_DATA_64
    if account.user_data_32 != existing.user_data_32:
        return Code.EXISTS_WITH_DIFFERENT_USER_DATA_32
    if account.ledger != existing.ledger:
        return Code.EXISTS_WITH_DIFFERENT_LEDGER
    if account.code != existing.code:
        return Code.EXISTS_WITH_DIFFERENT_CODE
    return Code.EXISTS


def _misshapen(account: Account) -> Code:
    if account.flags & LIMITED == LIMITED:
        return Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if account.debits_pending:
        return Code.DEBITS_PENDING_MUST_BE_ZERO
    if account.debits_posted:
        return Code.DEBITS_POSTED_MUST_BE_ZERO
    if account.credits_pending:
        return Code.CREDITS_PENDING_MUST_BE_ZERO
    if account.credits_posted:
        return Code.CREDITS_POSTED_MUST_BE_ZERO
    if account.ledger == 0:
        return Code.LEDGER_MUST_NOT_BE_ZERO
    if account.code == 0:
        return Code.CODE_MUST_NOT_BE_ZERO
    return Code.OK


def _regresses(books: Books, timestamp: int) -> bool:
    return timestamp <= books.last_account_timestamp() or books.transfers.has_timestamp(timestamp)
