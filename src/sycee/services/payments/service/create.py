"""Creates a payment, and tries it at once when that is asked."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sycee.kernel.refusal import Refusal
from sycee.runtime.database import Session
from sycee.services.payments.contract.customers import Method
from sycee.services.payments.contract.intents import CreatePayment, Payment
from sycee.services.payments.contract.shared import AttemptId, PaymentId
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import Attempt
from sycee.services.payments.service.attempts import Told, Unit
from sycee.services.payments.service.methods import Brought
from sycee.services.payments.service.prepared import prepared
from sycee.services.payments.service.trying import Try, named_method
from sycee.services.payments.service.verbs import Verbs
from sycee.services.payments.store import payments as rows

SECRET_BYTES = 16


class Create(Verbs):
    """``create_payment``."""

    async def create_payment(self, command: CreatePayment) -> Payment:
        if command.confirm:
            return await self._attempts.do(
                command.origin, Payment, lambda attempt: self._prepare_try(command, attempt)
            )
        return await prepared(
            self._parts, command.origin, Payment, lambda: self._prepare_payment(command)
        )

    async def _prepare_payment(
        self, command: CreatePayment
    ) -> Callable[[Session], Payment | Refusal]:
        origin, fields = command.origin, command.fields
        rules.check_fields(fields)
        await self._trying.check(origin, command.amount, fields)
        brought = await self.methods.bring(origin, named_method(fields), fields.new_method)

        def unit(session: Session) -> Payment:
            payment = self._fresh_payment(
                session, command, self._settled_method(session, command, brought)
            )
            rows.add(session, payment)
            self._parts.events.publish(session, "payment_intent.created", payment, origin)
            return payment

        return unit

    async def _prepare_try(self, command: CreatePayment, attempt: AttemptId) -> Unit:
        origin, fields = command.origin, command.fields
        rules.check_fields(fields)
        brought = await self.methods.bring(origin, named_method(fields), fields.new_method)
        rules.method_to_try(None, brought.wanted if brought else None)
        trial = Try(
            attempt,
            origin,
            command.amount,
            fields,
            await self._looked_at(origin, brought, fields.customer or None),
            fields.customer or None,
            command.off_session,
            command.error_on_requires_action,
        )
        judgement = await self._trying.weigh(trial)

        def unit(session: Session) -> Attempt | Told | Refusal:
            method = self._settled_method(session, command, brought)
            payment = self._fresh_payment(session, command, method)
            self._parts.events.publish(session, "payment_intent.created", payment, origin)
            attempt = self._trying.attempt(trial, judgement, payment)
            return self._endings.begin(session, attempt, payment, is_new=True)

        return unit

    def _settled_method(
        self, session: Session, command: CreatePayment, brought: Brought | None
    ) -> Method | None:
        origin, fields = command.origin, command.fields
        self._trying.check_customer(session, origin, fields)
        if brought is None:
            return None
        return self.methods.settle(session, brought, origin.merchant, fields.customer or None)

    def _fresh_payment(
        self, session: Session, command: CreatePayment, method: Method | None
    ) -> Payment:
        id = PaymentId(self._parts.ids.new("pi"))
        secret = f"{id}_secret_{secrets.token_hex(SECRET_BYTES)}"
        number = rows.next_number(session)
        return rules.fresh(command, id, number, self._parts.clock.now(), secret, method)
