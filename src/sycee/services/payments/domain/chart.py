"""The chart of accounts, and how each step of a payment is written into the books.

Accounts are kept per merchant, mode (live or test) and currency, those of rails and of the platform
per mode and currency. Ids are derived from these words, so nothing needs to be looked up.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import msgspec

from sycee.kernel.ids import derived_number
from sycee.kernel.money import Currency, numeric_code
from sycee.kernel.u128 import U128
from sycee.services.identity.contract import MerchantId
from sycee.services.ledger.contract import (
    Account,
    AccountFlags,
    AccountId,
    Transfer,
    TransferFlags,
    TransferId,
)
from sycee.services.payments.domain.attempts import FIRST_STEPS, Attempt, Kind

_CHARTS_MAX = 10_000


class AccountCode(IntEnum):
    """What an account counts: ``Account.code``."""

    SETTLEMENT = 1
    """What a rail owes the platform."""
    CLEARING = 2
    """What payers have authorized; empty but for what is pending."""
    PENDING = 3
    """What a merchant has earned and cannot have yet."""
    AVAILABLE = 4
    """What a merchant can have."""
    FEES = 5
    """What the platform has earned."""
    REFUNDS = 6
    """What is on its way back to payers; empty but for what is pending."""
    DISPUTES = 7
    """What disputes hold back of a merchant's money."""


class TransferCode(IntEnum):
    """Why money moves: ``Transfer.code``."""

    AUTHORIZATION = 1
    SALE = 2
    FEE = 3
    REFUND = 4
    REPAYMENT = 5
    MATURING = 6
    DISPUTE = 7
    DISPUTE_FEE = 8
    DISPUTE_WON = 9
    DISPUTE_LOST = 10


class Chart(msgspec.Struct, frozen=True):
    """The accounts of one merchant in one mode and currency, over one rail."""

    ledger: int
    settlement: AccountId
    clearing: AccountId
    pending: AccountId
    available: AccountId
    fees: AccountId
    refunds: AccountId
    disputes: AccountId


@lru_cache(_CHARTS_MAX)
def chart(merchant: MerchantId, livemode: bool, currency: Currency, rail: str) -> Chart:
    """Where the money of these four is counted."""
    mode = "live" if livemode else "test"

    def account(code: AccountCode, owner: str) -> AccountId:
        return AccountId(U128(derived_number("account", code.name, owner, mode, currency)))

    return Chart(
        ledger=numeric_code(currency),
        settlement=account(AccountCode.SETTLEMENT, rail),
        clearing=account(AccountCode.CLEARING, merchant),
        pending=account(AccountCode.PENDING, merchant),
        available=account(AccountCode.AVAILABLE, merchant),
        fees=account(AccountCode.FEES, "platform"),
        refunds=account(AccountCode.REFUNDS, merchant),
        disputes=account(AccountCode.DISPUTES, merchant),
    )


def accounts(of: Chart) -> tuple[Account, ...]:
    """The accounts as they are opened.

    Clearing, refunds and disputes only pass money on, so the ledger itself refuses to let more out
    of them than came in. A merchant's accounts may fall below zero: fees stay when a payment is
    refunded.
    """
    limited = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
    free = AccountFlags.NONE
    return tuple(
        Account(id, of.ledger, int(code), int(flags))
        for id, code, flags in (
            (of.settlement, AccountCode.SETTLEMENT, free),
            (of.clearing, AccountCode.CLEARING, limited),
            (of.pending, AccountCode.PENDING, free),
            (of.available, AccountCode.AVAILABLE, free),
            (of.fees, AccountCode.FEES, free),
            (of.refunds, AccountCode.REFUNDS, limited),
            (of.disputes, AccountCode.DISPUTES, limited),
        )
    )


def chart_of(attempt: Attempt) -> Chart:
    """Where an attempt's money is counted."""
    return chart(
        attempt.merchant, attempt.livemode, attempt.amount.currency, attempt.method.card.rail
    )


def reservation(attempt: Attempt) -> tuple[Transfer, ...]:
    """What is reserved before the rail is asked; nothing when going on with an authorization."""
    books = chart_of(attempt)
    if attempt.kind in FIRST_STEPS:
        debit, credit, code = books.settlement, books.clearing, TransferCode.AUTHORIZATION
    elif attempt.kind is Kind.REFUND:
        source = books.available if attempt.from_available else books.pending
        debit, credit, code = source, books.refunds, TransferCode.REFUND
    else:
        return ()
    reserved = _move(attempt, "reserve", debit, credit, attempt.amount.minor, code)
    return (msgspec.structs.replace(reserved, flags=int(TransferFlags.PENDING)),)


def completion(attempt: Attempt) -> tuple[Transfer, ...]:
    """What is recorded, together or not at all, when the rail has done what was asked."""
    if attempt.kind is Kind.AUTHORIZE:
        return ()
    if attempt.kind is Kind.VOID:
        return (_resolve(attempt, "void", _reserved(attempt), TransferFlags.VOID_PENDING),)
    return chained(_refunded(attempt) if attempt.kind is Kind.REFUND else _taken(attempt))


def release(attempt: Attempt) -> tuple[Transfer, ...]:
    """What is recorded when the rail has done nothing."""
    if not reservation(attempt):
        return ()
    return (_resolve(attempt, "void", reserve_id(attempt.id), TransferFlags.VOID_PENDING),)


def maturing(id: str, of: Chart, net_minor: int) -> tuple[Transfer, ...]:
    """Money that has waited long enough moves to available; a debt moves as well."""
    if net_minor == 0:
        return ()
    debit, credit = of.pending, of.available
    if net_minor < 0:
        debit, credit = credit, debit
    transfer = Transfer(
        step_id(id, "mature"), debit, credit, U128(abs(net_minor)), of.ledger, TransferCode.MATURING
    )
    return (transfer,)


def left_minor(account: Account) -> int:
    """What a merchant's account holds, less what is on its way out."""
    return int(account.credits_posted) - int(account.debits_posted) - int(account.debits_pending)


def reserve_id(attempt: str) -> TransferId:
    """The transfer that reserves an attempt's amount."""
    return step_id(attempt, "reserve")


def step_id(subject: str, step: str) -> TransferId:
    """The transfer of one step of an attempt or a maturing; always the same."""
    return TransferId(U128(derived_number(subject, step)))


def _reserved(attempt: Attempt) -> TransferId:
    """The reservation that an attempt resolves when it is done."""
    if attempt.held_by is not None:
        return step_id(attempt.held_by, "hold")
    own = attempt.kind in FIRST_STEPS or attempt.kind is Kind.REFUND
    return reserve_id(attempt.id if own else attempt.original or "")


def _taken(attempt: Attempt) -> list[Transfer]:
    books, minor = chart_of(attempt), attempt.amount.minor
    sale = _move(attempt, "sale", books.clearing, books.pending, minor, TransferCode.SALE)
    steps = [_post(attempt), sale]
    if attempt.fee_minor:
        fee = attempt.fee_minor
        steps.append(_move(attempt, "fee", books.pending, books.fees, fee, TransferCode.FEE))
    if attempt.rest_minor:
        steps.append(_held(attempt))
    return steps


def _held(attempt: Attempt) -> Transfer:
    """What a capture leaves is reserved anew: the ledger resolves a reservation once."""
    books, code = chart_of(attempt), TransferCode.AUTHORIZATION
    rest = _move(attempt, "hold", books.settlement, books.clearing, attempt.rest_minor, code)
    return msgspec.structs.replace(rest, flags=int(TransferFlags.PENDING))


def _refunded(attempt: Attempt) -> list[Transfer]:
    books, minor = chart_of(attempt), attempt.amount.minor
    code = TransferCode.REPAYMENT
    return [
        _post(attempt),
        _move(attempt, "repay", books.refunds, books.settlement, minor, code),
    ]


def _post(attempt: Attempt) -> Transfer:
    resolved = _resolve(attempt, "post", _reserved(attempt), TransferFlags.POST_PENDING)
    return msgspec.structs.replace(resolved, amount=U128(attempt.amount.minor))


def _resolve(attempt: Attempt, step: str, pending: TransferId, how: TransferFlags) -> Transfer:
    return Transfer(
        step_id(attempt.id, step), flags=int(how), pending_id=pending, user_data_64=attempt.number
    )


def _move(
    attempt: Attempt, step: str, debit: AccountId, credit: AccountId, minor: int, code: TransferCode
) -> Transfer:
    return Transfer(
        step_id(attempt.id, step),
        debit,
        credit,
        U128(minor),
        chart_of(attempt).ledger,
        int(code),
        user_data_64=attempt.number,
    )


def chained(steps: list[Transfer]) -> tuple[Transfer, ...]:
    """The transfers, to be recorded together or not at all."""
    linked = int(TransferFlags.LINKED)
    return (
        *(msgspec.structs.replace(step, flags=step.flags | linked) for step in steps[:-1]),
        steps[-1],
    )
