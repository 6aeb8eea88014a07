"""Transfers in two phases: what is promised, and what became of it."""

from __future__ import annotations

from typing import Final

import msgspec

from sycee.kernel.clock import SECOND_NS, Instant
from sycee.kernel.ids import derived_number
from sycee.kernel.refusal import Refusal
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    TIMEOUT_S_MAX,
    AmountInvalid,
    BoundUnsupported,
    FundsInsufficient,
    HoldTransfer,
    Metadata,
    NamedAccount,
    OwnTransfer,
    TimeInvalid,
    TransactionFailed,
    TransactionId,
    TransferStatus,
)
from sycee.services.accounting.domain import chains, chart
from sycee.services.accounting.domain.canonical import digest, metadata_key
from sycee.services.accounting.domain.chains import StepCode
from sycee.services.accounting.domain.chart import CURRENCIES
from sycee.services.accounting.domain.entries import Refused
from sycee.services.accounting.domain.legs import AMOUNT_MAX
from sycee.services.accounting.domain.movements import Names
from sycee.services.accounting.domain.names import check_account_name, check_transaction_id
from sycee.services.ledger.contract import (
    AccountId,
    CreateTransferResult,
    Transfer,
    TransferFlags,
    TransferId,
)

_VOIDED: Final = (CreateTransferResult.OK, CreateTransferResult.EXISTS)


class Promise(msgspec.Struct, frozen=True):
    """A promise as it is kept, from before the ledger is asked."""

    owner: str
    id: TransactionId
    digest: bytes
    transfer: Transfer
    metadata: Metadata
    refused: Refused | None = None
    """Why the ledger did not take it."""


def check_hold(command: HoldTransfer) -> None:
    """Refuse what is no promise."""
    check_transaction_id(command.id)
    check_account_name(command.debit, "debit")
    check_account_name(command.credit, "credit")
    if not 0 < command.amount_minor <= AMOUNT_MAX:
        text = "An amount is a whole number of minor units, at least 1."
        raise AmountInvalid(text, param="amount_minor")
    if not 0 <= command.timeout_s <= TIMEOUT_S_MAX:
        raise TimeInvalid(f"A timeout is 0 to {TIMEOUT_S_MAX} seconds.", param="timeout_s")


def check_bounds_of(account: NamedAccount, param: str) -> None:
    """Refuse an account whose bounds are not the ledger's own."""
    if account.lower_minor or account.upper_minor:
        text = f"{account.name} has a bound other than zero: move its money in one phase."
        raise BoundUnsupported(text, param=param)


def hold_id(owner: str, id: TransactionId) -> TransferId:
    """The transfer of a promise."""
    return TransferId(U128(derived_number("accounting", owner, "hold", id)))


def void_id(owner: str, id: TransactionId) -> TransferId:
    """The transfer that gives a promise back."""
    return TransferId(U128(derived_number("accounting", owner, "void", id)))


def promise(
    command: HoldTransfer, owner: str, metadata: Metadata, debit: AccountId, credit: AccountId
) -> Promise:
    """A promise between two accounts of the ledger."""
    transfer = Transfer(
        hold_id(owner, command.id),
        debit,
        credit,
        command.amount_minor,
        chart.inner(command.owner, command.currency).ledger,
        int(StepCode.PROMISE),
        int(TransferFlags.PENDING),
        timeout_s=command.timeout_s,
        user_data_128=metadata_key(metadata),
    )
    contents = digest(
        {
            "kind": "hold",
            "debit": command.debit,
            "credit": command.credit,
            "currency": command.currency,
            "amount": str(int(command.amount_minor)),
            "timeout": command.timeout_s,
            "metadata": metadata,
        }
    )
    return Promise(owner, command.id, contents, transfer, metadata)


def posting(promised: Promise, id: TransferId, amount: U128) -> Transfer:
    """The transfer that moves what was promised, or a part of it."""
    return Transfer(
        id,
        amount=amount,
        flags=chains.POSTING,
        pending_id=promised.transfer.id,
        user_data_128=metadata_key(promised.metadata),
    )


def posting_digest(amount: int) -> bytes:
    """What posting says beside its id."""
    return digest({"kind": "post", "amount": str(amount)})


def voiding(promised: Promise) -> Transfer:
    """The transfer that gives a promise back."""
    id = void_id(promised.owner, promised.id)
    return Transfer(id, flags=chains.VOIDING, pending_id=promised.transfer.id)


def is_voided(code: int) -> bool:
    """Whether a promise is given back now."""
    return code in _VOIDED


def hold_refusal(code: int, command: HoldTransfer) -> Refusal | None:
    """Why the ledger did not take a promise."""
    result = CreateTransferResult(code)
    if result in (CreateTransferResult.OK, CreateTransferResult.EXISTS):
        return None
    facts = {"result": result.name.lower()}
    if result in (CreateTransferResult.EXCEEDS_CREDITS, CreateTransferResult.EXCEEDS_DEBITS):
        is_debit = result is CreateTransferResult.EXCEEDS_CREDITS
        facts["account"] = command.debit if is_debit else command.credit
        text = f"{facts['account']} has too little in {command.currency} that is not promised."
        return FundsInsufficient(text, facts=facts)
    return TransactionFailed(f"The ledger answered {facts['result']}.", facts=facts)


def told_before(refused: Refused) -> Refusal:
    """A refusal as it was told the first time."""
    return Refusal.by_code[refused.code](refused.detail, facts=refused.facts)


def status(transfer: Transfer, is_posted: bool, is_voided: bool, now: int) -> TransferStatus:
    """How far a transfer is that the ledger has."""
    if is_posted or not transfer.flags & chains.PENDING:
        return TransferStatus.POSTED
    if is_voided:
        return TransferStatus.VOIDED
    ends = expires(transfer)
    return TransferStatus.EXPIRED if ends and ends <= now else TransferStatus.PENDING


def expires(transfer: Transfer) -> Instant | None:
    """When a recorded promise ends by itself."""
    if not transfer.timeout_s:
        return None
    return Instant(transfer.timestamp + transfer.timeout_s * SECOND_NS)


def is_listed(transfer: Transfer) -> bool:
    """Whether a transfer of an account is its owner's business: promises, and what moved."""
    if transfer.flags & chains.VOIDING:
        return False
    if transfer.flags & chains.PENDING:
        return transfer.code == StepCode.PROMISE
    return transfer.amount > 0


def own_transfer(
    transfer: Transfer,
    id: TransactionId | None,
    names: Names,
    metadata: Metadata,
    stands: TransferStatus,
) -> OwnTransfer:
    """A transfer in its owner's names."""
    debit, credit = names.get(transfer.debit_account_id), names.get(transfer.credit_account_id)
    return OwnTransfer(
        transfer=transfer.id,
        id=id,
        debit=debit.name if debit else None,
        credit=credit.name if credit else None,
        currency=CURRENCIES[transfer.ledger],
        amount_minor=transfer.amount,
        status=stands,
        is_promise=bool(transfer.flags & chains.PENDING),
        recorded=Instant(transfer.timestamp),
        expires=expires(transfer),
        metadata=metadata,
    )
