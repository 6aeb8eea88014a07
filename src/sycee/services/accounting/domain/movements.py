"""What the ledger's transfers mean to accounts with names: lines of statements, changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from sycee.kernel.clock import Instant
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    NO_METADATA,
    Balance,
    NamedAccount,
    OwnChange,
    OwnChangeKind,
    Side,
    StatementLine,
    Transaction,
    TransactionId,
    TrialTotal,
)
from sycee.services.accounting.contract.accounts import balance_minor
from sycee.services.accounting.domain.chains import VOIDING, StepCode, is_posted
from sycee.services.accounting.domain.chart import CURRENCIES
from sycee.services.ledger.contract import AccountId, Change, ChangeKind, Transfer, TransferId

Names = Mapping[AccountId, NamedAccount]

_CHECKS: Final = frozenset(
    {StepCode.HOLD, StepCode.LOWER, StepCode.UPPER, StepCode.COMPLETE, StepCode.EXHAUSTED}
)
_KINDS: Final = {
    ChangeKind.ACCOUNT_OPENED: OwnChangeKind.ACCOUNT_OPENED,
    ChangeKind.TRANSFER_RECORDED: OwnChangeKind.TRANSFER_RECORDED,
    ChangeKind.TRANSFER_EXPIRED: OwnChangeKind.TRANSFER_EXPIRED,
}


def is_movement(transfer: Transfer) -> bool:
    """Whether a transfer belongs into a statement: it moved something for good."""
    return is_posted(transfer) and transfer.amount > 0


def after(balance: Balance, account: NamedAccount, transfer: Transfer) -> Balance:
    """A balance after a movement of its account."""
    if transfer.debit_account_id == account.id:
        return replace(balance, debits=U128(balance.debits + transfer.amount))
    return replace(balance, credits=U128(balance.credits + transfer.amount))


def line(
    transfer: Transfer,
    account: NamedAccount,
    balance: Balance,
    names: Names,
    transaction: Transaction | None,
) -> StatementLine:
    """A movement as a statement shows it; ``balance`` is the one after it."""
    is_debit = transfer.debit_account_id == account.id
    other = names.get(transfer.credit_account_id if is_debit else transfer.debit_account_id)
    recorded = Instant(transfer.timestamp)
    return StatementLine(
        transfer=transfer.id,
        transaction=transaction.id if transaction else None,
        recorded=recorded,
        effective=Instant(transfer.user_data_64)
        if transaction and transfer.user_data_64
        else recorded,
        side=Side.DEBIT if is_debit else Side.CREDIT,
        amount_minor=transfer.amount,
        debits=balance.debits,
        credits=balance.credits,
        balance=str(balance_minor(account.kind, balance.debits, balance.credits)),
        counterpart=other.name if other else None,
        metadata=transaction.metadata if transaction else NO_METADATA,
    )


def totals(balances: Iterable[Balance]) -> tuple[TrialTotal, ...]:
    """The sums of balances per currency, in order of currency."""
    sums: dict[str, TrialTotal] = {}
    for balance in balances:
        before = sums.get(balance.currency) or TrialTotal(balance.currency, 0, U128(0), U128(0))
        sums[balance.currency] = TrialTotal(
            balance.currency,
            before.accounts + 1,
            U128(before.debits + balance.debits),
            U128(before.credits + balance.credits),
        )
    return tuple(sums[code] for code in sorted(sums))


def own_change(
    change: Change, names: Names, transactions: Mapping[TransferId, TransactionId]
) -> OwnChange | None:
    """A change of the ledger as its owner sees it; None when it is not about an own account."""
    kind, recorded = _KINDS[change.kind], Instant(change.timestamp)
    if change.account is not None:
        account = names.get(change.account.id)
        return OwnChange(change.sequence, kind, recorded, account) if account else None
    transfer = change.transfer
    assert transfer is not None, "a change is about an account or a transfer"
    debit, credit = names.get(transfer.debit_account_id), names.get(transfer.credit_account_id)
    if not (debit or credit) or transfer.code in _CHECKS or not transfer.amount:
        return None
    if transfer.flags & VOIDING:
        kind = OwnChangeKind.TRANSFER_VOIDED
    return OwnChange(
        change.sequence,
        kind,
        recorded,
        transfer=transfer.id,
        transaction=transactions.get(transfer.id),
        debit=debit.name if debit else None,
        credit=credit.name if credit else None,
        amount_minor=transfer.amount,
        currency=CURRENCIES.get(transfer.ledger),
        is_pending=not is_posted(transfer),
    )
