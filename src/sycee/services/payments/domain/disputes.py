"""Disputes: how they begin, what a merchant may say, how they end, and what they move."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money, exponent
from sycee.kernel.refusal import NotFound
from sycee.kernel.u128 import U128
from sycee.services.identity.contract import MerchantId
from sycee.services.ledger.contract import AccountId, Transfer
from sycee.services.payments.contract.disputes import (
    Dispute,
    DisputeId,
    DisputeStateInvalid,
    DisputeStatus,
    Evidence,
)
from sycee.services.payments.contract.intents import BalanceTransaction, Charge
from sycee.services.payments.contract.shared import BalanceTransactionId, ChargeId, PaymentId
from sycee.services.payments.domain import chart
from sycee.services.payments.domain.chart import Chart, TransferCode
from sycee.services.payments.domain.refunds import left_of
from sycee.services.payments.domain.texts import changed_text, check_texts

EVIDENCE_LENGTH_MAX = 150_000
"""Characters of all texts together."""
LONG_TEXT_LENGTH_MAX = 20_000
LONG_TEXTS = (
    "access_activity_log",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "duplicate_charge_explanation",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "uncategorized_text",
)
_LIMITS = dict.fromkeys(LONG_TEXTS, LONG_TEXT_LENGTH_MAX)

_Status = DisputeStatus
_WAITING = frozenset({_Status.NEEDS_RESPONSE, _Status.WARNING_NEEDS_RESPONSE})
_OVER = frozenset({_Status.WON, _Status.LOST, _Status.WARNING_CLOSED})


class Step(IntEnum):
    """What a dispute moves, in the order in which it may."""

    WITHDRAW = 1
    """The amount is held back, and the fee taken."""
    END = 2
    """The amount goes back to the merchant, or to the payer's bank."""


class DisputeMove(msgspec.Struct, frozen=True, array_like=True):
    """Money that a dispute moves: all that must be known for moving it, decided before."""

    id: str
    step: Step
    dispute: DisputeId
    merchant: MerchantId
    livemode: bool
    payment: PaymentId
    charge: ChargeId
    number: int
    """The payment's short number, noted on ledger transfers."""
    rail: str
    amount: Money
    fee_minor: int = 0
    from_available: bool = False
    """Of a withdrawal: the charge's money has moved on to available."""
    is_won: bool = False
    """Of an end: whose the amount is."""


def existing(dispute: Dispute | None, wanted: str) -> Dispute:
    """The dispute, unless it is unknown or foreign."""
    if dispute is None:
        raise NotFound(f"No such dispute: '{wanted}'")
    return dispute


def disputable_minor(charge: Charge, wanted_minor: int | None) -> int:
    """How much of a charge can be disputed: what is wanted, as far as it is left."""
    if charge.status != "succeeded" or not charge.captured:
        return 0
    left_minor = left_of(charge)
    return left_minor if wanted_minor is None else min(wanted_minor, left_minor)


def disputed(charge: Charge, dispute: Dispute) -> Charge:
    """The charge once it is disputed; an inquiry takes nothing."""
    taken_minor = 0 if dispute.is_inquiry else dispute.amount.minor
    return msgspec.structs.replace(
        charge,
        disputed=True,
        amount_disputed_minor=charge.amount_disputed_minor + taken_minor,
    )


def won_back(charge: Charge, dispute: Dispute) -> Charge:
    """The charge after a dispute that was won."""
    return msgspec.structs.replace(
        charge, amount_disputed_minor=charge.amount_disputed_minor - dispute.amount.minor
    )


def first_status(is_inquiry: bool) -> DisputeStatus:
    """Where a dispute begins."""
    return _Status.WARNING_NEEDS_RESPONSE if is_inquiry else _Status.NEEDS_RESPONSE


def is_waiting(dispute: Dispute) -> bool:
    """Whether the merchant may still answer."""
    return dispute.status in _WAITING


def is_over(dispute: Dispute) -> bool:
    """Whether nothing happens to the dispute any more."""
    return dispute.status in _OVER


def check_waiting(dispute: Dispute, now: Instant) -> None:
    """Refuse to answer a dispute that was answered, has lapsed or is over."""
    if not is_waiting(dispute) or now >= dispute.due_by:
        raise DisputeStateInvalid(
            f"The dispute can no longer be answered; its status is {dispute.status.value}.",
            facts={"dispute": dispute.id, "status": dispute.status.value},
        )


def said(before: Evidence, change: Evidence) -> Evidence:
    """The evidence after an update; refuses what is too long."""
    texts = msgspec.structs.asdict(change)
    check_texts(texts, _LIMITS)
    after = {
        name: changed_text(text, texts[name])
        for name, text in msgspec.structs.asdict(before).items()
    }
    together = "".join(text for text in after.values() if text)
    check_texts({"evidence": together}, {"evidence": EVIDENCE_LENGTH_MAX})
    return Evidence(**after)


def submitted(dispute: Dispute) -> Dispute:
    """The dispute once its evidence is on its way to the bank."""
    under_review = _Status.WARNING_UNDER_REVIEW if dispute.is_inquiry else _Status.UNDER_REVIEW
    return msgspec.structs.replace(
        dispute, status=under_review, submissions=dispute.submissions + 1
    )


def ended(dispute: Dispute, is_won: bool) -> Dispute:
    """The dispute at its end; an inquiry is closed whatever the bank thinks of it."""
    status = _Status.WON if is_won else _Status.LOST
    return msgspec.structs.replace(
        dispute, status=_Status.WARNING_CLOSED if dispute.is_inquiry else status
    )


def fee_minor(amount: Money, hundredths: int) -> int:
    """The fee for a dispute in minor units, rounded half up."""
    unit: int = 10 ** exponent(amount.currency)
    return (hundredths * unit + 50) // 100


def move_id(dispute: str, step: Step) -> str:
    """The move of one step of a dispute; always the same, and in the order of the steps."""
    return f"{dispute}.{int(step)}"


def chart_of(move: DisputeMove) -> Chart:
    """Where a move's money is counted."""
    return chart.chart(move.merchant, move.livemode, move.amount.currency, move.rail)


def transfers(move: DisputeMove) -> tuple[Transfer, ...]:
    """What the ledger records of a move, together or not at all."""
    books = chart_of(move)
    if move.step is Step.END:
        target, code = books.settlement, TransferCode.DISPUTE_LOST
        if move.is_won:
            target, code = books.available, TransferCode.DISPUTE_WON
        return (_transfer(move, "end", books.disputes, target, move.amount.minor, code),)
    source = books.available if move.from_available else books.pending
    code = TransferCode.DISPUTE
    steps = [_transfer(move, "withdraw", source, books.disputes, move.amount.minor, code)]
    if move.fee_minor:
        code = TransferCode.DISPUTE_FEE
        steps.append(_transfer(move, "fee", source, books.fees, move.fee_minor, code))
    return chart.chained(steps)


def booked(
    id: BalanceTransactionId, move: DisputeMove, now: Instant, available_on: Instant | None
) -> BalanceTransaction:
    """What a withdrawal or a win changes in the merchant's balance.

    ``available_on`` is when the charge's money moves on, None when the change is available.
    """
    is_withdrawal = move.step is Step.WITHDRAW
    return BalanceTransaction(
        id=id,
        merchant=move.merchant,
        created=now,
        available_on=now if available_on is None else available_on,
        type="adjustment",
        amount=-move.amount if is_withdrawal else move.amount,
        fee_minor=move.fee_minor,
        status="available" if available_on is None else "pending",
        source=move.dispute,
        description=f"Chargeback {'withdrawal' if is_withdrawal else 'reversal'} for {move.charge}",
        reporting_category="dispute" if is_withdrawal else "dispute_reversal",
    )


def _transfer(
    move: DisputeMove,
    step: str,
    debit: AccountId,
    credit: AccountId,
    minor: int,
    code: TransferCode,
) -> Transfer:
    return Transfer(
        chart.step_id(move.id, step),
        debit,
        credit,
        U128(minor),
        chart_of(move).ledger,
        int(code),
        user_data_64=move.number,
    )
