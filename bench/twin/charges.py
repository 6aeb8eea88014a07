"""What a try leaves: a charge, whether it was paid or declined."""

from __future__ import annotations

import time

from bench.twin.checks import Verdict
from bench.twin.shapes import (
    CardDetails,
    Charge,
    MethodDetails,
    Outcome,
    PaymentIntent,
    PaymentMethod,
)
from bench.twin.visit import new_id


def charge_of(payment: PaymentIntent, method: PaymentMethod, verdict: Verdict) -> Charge:
    """The charge of one try."""
    charge = Charge(
        id=new_id("ch"),
        amount=payment.amount,
        billing_details=method.billing_details,
        created=int(time.time()),
        currency=payment.currency,
        customer=payment.customer,
        description=payment.description,
        payment_intent=payment.id,
        payment_method=method.id,
        payment_method_details=MethodDetails(card=_details(payment, method, verdict)),
        receipt_email=payment.receipt_email,
        status="succeeded" if verdict.is_paid else "failed",
    )
    return _taken(charge) if verdict.is_paid else _failed(charge, verdict)


def _taken(charge: Charge) -> Charge:
    charge.amount_captured = charge.amount
    charge.balance_transaction = new_id("txn")
    charge.captured = charge.paid = True
    return charge


def _failed(charge: Charge, verdict: Verdict) -> Charge:
    charge.failure_code, charge.failure_message = "card_declined", verdict.message
    charge.outcome = Outcome(
        network_status="declined_by_network",
        reason=verdict.decline_code,
        seller_message=verdict.message,
        type="issuer_declined",
    )
    return charge


def _details(payment: PaymentIntent, method: PaymentMethod, verdict: Verdict) -> CardDetails:
    card = method.card
    return CardDetails(
        amount_authorized=payment.amount,
        authorization_code=verdict.authorization_code,
        brand=card.brand,
        checks=card.checks,
        country=card.country,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=card.fingerprint,
        funding=card.funding,
        last4=card.last4,
        network=card.brand,
        overcapture={"maximum_amount_capturable": payment.amount, "status": "unavailable"},
    )
