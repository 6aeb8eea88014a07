"""How attempts to refund stay open, and how they end. All runs inside a session."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Refusal, Unavailable
from sycee.runtime.database import Session
from sycee.services.payments.contract.intents import Charge, Refund
from sycee.services.payments.contract.shared import BalanceTransactionId
from sycee.services.payments.domain import refunds as rules
from sycee.services.payments.domain.attempts import Attempt, Ending, Result
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import balances as balance_rows
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import refunds as rows


class Repayments:
    """Refunds on their way."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def stay(self, session: Session, attempt: Attempt) -> Refund:
        """The refund is told of while it is pending, so it is booked now."""
        refund, charge = _refund(session, attempt), _charge(session, attempt)
        booked = msgspec.structs.replace(
            refund, balance_transaction=self._book(session, attempt, refund, charge)
        )
        rows.replace(session, booked)
        self._announce(session, attempt, booked, charge)
        return booked

    def end(self, session: Session, attempt: Attempt, ending: Ending) -> Refund | Refusal:
        """The refund succeeded, failed, or was never done."""
        if ending.result is Result.APPROVED:
            return self._succeed(session, attempt)
        if ending.result is Result.UNDONE and not attempt.is_answered:
            charge = _charge(session, attempt)
            charge_rows.replace(session, rules.given_back(charge, attempt.amount))
            refund = _refund(session, attempt)
            rows.remove(session, refund.id)
            return Unavailable("The card network is away; try again in a moment.")
        return self._fail(session, attempt, ending)

    def _succeed(self, session: Session, attempt: Attempt) -> Refund:
        refund, charge = _refund(session, attempt), _charge(session, attempt)
        done = msgspec.structs.replace(refund, status="succeeded")
        if done.balance_transaction is None:
            done = msgspec.structs.replace(
                done, balance_transaction=self._book(session, attempt, done, charge)
            )
        rows.replace(session, done)
        if attempt.is_answered:
            self._tell(session, attempt, ("refund.updated", "charge.refund.updated"), done)
        else:
            self._announce(session, attempt, done, charge)
        return done

    def _fail(self, session: Session, attempt: Attempt, ending: Ending) -> Refund:
        refund = _refund(session, attempt)
        charge = rules.given_back(_charge(session, attempt), attempt.amount)
        charge_rows.replace(session, charge)
        failed = msgspec.structs.replace(
            refund, status="failed", failure_reason=ending.decline_code or "unknown"
        )
        if refund.balance_transaction is not None:
            failed = msgspec.structs.replace(
                failed, failure_balance_transaction=self._book_back(session, attempt, refund)
            )
        rows.replace(session, failed)
        if not attempt.is_answered:
            self._tell(session, attempt, ("refund.created",), failed)
        self._tell(
            session, attempt, ("refund.failed", "refund.updated", "charge.refund.updated"), failed
        )
        return failed

    def _announce(self, session: Session, attempt: Attempt, refund: Refund, charge: Charge) -> None:
        former = charge.amount_refunded_minor - refund.amount.minor
        self._tell(session, attempt, ("refund.created",), refund)
        self._parts.events.publish(
            session,
            "charge.refunded",
            charge,
            attempt.origin,
            {"amount_refunded": max(former, 0), "refunded": False},
        )

    def _tell(
        self, session: Session, attempt: Attempt, types: tuple[str, ...], refund: Refund
    ) -> None:
        for type in types:
            self._parts.events.publish(session, type, refund, attempt.origin)

    def _book(
        self, session: Session, attempt: Attempt, refund: Refund, charge: Charge
    ) -> BalanceTransactionId:
        id = self._new_transaction()
        waits = None if attempt.from_available else self._waits_until(session, charge)
        booked = rules.booked(id, refund, self._parts.clock.now(), waits)
        balance_rows.add(session, booked, attempt.livemode, attempt.method.card.rail)
        return id

    def _book_back(
        self, session: Session, attempt: Attempt, refund: Refund
    ) -> BalanceTransactionId:
        id, now = self._new_transaction(), self._parts.clock.now()
        waits = None if attempt.from_available else now
        booked = rules.booked_back(id, refund, now, waits)
        balance_rows.add(session, booked, attempt.livemode, attempt.method.card.rail)
        return id

    def _waits_until(self, session: Session, charge: Charge) -> Instant:
        """A refund from pending money moves on with it, or at once when that is gone ahead."""
        assert charge.balance_transaction is not None, "a captured charge is booked"
        waits = balance_rows.waits_until(session, charge.merchant, charge.balance_transaction)
        return self._parts.clock.now() if waits is None else waits

    def _new_transaction(self) -> BalanceTransactionId:
        return BalanceTransactionId(self._parts.ids.new("txn"))


def _refund(session: Session, attempt: Attempt) -> Refund:
    assert attempt.refund is not None, "an attempt to refund names its refund"
    refund = rows.find(session, attempt.merchant, attempt.refund)
    assert refund is not None, "a refund is kept while its attempt is open"
    return refund


def _charge(session: Session, attempt: Attempt) -> Charge:
    charge = charge_rows.find(session, attempt.merchant, attempt.charge)
    assert charge is not None, "a refund belongs to a charge"
    return charge
