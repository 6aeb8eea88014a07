"""The twin's confirm: an attempt on disk, then the rail, then all that follows, on disk too."""

from __future__ import annotations

import time
from typing import NamedTuple

from bench.twin.books import Books
from bench.twin.charges import charge_of
from bench.twin.checks import (
    CARDS,
    TOO_OFTEN,
    Refused,
    Verdict,
    check_merchant,
    declined_body,
)
from bench.twin.shapes import Charge, Confirming, PaymentError, PaymentIntent, PaymentMethod
from bench.twin.store import (
    ADD_ATTEMPT,
    ADD_CHARGE,
    ADD_SALE,
    CHANGE_PAYMENT,
    CLOSE_ATTEMPT,
    COUNT_TRY,
    FIND_PAYMENT,
    Store,
)
from bench.twin.visit import Answer, Visit, new_id

TRIES_PER_HOUR = 1_000_000
"""As the platform is set while it is measured: one card pays thousands of times."""
OPEN = ("requires_confirmation", "requires_payment_method")
AVAILABLE_AFTER_S = 2 * 86_400


class Attempt(NamedTuple):
    """A try to pay that is on disk."""

    id: str
    payment: PaymentIntent
    method: PaymentMethod
    token: str
    is_too_often: bool
    fee: int


class Confirm(NamedTuple):
    """One confirm."""

    store: Store
    visit: Visit
    payment: str
    given: Confirming

    async def answer(self) -> Answer:
        """The payment as it ended, or what was answered to the same request before."""
        begun = await self._begin()
        if isinstance(begun, Answer):
            return begun
        verdict = TOO_OFTEN if begun.is_too_often else await rail(begun)
        return await self._end(begun, verdict)

    async def _begin(self) -> Attempt | Answer:
        store, visit = self.store, self.visit
        async with store.transaction():
            earlier = await visit.earlier(store)
            if earlier is not None:
                return earlier
            attempt = await self._attempt()
            payment = attempt.payment
            await store.run(ADD_ATTEMPT, attempt.id, payment.id, time.time_ns())
            await self._change(payment)
            await self._books(attempt).reserve(store)
            await visit.claim(store)
        return attempt

    async def _attempt(self) -> Attempt:
        row = await self.store.row(FIND_PAYMENT, self.payment, self.visit.merchant.id)
        if row is None:
            raise Refused(404, "resource_missing", "No such payment intent.", "intent")
        payment = PaymentIntent.model_validate_json(str(row[0]))
        method = PaymentMethod.model_validate_json(str(row[1]))
        if payment.status not in OPEN:
            raise Refused(400, "payment_intent_unexpected_state", f"It is {payment.status}.")
        check_merchant(self.visit.merchant, payment.amount, payment.currency)
        changed = {"status": "processing", "last_payment_error": None}
        if self.given.receipt_email is not None:
            changed["receipt_email"] = self.given.receipt_email
        return Attempt(
            new_id("att"),
            payment.model_copy(update=changed),
            method,
            str(row[2]),
            await self._is_too_often(payment, method),
            (payment.amount * 290 + 30 * 10_000 + 5_000) // 10_000,
        )

    async def _is_too_often(self, payment: PaymentIntent, method: PaymentMethod) -> bool:
        hour = int(time.time()) // 3600
        for subject in (method.card.fingerprint, payment.customer):
            row = await self.store.row(COUNT_TRY, subject, hour) if subject else None
            if row is not None and int(row[0] or 0) > TRIES_PER_HOUR:
                return True
        return False

    async def _end(self, attempt: Attempt, verdict: Verdict) -> Answer:
        store = self.store
        async with store.transaction():
            outcome = "paid" if verdict.is_paid else "declined"
            if not await store.run(CLOSE_ATTEMPT, outcome, attempt.id):
                raise Refused(409, "lock_timeout", "Another request ended this attempt.")
            charge = charge_of(attempt.payment, attempt.method, verdict)
            if verdict.is_paid:
                answer = await self._paid(attempt, charge)
            else:
                answer = await self._declined(attempt, charge, verdict)
            await self.visit.settle(store, answer)
        return answer

    async def _paid(self, attempt: Attempt, charge: Charge) -> Answer:
        store, visit = self.store, self.visit
        changed = {
            "status": "succeeded",
            "amount_received": charge.amount,
            "latest_charge": charge.id,
        }
        payment = attempt.payment.model_copy(update=changed)
        await self._books(attempt).post(store)
        await store.run(
            ADD_SALE,
            charge.balance_transaction,
            visit.merchant.id,
            charge.id,
            charge.amount,
            attempt.fee,
            charge.created + AVAILABLE_AFTER_S,
        )
        await self._add_charge(charge)
        body = await self._change(payment)
        await visit.publish(
            store,
            visit.tell("charge.succeeded", charge),
            visit.tell("payment_intent.succeeded", payment),
        )
        return Answer(200, body.encode())

    async def _declined(self, attempt: Attempt, charge: Charge, verdict: Verdict) -> Answer:
        store, visit = self.store, self.visit
        error = PaymentError(
            code="card_declined",
            message=verdict.message,
            decline_code=verdict.decline_code,
            charge=charge.id,
            payment_method=attempt.method,
        )
        changed = {
            "status": "requires_payment_method",
            "last_payment_error": error,
            "latest_charge": charge.id,
        }
        payment = attempt.payment.model_copy(update=changed)
        await self._books(attempt).void(store)
        await self._add_charge(charge)
        await self._change(payment)
        await visit.publish(
            store,
            visit.tell("charge.failed", charge),
            visit.tell("payment_intent.payment_failed", payment),
        )
        return Answer(402, declined_body(verdict, payment))

    async def _change(self, payment: PaymentIntent) -> str:
        body = payment.model_dump_json()
        await self.store.run(CHANGE_PAYMENT, payment.status, body, payment.id)
        return body

    async def _add_charge(self, charge: Charge) -> None:
        await self.store.run(
            ADD_CHARGE,
            charge.id,
            self.visit.merchant.id,
            charge.payment_intent,
            charge.created,
            charge.status,
            charge.model_dump_json(),
        )

    def _books(self, attempt: Attempt) -> Books:
        payment = attempt.payment
        return Books(
            self.visit.merchant.id, attempt.id, payment.currency, payment.amount, attempt.fee
        )


async def rail(attempt: Attempt) -> Verdict:
    """The acquirer's answer, at once: it stands for a network that costs the twin nothing."""
    return CARDS[attempt.token].verdict
