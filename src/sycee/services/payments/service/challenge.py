"""Goes on with a payment when the payer's bank tells how a 3-D Secure challenge ended."""

from __future__ import annotations

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.runtime.database import Session
from sycee.services.payments.contract.intents import AnswerChallenge, Payment
from sycee.services.payments.contract.shared import AttemptId, ChargeId, Origin
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import Attempt, Ending, Result
from sycee.services.payments.domain.states import Move, after
from sycee.services.payments.service.attempts import Told, Unit
from sycee.services.payments.service.verbs import Verbs
from sycee.services.payments.store import attempts as attempt_rows
from sycee.services.payments.store import payments as rows

NOT_PROVED = Ending(
    Result.DECLINED,
    "payment_intent_authentication_failure",
    None,
    "The payer could not be authenticated. Try another payment method.",
)


class Challenge(Verbs):
    """``answer_challenge``."""

    async def answer_challenge(self, command: AnswerChallenge) -> Payment:
        payment = await self._parts.database.read(
            lambda session: rules.opened(
                rows.find_any(session, command.id), command.id, command.client_secret
            )
        )
        origin = Origin(payment.merchant, payment.livemode)
        if not command.authenticated:
            return await self._parts.database.write(
                lambda session: self._not_proved(session, origin, command)
            )
        if payment.confirmation_method == rules.MANUAL:
            return await self._parts.database.write(
                lambda session: self._proved(session, origin, command)
            )
        outcome = await self._attempts.outcome(
            origin, Payment, lambda attempt: self._prepare_answer(origin, command, attempt)
        )
        if isinstance(outcome, Payment):
            return outcome
        return await self._parts.database.read(
            lambda session: self._found(session, payment.merchant, payment.id)
        )

    def _not_proved(self, session: Session, origin: Origin, command: AnswerChallenge) -> Payment:
        before = self._found(session, origin.merchant, command.id)
        after(before, Move.ANSWER)
        asked = attempt_rows.latest_of(session, before.id)
        failed = rules.failed(before, NOT_PROVED, None, asked.method if asked else None)
        rows.replace(session, failed)
        self._parts.events.publish(session, "payment_intent.payment_failed", failed, origin)
        return failed

    def _proved(self, session: Session, origin: Origin, command: AnswerChallenge) -> Payment:
        """Note the proof on what was challenged; the next confirmation of the same uses it."""
        before = self._found(session, origin.merchant, command.id)
        proved = rules.proved(before)
        asked = attempt_rows.latest_of(session, before.id)
        assert asked is not None, "a payment that was challenged was tried"
        attempt_rows.replace(session, msgspec.structs.replace(asked, is_proved=True))
        rows.replace(session, proved)
        return proved

    async def _prepare_answer(
        self, origin: Origin, command: AnswerChallenge, id: AttemptId
    ) -> Unit:
        def unit(session: Session) -> Attempt | Told | Refusal:
            before = self._found(session, origin.merchant, command.id)
            after(before, Move.ANSWER)
            asked = attempt_rows.latest_of(session, before.id)
            assert asked is not None, "a payment that was challenged was tried"
            proved = msgspec.structs.replace(
                asked,
                id=id,
                origin=origin,
                started=self._parts.clock.now(),
                amount=before.amount,
                charge=ChargeId(self._parts.ids.new("ch")),
                authenticated=True,
                is_sent=True,
                is_answered=False,
                takebacks=0,
                ending=None,
            )
            return self._endings.begin(session, proved, before)

        return unit
