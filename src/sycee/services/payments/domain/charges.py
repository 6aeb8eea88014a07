"""Charges: what the answer to an attempt makes of them, and what may still be taken of one."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.fraud.contract import Decision
from sycee.services.payments.contract.customers import Card
from sycee.services.payments.contract.intents import (
    BalanceTransaction,
    CaptureTooLarge,
    Charge,
    ChargeExpiredForCapture,
    MulticaptureUnavailable,
    Outcome,
    Payment,
    UpdateCharge,
)
from sycee.services.payments.contract.shared import AttemptId, BalanceTransactionId, Origin
from sycee.services.payments.domain.attempts import Attempt, Ending, Kind, Result
from sycee.services.payments.domain.texts import (
    changed_metadata,
    changed_shipping,
    changed_text,
    check_texts,
    former_metadata,
)
from sycee.services.validation.contract import AmountNotPositive

LIMITS = {"description": 1000, "receipt_email": 800}

CAPTURES_MAX = 50
"""How often something may be taken of one authorization."""

_LEVELS = ("normal", "elevated", "highest")
_LEVEL_OF = {
    Decision.APPROVE: "normal",
    Decision.CHALLENGE: "elevated",
    Decision.REVIEW: "elevated",
    Decision.DECLINE: "highest",
}


def succeeded(
    attempt: Attempt, ending: Ending, payment: Payment, now: Instant, capture_before: Instant
) -> Charge:
    """The charge of an attempt that was approved: paid at once, or held."""
    is_paid = attempt.kind is Kind.PAY
    charge = _charge(attempt, ending, payment, now)
    return msgspec.structs.replace(
        charge,
        status="succeeded",
        captured=is_paid,
        amount_captured_minor=attempt.amount.minor if is_paid else 0,
        authorization_code=ending.authorization_code,
        capture_before=None if is_paid else capture_before,
        is_multicapture=not is_paid and payment.multicapture == "if_available",
    )


def failed(attempt: Attempt, ending: Ending, payment: Payment, now: Instant) -> Charge:
    """The charge of an attempt that was not."""
    charge = _charge(attempt, ending, payment, now)
    return msgspec.structs.replace(charge, failure_code=ending.code, failure_message=ending.message)


def gone_on_with(
    charge: Charge, payment: Payment, kind: Kind, id: AttemptId, origin: Origin, now: Instant
) -> Attempt:
    """An attempt to capture, release or refund what an earlier one has got; all of it."""
    return Attempt(
        id=id,
        kind=kind,
        merchant=charge.merchant,
        livemode=charge.livemode,
        payment=charge.payment,
        number=payment.number,
        origin=origin,
        started=now,
        amount=charge.amount,
        charge=charge.id,
        method=charge.method,
        original=charge.attempt,
        held_by=None if kind is Kind.REFUND else charge.latest_capture,
    )


def existing(charge: Charge | None, wanted: str, param: str | None = None) -> Charge:
    """The charge, unless it is unknown or foreign."""
    if charge is None:
        raise NotFound(f"No such charge: '{wanted}'", param=param)
    return charge


def captured(charge: Charge, attempt: Attempt, transaction: BalanceTransactionId) -> Charge:
    """A held charge after a capture, which may leave some of it held."""
    return msgspec.structs.replace(
        charge,
        captured=True,
        amount_captured_minor=charge.amount_captured_minor + attempt.amount.minor,
        balance_transaction=transaction,
        captures=charge.captures + 1,
        latest_capture=attempt.id if attempt.rest_minor else None,
    )


def sale(
    id: BalanceTransactionId, attempt: Attempt, charge: Charge, now: Instant, available_on: Instant
) -> BalanceTransaction:
    """What a captured charge adds to the merchant's balance."""
    return BalanceTransaction(
        id=id,
        merchant=charge.merchant,
        created=now,
        available_on=available_on,
        type="charge",
        amount=attempt.amount,
        fee_minor=attempt.fee_minor,
        status="pending",
        source=charge.id,
        description=charge.description,
    )


def check_notes(command: UpdateCharge) -> None:
    """Refuse notes that are too long."""
    check_texts(
        {"description": command.description, "receipt_email": command.receipt_email}, LIMITS
    )


def noted(before: Charge, command: UpdateCharge) -> Charge:
    """The charge after a change of its notes."""
    return msgspec.structs.replace(
        before,
        description=changed_text(before.description, command.description),
        receipt_email=changed_text(before.receipt_email, command.receipt_email),
        metadata=changed_metadata(before.metadata, command.metadata),
        customer=command.customer or before.customer,
        shipping=changed_shipping(before.shipping, command.shipping),
        fraud_details=changed_metadata(before.fraud_details, command.fraud_details),
    )


def former_notes(before: Charge, after: Charge) -> dict[str, object]:
    """Former values of what a change of notes changed, in the public shape."""
    former: dict[str, object] = {
        name: msgspec.to_builtins(getattr(before, name))
        for name in ("description", "receipt_email", "customer", "shipping", "fraud_details")
        if getattr(before, name) != getattr(after, name)
    }
    if before.metadata != after.metadata:
        former["metadata"] = former_metadata(before.metadata, after.metadata)
    return former


def amount_to_capture(payment: Payment, wanted_minor: int | None) -> int:
    """How much is taken of a held payment: all of it, or the wanted part."""
    if wanted_minor is None:
        return payment.amount_capturable_minor
    if wanted_minor <= 0:
        raise AmountNotPositive("The amount to capture must be positive.", param="amount_minor")
    if wanted_minor > payment.amount_capturable_minor:
        raise CaptureTooLarge(
            f"Only {payment.amount_capturable_minor} can be captured.", param="amount_minor"
        )
    return wanted_minor


def check_more_may_follow(charge: Charge) -> None:
    """Refuse to keep the rest held when the charge is not captured in parts, or too often."""
    if not charge.is_multicapture:
        raise MulticaptureUnavailable(
            "This payment is captured once: multicapture was not requested for it.",
            param="is_final",
            facts={"charge": charge.id},
        )
    if charge.captures + 1 >= CAPTURES_MAX:
        raise MulticaptureUnavailable(
            f"At most {CAPTURES_MAX} captures are made of one payment; this must be the final one.",
            param="is_final",
            facts={"charge": charge.id},
        )


def check_not_lapsed(charge: Charge, now: Instant) -> None:
    """Refuse to capture after the authorization has lapsed."""
    if charge.capture_before is not None and now >= charge.capture_before:
        raise ChargeExpiredForCapture(
            "The authorization has lapsed and can no longer be captured.",
            facts={"charge": charge.id},
        )


def twin_key(card: Card, amount: Money) -> str:
    """Equal for the same card, amount and currency."""
    return f"{card.fingerprint} {amount.minor} {amount.currency}"


def _charge(attempt: Attempt, ending: Ending, payment: Payment, now: Instant) -> Charge:
    return Charge(
        id=attempt.charge,
        merchant=attempt.merchant,
        created=now,
        livemode=attempt.livemode,
        payment=attempt.payment,
        attempt=attempt.id,
        amount=attempt.amount,
        status="failed",
        captured=False,
        amount_captured_minor=0,
        amount_refunded_minor=0,
        outcome=_outcome(attempt, ending),
        method=attempt.method,
        billing=attempt.method.billing,
        customer=payment.customer,
        description=payment.description,
        receipt_email=payment.receipt_email,
        statement_descriptor=payment.statement_descriptor,
        statement_descriptor_suffix=payment.statement_descriptor_suffix,
        shipping=payment.shipping,
        metadata=payment.metadata,
    )


def _outcome(attempt: Attempt, ending: Ending) -> Outcome:
    level = max(ending.risk, _LEVEL_OF[attempt.decision], key=_LEVELS.index)
    network, type, message, reason = _words(attempt, ending)
    return Outcome(network, type, message, level, attempt.score, reason)


def _words(attempt: Attempt, ending: Ending) -> tuple[str, str, str, str | None]:
    """Network status, type, message for the merchant, and reason."""
    if ending.result is Result.APPROVED:
        if attempt.decision is Decision.REVIEW:
            return "approved_by_network", "manual_review", "Payment held for review.", None
        return "approved_by_network", "authorized", "Payment complete.", None
    if ending.result is Result.UNDONE:
        message = "The payment could not be sent to the card network."
        return "not_sent_to_network", "invalid", message, ending.decline_code
    if ending.risk == "highest":
        message = "The payment was blocked because its risk is too high."
        return "not_sent_to_network", "blocked", message, "highest_risk_level"
    message = "The bank declined the payment."
    return "declined_by_network", "issuer_declined", message, ending.decline_code
