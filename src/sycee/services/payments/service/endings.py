"""Writes what an attempt came to: one unit that closes it and changes all that follows from it."""

from __future__ import annotations

import contextlib

import msgspec

from sycee.kernel.clock import Instant, after
from sycee.kernel.refusal import NotFound, Refusal, Unavailable
from sycee.runtime.database import Session
from sycee.services.payments.contract.customers import MethodUnusable
from sycee.services.payments.contract.intents import (
    CardDeclined,
    Charge,
    ChargeExpiredForCapture,
    Payment,
    PaymentStateInvalid,
    Refund,
)
from sycee.services.payments.contract.shared import AttemptId, BalanceTransactionId
from sycee.services.payments.domain import charges as charge_rules
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import (
    FIRST_STEPS,
    Attempt,
    Ending,
    Kind,
    Result,
    judged,
)
from sycee.services.payments.domain.states import Move
from sycee.services.payments.service import outcomes
from sycee.services.payments.service.allowance import Allowance
from sycee.services.payments.service.methods import Methods
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.repayments import Repayments
from sycee.services.payments.store import attempts as rows
from sycee.services.payments.store import balances as balance_rows
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import keys as key_rows
from sycee.services.payments.store import payments as payment_rows
from sycee.services.payments.store import refunds as refund_rows

Told = Payment | Refund


class Endings:
    """Units that open, keep open and close attempts. All run inside a session."""

    def __init__(self, parts: Parts, methods: Methods) -> None:
        self._parts = parts
        self._methods = methods
        self._repayments = Repayments(parts)
        self.allowance = Allowance(parts.clock)

    def begin(
        self, session: Session, attempt: Attempt, payment: Payment, *, is_new: bool = False
    ) -> Attempt | Told | Refusal:
        """Record a try to pay; when risk control has its ending already, the attempt is closed."""
        trying = rules.tried(payment)
        write = payment_rows.add if is_new else payment_rows.replace
        ending = judged(attempt)
        if ending is None:
            counted = self.allowance.take(session, attempt, payment.customer)
            rows.add(session, counted)
            write(session, trying, counted.id)
            return counted
        closed = msgspec.structs.replace(attempt, ending=ending, is_sent=False)
        rows.add(session, closed)
        rows.close(session, closed)
        write(session, trying)
        return self._first_step(session, closed, ending, trying)

    def stay(self, session: Session, id: AttemptId) -> Told | None:
        """Tell of an attempt that its outcome is not known yet; None when it is closed."""
        attempt = rows.find_open(session, id)
        if attempt is None:
            return None
        if attempt.is_answered:
            return self._current(session, attempt)
        rows.replace(session, msgspec.structs.replace(attempt, is_answered=True))
        told = self._told_open(session, attempt)
        self._parts.once.settle(session, attempt.origin, outcomes.answered(told))
        return told

    def note_takeback(self, session: Session, id: AttemptId) -> Attempt | None:
        """Note that an attempt's order is about to be taken back; None when it is closed."""
        attempt = rows.find_open(session, id)
        if attempt is None:
            return None
        noted = msgspec.structs.replace(attempt, takebacks=attempt.takebacks + 1)
        rows.replace(session, noted)
        return noted

    def close(self, session: Session, id: AttemptId, ending: Ending) -> Told | Refusal | None:
        """Close an attempt and do what follows from its ending; None when it was closed before."""
        attempt = rows.find_open(session, id)
        if attempt is None:
            return None
        rows.close(session, msgspec.structs.replace(attempt, ending=ending))
        if ending.result is not Result.APPROVED:
            self.allowance.give_back(session, attempt)
        result = self._apply(session, attempt, ending)
        self._settle_key(session, attempt, ending, result)
        return result

    async def now(self, attempt: Attempt) -> Told:
        """The object of an attempt as it is now."""
        return await self._parts.database.read(lambda session: self._current(session, attempt))

    def _apply(self, session: Session, attempt: Attempt, ending: Ending) -> Told | Refusal:
        if attempt.kind is Kind.REFUND:
            return self._repayments.end(session, attempt, ending)
        payment = _payment(session, attempt)
        if attempt.kind in FIRST_STEPS:
            return self._first_step(session, attempt, ending, payment)
        if attempt.kind is Kind.CAPTURE:
            return self._capture(session, attempt, ending, payment)
        return self._void(session, attempt, ending, payment)

    def _first_step(
        self, session: Session, attempt: Attempt, ending: Ending, payment: Payment
    ) -> Payment | Refusal:
        if ending.result is Result.APPROVED:
            return self._approved(session, attempt, ending, payment)
        if ending.result is Result.CHALLENGED:
            asked = rules.asked(payment)
            payment_rows.replace(session, asked)
            self._publish(session, "payment_intent.requires_action", asked, attempt)
            return asked
        return self._failed(session, attempt, ending, payment)

    def _approved(
        self, session: Session, attempt: Attempt, ending: Ending, payment: Payment
    ) -> Payment:
        now = self._parts.clock.now()
        capture_before = after(now, self._parts.settings.authorization_s)
        charge = charge_rules.succeeded(attempt, ending, payment, now, capture_before)
        if attempt.kind is Kind.PAY:
            charge = msgspec.structs.replace(
                charge, balance_transaction=self._book(session, attempt, charge, now)
            )
            done, type = rules.paid(payment, charge), "payment_intent.succeeded"
        else:
            done = rules.held(payment, charge.id)
            type = "payment_intent.amount_capturable_updated"
        charge_rows.add(session, charge)
        payment_rows.replace(session, done)
        self._keep_for_later(session, attempt, done)
        self._publish(session, "charge.succeeded", charge, attempt)
        self._publish(session, type, done, attempt)
        return done

    def _failed(
        self, session: Session, attempt: Attempt, ending: Ending, payment: Payment
    ) -> CardDeclined:
        charge = charge_rules.failed(attempt, ending, payment, self._parts.clock.now())
        failed = rules.failed(payment, ending, charge.id, attempt.method)
        charge_rows.add(session, charge)
        payment_rows.replace(session, failed)
        self._publish(session, "charge.failed", charge, attempt)
        self._publish(session, "payment_intent.payment_failed", failed, attempt)
        return _declined(failed, charge, ending)

    def _capture(
        self, session: Session, attempt: Attempt, ending: Ending, payment: Payment
    ) -> Payment | Refusal:
        charge = _charge(session, attempt)
        if ending.result is not Result.APPROVED:
            self._hold_again(session, attempt, payment)
            if ending.result is Result.UNDONE:
                return Unavailable("The card network is away; try again in a moment.")
            return ChargeExpiredForCapture(
                ending.message or "The authorization can no longer be captured.",
                facts={"charge": charge.id},
            )
        transaction = self._book(session, attempt, charge, self._parts.clock.now())
        charge = charge_rules.captured(charge, attempt, transaction)
        charge_rows.replace(session, charge)
        if attempt.rest_minor:
            done = rules.partly_paid(payment, charge, attempt.rest_minor, attempt.metadata)
            type = "payment_intent.amount_capturable_updated"
        else:
            done = rules.paid(payment, charge, attempt.metadata)
            type = "payment_intent.succeeded"
            charge_rows.note_not_held(session, charge.id)
        payment_rows.replace(session, done)
        self._publish(session, "charge.captured", charge, attempt)
        self._publish(session, type, done, attempt)
        return done

    def _void(
        self, session: Session, attempt: Attempt, ending: Ending, payment: Payment
    ) -> Payment | Refusal:
        is_over = attempt.is_lapse and ending.result is Result.DECLINED
        if ending.result is not Result.APPROVED and not is_over:
            held = self._hold_again(session, attempt, payment)
            if ending.result is Result.UNDONE:
                return Unavailable("The card network is away; try again in a moment.")
            return PaymentStateInvalid(
                ending.message or "The card network did not release the authorization.",
                facts={
                    "payment": held.id,
                    "status": held.status.value,
                    "snapshot": outcomes.snapshot(held),
                },
            )
        charge_rows.note_not_held(session, attempt.charge)
        if payment.amount_received_minor:
            return self._rest_given_up(session, attempt, payment)
        now = self._parts.clock.now()
        gone = rules.canceled(payment, Move.END_RELEASE, now, attempt.reason)
        payment_rows.replace(session, gone)
        if attempt.is_lapse:
            self._publish(session, "charge.expired", _charge(session, attempt), attempt)
        self._publish(session, "payment_intent.canceled", gone, attempt)
        return gone

    def _rest_given_up(self, session: Session, attempt: Attempt, payment: Payment) -> Payment:
        """What was captured in parts has been paid, also when the rest is released."""
        charge = _charge(session, attempt)
        released = msgspec.structs.replace(charge, latest_capture=None)
        charge_rows.replace(session, released)
        done = rules.paid(payment, released)
        payment_rows.replace(session, done)
        self._publish(session, "payment_intent.succeeded", done, attempt)
        return done

    def _hold_again(self, session: Session, attempt: Attempt, payment: Payment) -> Payment:
        held = rules.moved(payment, Move.HOLD)
        payment_rows.replace(session, held)
        if attempt.is_answered:
            self._publish(session, "payment_intent.amount_capturable_updated", held, attempt)
        return held

    def _book(
        self, session: Session, attempt: Attempt, charge: Charge, now: Instant
    ) -> BalanceTransactionId:
        parts = self._parts
        id = BalanceTransactionId(parts.ids.new("txn"))
        available_on = after(now, parts.settings.available_after_s)
        sale = charge_rules.sale(id, attempt, charge, now, available_on)
        balance_rows.add(session, sale, attempt.livemode, attempt.method.card.rail)
        return id

    def _keep_for_later(self, session: Session, attempt: Attempt, payment: Payment) -> None:
        """Give the method to the customer when that was agreed; who left in between gets none."""
        if payment.setup_future_usage is None or payment.customer is None:
            return
        with contextlib.suppress(NotFound, MethodUnusable):
            method = self._methods.usable(
                session, attempt.method.id, attempt.merchant, payment.customer
            )
            self._methods.attach(session, method, payment.customer, attempt.origin)

    def _told_open(self, session: Session, attempt: Attempt) -> Told:
        if attempt.kind is Kind.REFUND:
            return self._repayments.stay(session, attempt)
        payment = _payment(session, attempt)
        self._publish(session, "payment_intent.processing", payment, attempt)
        return payment

    def _current(self, session: Session, attempt: Attempt) -> Told:
        if attempt.refund is not None:
            refund = refund_rows.find(session, attempt.merchant, attempt.refund)
            if refund is None:
                raise Unavailable("The refund was not done; try again in a moment.")
            return refund
        return _payment(session, attempt)

    def _settle_key(
        self, session: Session, attempt: Attempt, ending: Ending, result: Told | Refusal
    ) -> None:
        """Keep the outcome; an outage did nothing, so the request may come again."""
        key = attempt.origin.idempotency_key
        if key is None:
            return
        if isinstance(result, Refusal) and not outcomes.is_final(result):
            key_rows.release(session, attempt.merchant, key)
        else:
            self._parts.once.settle(session, attempt.origin, outcomes.of(result))

    def _publish(
        self, session: Session, type: str, subject: Payment | Charge, attempt: Attempt
    ) -> None:
        self._parts.events.publish(session, type, subject, attempt.origin)


def _declined(payment: Payment, charge: Charge, ending: Ending) -> CardDeclined:
    """The refusal with the payment as it is now, so that repetitions show the same."""
    facts = {
        "error_code": ending.code or "card_declined",
        "charge": charge.id,
        "payment": payment.id,
        "snapshot": outcomes.snapshot(payment),
    }
    if ending.decline_code is not None:
        facts["decline_code"] = ending.decline_code
    return CardDeclined(ending.message or "Your card was declined.", facts=facts)


def _payment(session: Session, attempt: Attempt) -> Payment:
    payment = payment_rows.find(session, attempt.merchant, attempt.payment)
    assert payment is not None, "an attempt belongs to a payment"
    return payment


def _charge(session: Session, attempt: Attempt) -> Charge:
    charge = charge_rows.find(session, attempt.merchant, attempt.charge)
    assert charge is not None, "a capture and a release belong to a charge"
    return charge
