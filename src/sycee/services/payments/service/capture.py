"""Takes an authorized amount, or gives a payment up."""

from __future__ import annotations

import msgspec

from sycee.kernel.money import Money
from sycee.kernel.refusal import Refusal
from sycee.runtime.database import Session
from sycee.services.payments.contract.intents import (
    CancelPayment,
    CapturePayment,
    Charge,
    Payment,
    PaymentStatus,
)
from sycee.services.payments.contract.shared import AttemptId, Origin
from sycee.services.payments.domain import charges as charge_rules
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import Attempt, Kind
from sycee.services.payments.domain.fees import fee_minor
from sycee.services.payments.domain.states import Move
from sycee.services.payments.domain.texts import changed_metadata
from sycee.services.payments.service.attempts import Told, Unit
from sycee.services.payments.service.verbs import Verbs
from sycee.services.payments.store import attempts as attempt_rows
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import payments as rows

LAPSED = "automatic"
"""The cancellation reason of a payment whose authorization has lapsed."""


class Capture(Verbs):
    """``capture_payment`` and ``cancel_payment``, and the lapse of authorizations."""

    async def capture_payment(self, command: CapturePayment) -> Payment:
        return await self._attempts.do(
            command.origin, Payment, lambda attempt: self._prepare_capture(command, attempt)
        )

    async def cancel_payment(self, command: CancelPayment) -> Payment:
        return await self._attempts.do(
            command.origin, Payment, lambda attempt: self._prepare_cancel(command, attempt)
        )

    async def lapse(self, charge: Charge) -> None:
        """Cancel a payment whose authorization has lapsed; one that moved on is left alone.

        When the rail is away, the payment is held as before, and lapses when it is asked again.
        """
        origin = Origin(charge.merchant, charge.livemode)
        await self._attempts.outcome(
            origin, Payment, lambda attempt: self._prepare_lapse(charge, origin, attempt)
        )

    async def _prepare_capture(self, command: CapturePayment, attempt: AttemptId) -> Unit:
        origin = command.origin

        def unit(session: Session) -> Attempt | Told | Refusal:
            before = self._found(session, origin.merchant, command.id)
            moving = rules.moved(before, Move.CAPTURE)
            amount = charge_rules.amount_to_capture(before, command.amount_minor)
            changed_metadata(before.metadata, command.metadata)
            charge = _held(session, before)
            charge_rules.check_not_lapsed(charge, self._parts.clock.now())
            if not command.is_final:
                charge_rules.check_more_may_follow(charge)
            rest = 0 if command.is_final else before.amount_capturable_minor - amount
            taken = Money(amount, before.amount.currency)
            settings = self._parts.settings
            fee = fee_minor(taken, settings.fee_basis_points, settings.fee_fixed_hundredths)
            going_on = self._going_on(before, charge, Kind.CAPTURE, attempt, origin)
            capture = msgspec.structs.replace(
                going_on,
                amount=taken,
                fee_minor=fee,
                metadata=command.metadata,
                rest_minor=rest,
            )
            return _record(session, moving, capture)

        return unit

    async def _prepare_cancel(self, command: CancelPayment, attempt: AttemptId) -> Unit:
        origin = command.origin

        def unit(session: Session) -> Attempt | Told | Refusal:
            before = self._found(session, origin.merchant, command.id)
            if before.status is not PaymentStatus.REQUIRES_CAPTURE:
                now = self._parts.clock.now()
                gone = rules.canceled(before, Move.CANCEL, now, command.reason)
                rows.replace(session, gone)
                self._parts.events.publish(session, "payment_intent.canceled", gone, origin)
                return gone
            charge = _held(session, before)
            moving = rules.moved(before, Move.RELEASE)
            going_on = self._going_on(before, charge, Kind.VOID, attempt, origin)
            release = msgspec.structs.replace(going_on, amount=_rest(before), reason=command.reason)
            return _record(session, moving, release)

        return unit

    async def _prepare_lapse(self, charge: Charge, origin: Origin, attempt: AttemptId) -> Unit:
        def unit(session: Session) -> Attempt | Told | Refusal:
            before = self._found(session, origin.merchant, charge.payment)
            if before.status is not PaymentStatus.REQUIRES_CAPTURE:
                return before
            moving = rules.moved(before, Move.RELEASE)
            going_on = self._going_on(before, charge, Kind.VOID, attempt, origin)
            release = msgspec.structs.replace(
                going_on, amount=_rest(before), reason=LAPSED, is_lapse=True
            )
            return _record(session, moving, release)

        return unit

    def _going_on(
        self, payment: Payment, charge: Charge, kind: Kind, attempt: AttemptId, origin: Origin
    ) -> Attempt:
        now = self._parts.clock.now()
        return charge_rules.gone_on_with(charge, payment, kind, attempt, origin, now)


def _record(session: Session, moving: Payment, attempt: Attempt) -> Attempt:
    attempt_rows.add(session, attempt)
    rows.replace(session, moving, attempt.id)
    return attempt


def _rest(payment: Payment) -> Money:
    return Money(payment.amount_capturable_minor, payment.amount.currency)


def _held(session: Session, payment: Payment) -> Charge:
    assert payment.latest_charge is not None, "a payment that is held has a charge"
    charge = charge_rows.find(session, payment.merchant, payment.latest_charge)
    return charge_rules.existing(charge, payment.latest_charge)
