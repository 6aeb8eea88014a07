"""What the ledger's codes say about a chain: recorded, or which step failed and why."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.services.accounting.contract import (
    BoundExceeded,
    FundsInsufficient,
    NamedAccount,
    TransactionFailed,
)
from sycee.services.accounting.domain.chains import StepCode
from sycee.services.ledger.contract import ALL, AccountId, CreateTransferResult, Transfer

_OK: Final = CreateTransferResult.OK
_BESIDE: Final = (_OK, CreateTransferResult.LINKED_EVENT_FAILED)
_BELOW: Final = CreateTransferResult.EXCEEDS_CREDITS
_ABOVE: Final = CreateTransferResult.EXCEEDS_DEBITS


class Why(Enum):
    """Why a chain failed."""

    LOWER = "lower"
    """An account's credits less debits would be below its bound."""
    UPPER = "upper"
    """They would be above its bound."""
    INCOMPLETE = "incomplete"
    """The sources of a move had too little."""
    CHANGED = "changed"
    """Balances that were read before are others now: try again."""
    OTHER = "other"


class Failure(msgspec.Struct, frozen=True):
    """Why a chain was not recorded. Its transfers never will be, under these ids."""

    why: Why
    account: AccountId
    """Whose bound it is, when it is one."""
    result: str


def failure(
    transfers: Sequence[Transfer], codes: Sequence[int], by_balance: bool
) -> Failure | None:
    """Why a chain failed; None when it is recorded, now or before.

    A chain whose first transfer exists was recorded whole, because chains are.
    """
    if not any(codes) or codes[0] == CreateTransferResult.EXISTS:
        return None
    place = next(place for place, code in enumerate(codes) if code not in _BESIDE)
    transfer, code = transfers[place], codes[place]
    why, account = _why(transfer, code)
    if by_balance and _is_of_first_move(transfers, place):
        why = Why.CHANGED
    return Failure(why, account, CreateTransferResult(code).name.lower())


def _why(transfer: Transfer, code: int) -> tuple[Why, AccountId]:
    debit, credit = transfer.debit_account_id, transfer.credit_account_id
    if transfer.code == StepCode.COMPLETE and code == _BELOW:
        return Why.INCOMPLETE, credit
    if transfer.code == StepCode.LOWER and code == _BELOW:
        # The control account lacks room, or the account itself what it must keep.
        return Why.LOWER, credit if transfer.amount == ALL else debit
    if transfer.code == StepCode.UPPER and code == _ABOVE:
        return Why.UPPER, debit if transfer.amount == ALL else credit
    if code == _BELOW:
        return Why.LOWER, debit
    if code == _ABOVE:
        return Why.UPPER, credit
    return Why.OTHER, debit


def _is_of_first_move(transfers: Sequence[Transfer], place: int) -> bool:
    code = transfers[place].code
    if code == StepCode.EXHAUSTED:
        return True
    first = next((at for at, each in enumerate(transfers) if each.code == StepCode.COMPLETE), -1)
    return place == first


def refusal(failed: Failure, account: NamedAccount | None) -> Refusal:
    """How a failure is told. ``account`` is the one whose bound it is about."""
    facts = {"result": failed.result}
    if failed.why is Why.INCOMPLETE:
        return FundsInsufficient("The sources hold too little together.", facts=facts)
    if account is None or failed.why is Why.OTHER:
        return TransactionFailed(f"The ledger answered {failed.result}.", facts=facts)
    facts["account"] = account.name
    falls = (failed.why is Why.LOWER) != account.kind.grows_by_debits
    if falls:
        text = f"{account.name} would fall below what it must hold in {account.currency}."
        return FundsInsufficient(text, facts=facts)
    text = f"{account.name} would rise above what it may hold in {account.currency}."
    return BoundExceeded(text, facts=facts)
