"""Takes disputes through their course: from a rail's notice to the end, and their money with them.

A unit opens or ends a dispute and records the money that is to move. Then the ledger is told, under
ids derived from the move, and a unit closes the move, books it and tells of it. A crash in between
leaves an open move, which is taken up again: the ledger recognises it, and only an open move is
closed. Notices are acknowledged after their unit, so one may come twice: its case is one dispute,
and what is over stays over.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.clock import Instant, after
from sycee.runtime import logs
from sycee.runtime.database import Session
from sycee.services.payments.adapters.rail import News, Notice, RailDown
from sycee.services.payments.contract.disputes import Dispute, DisputeId
from sycee.services.payments.contract.intents import Charge
from sycee.services.payments.contract.shared import AttemptId, BalanceTransactionId, Origin
from sycee.services.payments.domain import disputes as rules
from sycee.services.payments.domain.disputes import DisputeMove, Step
from sycee.services.payments.service import outcomes
from sycee.services.payments.service.books import Books, WrongBooks
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import attempts as attempt_rows
from sycee.services.payments.store import balances as balance_rows
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import disputes as rows
from sycee.services.payments.store import payments as payment_rows

SLICE = 100
"""Rows and notices taken at once."""

log = logs.logger("payments")


class DisputeCourse:
    """What happens to disputes, whoever makes it happen."""

    def __init__(self, parts: Parts, books: Books) -> None:
        self._parts = parts
        self._books = books

    async def go_on(self) -> None:
        """Do all that can be done now; what cannot is done when a part that is away is back."""
        try:
            await self._hear()
            await self._say()
        except (RailDown, *outcomes.OUTAGES) as trouble:
            log.info("disputes_wait", because=type(trouble).__name__)
        await self._lapse()
        try:
            await self._move()
        except outcomes.OUTAGES as trouble:
            log.info("dispute_money_waits", because=type(trouble).__name__)

    def open(self, session: Session, charge: Charge, notice: Notice, origin: Origin | None) -> None:
        """Open the dispute that a notice tells of, unless it was, or nothing is left to dispute."""
        minor = rules.disputable_minor(charge, notice.amount.minor)
        if minor <= 0 or rows.find_case(session, notice.case) is not None:
            return
        now = self._parts.clock.now()
        dispute = Dispute(
            id=DisputeId(self._parts.ids.new("dp")),
            merchant=charge.merchant,
            created=now,
            livemode=charge.livemode,
            charge=charge.id,
            payment=charge.payment,
            amount=msgspec.structs.replace(charge.amount, minor=minor),
            reason=notice.reason,
            status=rules.first_status(notice.is_inquiry),
            due_by=after(now, self._parts.settings.dispute_due_after_s),
            brand=charge.method.card.brand,
            case=notice.case,
            is_inquiry=notice.is_inquiry,
            network_reason_code=notice.network_reason_code,
        )
        rows.add(session, dispute)
        charge_rows.replace(session, rules.disputed(charge, dispute))
        if not dispute.is_inquiry:
            self._record(session, dispute, charge, Step.WITHDRAW)
        self._parts.events.publish(session, "charge.dispute.created", dispute, origin)

    def end(
        self, session: Session, dispute: Dispute, is_won: bool, origin: Origin | None = None
    ) -> Dispute:
        """End a dispute; what it holds back goes to whom it belongs."""
        ended = rules.ended(dispute, is_won)
        rows.replace(session, ended)
        if not dispute.is_inquiry:
            charge = _charge(session, dispute)
            if is_won:
                charge_rows.replace(session, rules.won_back(charge, dispute))
            self._record(session, dispute, charge, Step.END, is_won=is_won)
        self._parts.events.publish(session, "charge.dispute.closed", ended, origin)
        return ended

    async def _hear(self) -> None:
        """Take the rail's notices; one that comes before its payment is known is told again."""
        last = ""
        while notices := await self._parts.rail.notices(last, SLICE):
            heard = [notice.id for notice in notices if await self._take(notice)]
            if heard:
                await self._parts.rail.acknowledge(heard)
            last = notices[-1].id

    async def _take(self, notice: Notice) -> bool:
        return await self._parts.database.write(lambda session: self._taken(session, notice))

    def _taken(self, session: Session, notice: Notice) -> bool:
        """Whether the notice need not be told again."""
        if notice.news is not News.DISPUTED:
            dispute = rows.find_case(session, notice.case)
            if dispute is not None and not rules.is_over(dispute):
                self.end(session, dispute, notice.news is News.WON)
            return True
        attempt = attempt_rows.find(session, AttemptId(notice.order))
        if attempt is None:
            log.info("dispute_of_unknown_order", order=notice.order)
            return True
        charge = charge_rows.find(session, attempt.merchant, attempt.charge)
        if charge is None or (charge.balance_transaction is None and charge.status != "failed"):
            return False
        self.open(session, charge, notice, None)
        return True

    async def _say(self) -> None:
        """Tell the rail what merchants said."""
        found = await self._parts.database.read(lambda session: rows.unsent(session, SLICE))
        for dispute in found:
            statement = _statement(dispute)
            await self._parts.rail.contest(dispute.case, statement)
            await self._note_sent(dispute)

    async def _note_sent(self, dispute: Dispute) -> None:
        await self._parts.database.write(
            lambda session: rows.note_unsent(session, dispute.id, is_unsent=False)
        )

    async def _lapse(self) -> None:
        """End what nobody answered in time."""
        now = self._parts.clock.now()
        await self._parts.database.write(lambda session: self._lapsed(session, now))

    def _lapsed(self, session: Session, now: Instant) -> None:
        for dispute in rows.lapsed(session, now, SLICE):
            late = msgspec.structs.replace(dispute, is_past_due=True)
            self.end(session, late, is_won=False)

    async def _move(self) -> None:
        """Move what is open. One that the books refuse keeps back its own dispute alone."""
        last, stuck = "", set[DisputeId]()
        while found := await self._open_moves(last):
            moved = []
            for move in found:
                if move.dispute not in stuck and await self._held(move):
                    moved.append(move)
                else:
                    stuck.add(move.dispute)
            await self._close(moved)
            last = found[-1].id

    async def _open_moves(self, last: str) -> Sequence[DisputeMove]:
        return await self._parts.database.read(
            lambda session: rows.open_moves(session, last, SLICE)
        )

    async def _held(self, move: DisputeMove) -> bool:
        """Whether the books have the move."""
        try:
            await self._books.hold(move)
        except WrongBooks:
            log.fault("dispute_money_cannot_be_moved", move=move.id)
            return False
        return True

    async def _close(self, moves: Sequence[DisputeMove]) -> None:
        def unit(session: Session) -> None:
            for move in moves:
                if rows.end_move(session, move.id):
                    self._book(session, move)

        await self._parts.database.write(unit)

    def _book(self, session: Session, move: DisputeMove) -> None:
        """Book what has moved, and tell of it; a loss was booked when it was withdrawn."""
        if move.step is Step.END and not move.is_won:
            return
        now = self._parts.clock.now()
        id = BalanceTransactionId(self._parts.ids.new("txn"))
        booked = rules.booked(id, move, now, self._waits_until(session, move, now))
        balance_rows.add(session, booked, move.livemode, move.rail)
        dispute = rows.find(session, move.merchant, move.dispute)
        assert dispute is not None, "a move belongs to a dispute"
        is_withdrawal = move.step is Step.WITHDRAW
        type = f"charge.dispute.funds_{'withdrawn' if is_withdrawal else 'reinstated'}"
        self._parts.events.publish(session, type, dispute)

    def _waits_until(self, session: Session, move: DisputeMove, now: Instant) -> Instant | None:
        """What is withdrawn from pending money moves on with it, or at once if that went ahead."""
        if move.step is Step.END or move.from_available:
            return None
        charge = charge_rows.find(session, move.merchant, move.charge)
        assert charge is not None and charge.balance_transaction is not None, "it was captured"
        waits = balance_rows.waits_until(session, move.merchant, charge.balance_transaction)
        return now if waits is None else waits

    def _record(
        self, session: Session, dispute: Dispute, charge: Charge, step: Step, is_won: bool = False
    ) -> None:
        payment = payment_rows.find(session, dispute.merchant, dispute.payment)
        assert payment is not None and charge.balance_transaction is not None, "it was captured"
        waits = balance_rows.waits_until(session, charge.merchant, charge.balance_transaction)
        fee = rules.fee_minor(dispute.amount, self._parts.settings.dispute_fee_hundredths)
        move = DisputeMove(
            id=rules.move_id(dispute.id, step),
            step=step,
            dispute=dispute.id,
            merchant=dispute.merchant,
            livemode=dispute.livemode,
            payment=dispute.payment,
            charge=dispute.charge,
            number=payment.number,
            rail=charge.method.card.rail,
            amount=dispute.amount,
            fee_minor=fee if step is Step.WITHDRAW else 0,
            from_available=waits is None,
            is_won=is_won,
        )
        rows.add_move(session, move)


def _statement(dispute: Dispute) -> str | None:
    """What the rail is told: the evidence, or that the merchant accepts."""
    if rules.is_over(dispute):
        return None
    texts = msgspec.structs.asdict(dispute.evidence)
    return "\n".join(text for text in texts.values() if text)


def _charge(session: Session, dispute: Dispute) -> Charge:
    charge = charge_rows.find(session, dispute.merchant, dispute.charge)
    assert charge is not None, "a dispute belongs to a charge"
    return charge
