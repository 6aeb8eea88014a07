"""Gives money back."""

from __future__ import annotations

import msgspec

from sycee.kernel.refusal import NotFound, Refusal
from sycee.runtime.database import Session
from sycee.services.payments.contract.intents import (
    CancelRefund,
    Charge,
    ChargeNotRefundable,
    CreateRefund,
    Payment,
    Refund,
    UpdateRefund,
)
from sycee.services.payments.contract.shared import AttemptId, ChargeId, RefundId
from sycee.services.payments.domain import charges as charge_rules
from sycee.services.payments.domain import payments as payment_rules
from sycee.services.payments.domain import refunds as rules
from sycee.services.payments.domain.attempts import Attempt, Kind
from sycee.services.payments.domain.texts import changed_metadata, former_metadata
from sycee.services.payments.service.attempts import Told, Unit
from sycee.services.payments.service.verbs import Verbs
from sycee.services.payments.store import attempts as attempt_rows
from sycee.services.payments.store import balances as balance_rows
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import payments as payment_rows
from sycee.services.payments.store import refunds as rows


class Refunds(Verbs):
    """``create_refund``, ``update_refund``, ``cancel_refund``."""

    async def create_refund(self, command: CreateRefund) -> Refund:
        return await self._attempts.do(
            command.origin, Refund, lambda attempt: self._prepare_refund(command, attempt)
        )

    async def update_refund(self, command: UpdateRefund) -> Refund:
        origin = command.origin

        def unit(session: Session) -> Refund:
            before = rules.existing(rows.find(session, origin.merchant, command.id), command.id)
            metadata = changed_metadata(before.metadata, command.metadata)
            former = former_metadata(before.metadata, metadata)
            if not former:
                return before
            changed = msgspec.structs.replace(before, metadata=metadata)
            rows.replace(session, changed)
            for type in ("refund.updated", "charge.refund.updated"):
                self._parts.events.publish(session, type, changed, origin, {"metadata": former})
            return changed

        return await self._parts.once.do(origin, Refund, unit)

    async def cancel_refund(self, command: CancelRefund) -> Refund:
        origin = command.origin

        def unit(session: Session) -> Refund:
            refund = rules.existing(rows.find(session, origin.merchant, command.id), command.id)
            rules.check_cancelable(refund)
            raise AssertionError("no rail of ours asks a payer about a refund")

        return await self._parts.once.do(origin, Refund, unit)

    async def _prepare_refund(self, command: CreateRefund, id: AttemptId) -> Unit:
        origin = command.origin
        metadata = changed_metadata({}, command.metadata)

        def unit(session: Session) -> Attempt | Told | Refusal:
            charge = _charge(session, command)
            payment = payment_rules.existing(
                payment_rows.find(session, origin.merchant, charge.payment), charge.payment
            )
            amount = rules.amount_to_refund(charge, command.amount_minor)
            now = self._parts.clock.now()
            refund = Refund(
                id=RefundId(self._parts.ids.new("re")),
                merchant=charge.merchant,
                created=now,
                livemode=charge.livemode,
                charge=charge.id,
                payment=charge.payment,
                amount=amount,
                status="pending",
                reason=command.reason,
                metadata=metadata,
            )
            going_on = charge_rules.gone_on_with(charge, payment, Kind.REFUND, id, origin, now)
            attempt = msgspec.structs.replace(
                going_on,
                amount=amount,
                refund=refund.id,
                from_available=_has_moved_on(session, charge),
            )
            charge_rows.replace(session, rules.reserved(charge, amount))
            rows.add(session, refund)
            attempt_rows.add(session, attempt)
            return attempt

        return unit


def _charge(session: Session, command: CreateRefund) -> Charge:
    """The charge that is named, by itself or by its payment; both must fit together."""
    merchant, wanted = command.origin.merchant, command.charge
    if command.payment is not None:
        payment = payment_rules.existing(
            payment_rows.find(session, merchant, command.payment), command.payment, "payment"
        )
        wanted = _charge_of(payment, wanted)
    if wanted is None:
        raise NotFound("Name a payment or a charge.", param="payment")
    return charge_rules.existing(charge_rows.find(session, merchant, wanted), wanted, "charge")


def _charge_of(payment: Payment, wanted: ChargeId | None) -> ChargeId:
    if payment.latest_charge is None:
        raise ChargeNotRefundable(
            "The payment has no charge that could be refunded.", facts={"payment": payment.id}
        )
    if wanted is not None and wanted != payment.latest_charge:
        return ChargeId(charge_rules.existing(None, wanted, "charge").id)
    return payment.latest_charge


def _has_moved_on(session: Session, charge: Charge) -> bool:
    """Whether the charge's money is available, or on its way there."""
    transaction = charge.balance_transaction
    assert transaction is not None, "a captured charge is booked"
    return balance_rows.waits_until(session, charge.merchant, transaction) is None
