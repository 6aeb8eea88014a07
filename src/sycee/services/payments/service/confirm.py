"""Tries a payment that was created before, and changes one that is not tried yet."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.runtime.database import Session
from sycee.services.payments.contract.customers import Method
from sycee.services.payments.contract.intents import ConfirmPayment, Payment, UpdatePayment
from sycee.services.payments.contract.shared import AttemptId
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import Attempt
from sycee.services.payments.domain.documents import of_payment
from sycee.services.payments.domain.states import Move, after
from sycee.services.payments.service.attempts import Told, Unit
from sycee.services.payments.service.methods import Brought
from sycee.services.payments.service.prepared import Stale, prepared
from sycee.services.payments.service.trying import Try, named_method
from sycee.services.payments.service.verbs import Verbs
from sycee.services.payments.store import attempts as attempt_rows
from sycee.services.payments.store import payments as rows
from sycee.services.payments.store import searches as search_rows


class Confirm(Verbs):
    """``confirm_payment`` and ``update_payment``."""

    async def confirm_payment(self, command: ConfirmPayment) -> Payment:
        return await self._attempts.do(
            command.origin, Payment, lambda attempt: self._prepare_payment_confirm(command, attempt)
        )

    async def update_payment(self, command: UpdatePayment) -> Payment:
        return await prepared(
            self._parts, command.origin, Payment, lambda: self._prepare_payment_update(command)
        )

    async def _prepare_payment_confirm(self, command: ConfirmPayment, attempt: AttemptId) -> Unit:
        origin, fields = command.origin, command.fields
        rules.check_fields(fields)
        before = await self._parts.database.read(
            lambda session: rules.opened(
                rows.find(session, origin.merchant, command.id), command.id, command.client_secret
            )
        )
        rules.check_confirmer(before, command.client_secret)
        after(before, Move.TRY)
        named = await self.methods.bring(origin, named_method(fields), fields.new_method)
        wanted = rules.method_to_try(before, named.wanted if named else None)
        brought = named or Brought(wanted, None)
        said = rules.updated(before, fields, named.wanted if named else None)
        trial = Try(
            attempt,
            origin,
            said.amount,
            msgspec.structs.replace(
                fields, receipt_email=said.receipt_email, method_types=said.method_types
            ),
            await self._looked_at(origin, brought, said.customer),
            said.customer,
            command.off_session,
            command.error_on_requires_action,
        )
        judgement = await self._trying.weigh(trial)

        def unit(session: Session) -> Attempt | Told | Refusal:
            if rows.find(session, origin.merchant, command.id) != before:
                raise Stale(command.id)
            self._trying.check_customer(session, origin, fields)
            method = self.methods.settle(session, brought, origin.merchant, said.customer)
            current = msgspec.structs.replace(trial, method=method)
            attempt = self._trying.attempt(current, judgement, said)
            return self._endings.begin(session, self._with_proof(session, attempt, said), said)

        return unit

    def _with_proof(self, session: Session, attempt: Attempt, payment: Payment) -> Attempt:
        """The attempt with what the payer proved when the same was tried before."""
        if payment.confirmation_method != rules.MANUAL:
            return attempt
        asked = attempt_rows.latest_of(session, payment.id)
        is_proved = (
            asked is not None
            and asked.is_proved
            and (asked.method.id, asked.amount) == (attempt.method.id, attempt.amount)
        )
        return msgspec.structs.replace(attempt, authenticated=is_proved)

    async def _prepare_payment_update(
        self, command: UpdatePayment
    ) -> Callable[[Session], Payment | Refusal]:
        origin, fields, amount = command.origin, command.fields, command.amount
        rules.check_fields(fields)
        if amount is not None:
            await self._trying.check(origin, amount, fields)
        brought = await self.methods.bring(origin, named_method(fields), fields.new_method)

        def unit(session: Session) -> Payment:
            before = self._found(session, origin.merchant, command.id)
            self._trying.check_customer(session, origin, fields)
            said = rules.updated(before, fields, brought.wanted if brought else None)
            self._settled_for(session, said, brought)
            changed = said if amount is None else rules.repriced(said, amount)
            rows.replace(session, changed)
            # No event tells of an update, so it is indexed here.
            search_rows.keep(session, of_payment(changed))
            return changed

        return unit

    def _settled_for(
        self, session: Session, payment: Payment, brought: Brought | None
    ) -> Method | None:
        if brought is None:
            return None
        return self.methods.settle(session, brought, payment.merchant, payment.customer)
