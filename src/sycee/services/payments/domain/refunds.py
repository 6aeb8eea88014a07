"""Refunds: how much may go back, and what becomes of a charge when it does."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.intents import (
    BalanceTransaction,
    Charge,
    ChargeAlreadyRefunded,
    ChargeDisputed,
    ChargeNotRefundable,
    Refund,
    RefundStateInvalid,
    RefundTooLarge,
)
from sycee.services.payments.contract.shared import BalanceTransactionId
from sycee.services.validation.contract import AmountNotPositive


def existing(refund: Refund | None, wanted: str) -> Refund:
    """The refund, unless it is unknown or foreign."""
    if refund is None:
        raise NotFound(f"No such refund: '{wanted}'")
    return refund


def check_cancelable(refund: Refund) -> None:
    """Refuse to stop a refund that does not wait for the payer."""
    if refund.status != "requires_action":
        raise RefundStateInvalid(
            f"This refund could not be canceled because its status is {refund.status}."
        )


def amount_to_refund(charge: Charge, wanted_minor: int | None) -> Money:
    """How much goes back: the wanted amount, or all that is left. What is under way counts."""
    if wanted_minor is not None and wanted_minor <= 0:
        raise AmountNotPositive("The amount to refund must be positive.", param="amount_minor")
    if charge.status != "succeeded" or not charge.captured:
        raise ChargeNotRefundable(
            "The charge was not captured, so there is nothing to refund.",
            facts={"charge": charge.id},
        )
    left_minor = left_of(charge)
    if left_minor == 0 and charge.amount_disputed_minor:
        raise ChargeDisputed(
            "The charge is disputed, so nothing is left to refund.", facts={"charge": charge.id}
        )
    if left_minor == 0:
        raise ChargeAlreadyRefunded(
            "The charge has been refunded already.", facts={"charge": charge.id}
        )
    if wanted_minor is not None and wanted_minor > left_minor:
        left = Money(left_minor, charge.amount.currency)
        raise RefundTooLarge(
            f"The refund is above what is left to refund, {left}.",
            param="amount_minor",
            facts={"left_minor": str(left_minor), "charge": charge.id},
        )
    return Money(left_minor if wanted_minor is None else wanted_minor, charge.amount.currency)


def left_of(charge: Charge) -> int:
    """What neither refunds nor disputes have taken of a charge, in minor units."""
    taken_minor = charge.amount_refunded_minor + charge.amount_disputed_minor
    return charge.amount_captured_minor - taken_minor


def reserved(charge: Charge, amount: Money) -> Charge:
    """The charge while a refund is under way and when it is done."""
    return msgspec.structs.replace(
        charge, amount_refunded_minor=charge.amount_refunded_minor + amount.minor
    )


def given_back(charge: Charge, amount: Money) -> Charge:
    """The charge after a refund that was not done."""
    return msgspec.structs.replace(
        charge, amount_refunded_minor=charge.amount_refunded_minor - amount.minor
    )


def booked(
    id: BalanceTransactionId,
    refund: Refund,
    now: Instant,
    available_on: Instant | None,
) -> BalanceTransaction:
    """What a refund takes from the merchant's balance.

    ``available_on`` is when the charge's money moves on, None when it has: a refund waits with the
    money that it is taken from.
    """
    return _transaction(id, "refund", refund, -refund.amount, now, available_on)


def booked_back(
    id: BalanceTransactionId,
    refund: Refund,
    now: Instant,
    available_on: Instant | None,
) -> BalanceTransaction:
    """What a refund that failed after it was booked gives back to the merchant's balance."""
    return _transaction(id, "refund_failure", refund, refund.amount, now, available_on)


def _transaction(
    id: BalanceTransactionId,
    type: str,
    refund: Refund,
    amount: Money,
    now: Instant,
    available_on: Instant | None,
) -> BalanceTransaction:
    return BalanceTransaction(
        id=id,
        merchant=refund.merchant,
        created=now,
        available_on=now if available_on is None else available_on,
        type=type,
        amount=amount,
        fee_minor=0,
        status="available" if available_on is None else "pending",
        source=refund.id,
    )
