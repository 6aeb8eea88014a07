"""Prepares a try to pay: what validation and risk control say, before anything is kept."""

from __future__ import annotations

import msgspec

from sycee.kernel.money import Money
from sycee.runtime.database import Session
from sycee.services.fraud.contract import Judgement, JudgePayment
from sycee.services.payments.contract.customers import Card, Method
from sycee.services.payments.contract.intents import Payment, PaymentFields
from sycee.services.payments.contract.shared import (
    AttemptId,
    ChargeId,
    CustomerId,
    MethodId,
    Origin,
)
from sycee.services.payments.domain import charges as charge_rules
from sycee.services.payments.domain import customers as customer_rules
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import Attempt, Kind
from sycee.services.payments.domain.fees import fee_minor
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import customers as customer_rows
from sycee.services.validation.contract import CardFacts, CheckPayment

CARD = "card"


class Try(msgspec.Struct, frozen=True):
    """A payment about to be tried."""

    id: AttemptId
    origin: Origin
    amount: Money
    fields: PaymentFields
    method: Method
    customer: CustomerId | None
    off_session: bool
    error_on_requires_action: bool


class Trying:
    """Asks the neighbours about a try, and makes its attempt."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def check(self, origin: Origin, amount: Money, fields: PaymentFields) -> None:
        """Refuse a payment that may not be taken, whatever it is paid with."""
        await self._parts.validation.check_payment(
            CheckPayment(origin.merchant, amount, _kind(fields))
        )

    async def weigh(self, trial: Try) -> Judgement:
        """Refuse what may not be tried; else say what risk control thinks of it."""
        twin = charge_rules.twin_key(trial.method.card, trial.amount)
        twin_at = await self._parts.database.read(
            lambda session: charge_rows.twin_at(session, trial.origin.merchant, twin)
        )
        check = CheckPayment(
            trial.origin.merchant,
            trial.amount,
            _kind(trial.fields),
            _facts(trial.method.card),
            twin_at,
        )
        await self._parts.validation.check_payment(check)
        # Only what may be tried counts in the windows of velocity.
        return await self._parts.fraud.judge(_question(trial))

    def attempt(self, trial: Try, judgement: Judgement, payment: Payment) -> Attempt:
        """The attempt, with all that finishing it needs."""
        settings = self._parts.settings
        return Attempt(
            id=trial.id,
            kind=rules.first_step(payment),
            merchant=payment.merchant,
            livemode=payment.livemode,
            payment=payment.id,
            number=payment.number,
            origin=trial.origin,
            started=self._parts.clock.now(),
            amount=payment.amount,
            charge=ChargeId(self._parts.ids.new("ch")),
            method=trial.method,
            fee_minor=fee_minor(
                payment.amount, settings.fee_basis_points, settings.fee_fixed_hundredths
            )
            if rules.first_step(payment) is Kind.PAY
            else 0,
            off_session=trial.off_session,
            asks_payer=not trial.error_on_requires_action,
            decision=judgement.decision,
            score=judgement.score,
        )

    def check_customer(self, session: Session, origin: Origin, fields: PaymentFields) -> None:
        """Refuse a customer who is not there."""
        wanted = fields.customer
        if wanted:
            customer_rules.living(customer_rows.find(session, origin.merchant, wanted), wanted)


def named_method(fields: PaymentFields) -> MethodId | None:
    """The method that a request names; an empty name is none."""
    return fields.method or None


def _kind(fields: PaymentFields) -> str:
    for kind in fields.method_types or ():
        if kind != CARD:
            return kind
    return CARD


def _facts(card: Card) -> CardFacts:
    return CardFacts(card.brand, card.last4, card.bin, card.exp_month, card.exp_year)


def _question(trial: Try) -> JudgePayment:
    card = trial.method.card
    return JudgePayment(
        attempt=trial.id,
        merchant=trial.origin.merchant,
        amount=trial.amount,
        card_fingerprint=card.fingerprint,
        card_bin=card.bin,
        card_country=card.country,
        customer=trial.customer,
        email=trial.fields.receipt_email or trial.method.billing.email,
        ip=trial.origin.ip,
    )
