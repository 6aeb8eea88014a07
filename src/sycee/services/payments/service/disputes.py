"""Lets merchants see disputes, answer them and give them up."""

from __future__ import annotations

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Session
from sycee.services.payments.adapters.rail import News, Notice
from sycee.services.payments.contract.disputes import (
    CloseDispute,
    Dispute,
    DisputePage,
    DisputeQuery,
    ListDisputes,
    OnlyInTestMode,
    OpenDispute,
    UpdateDispute,
)
from sycee.services.payments.contract.intents import ChargeNotRefundable
from sycee.services.payments.domain import charges as charge_rules
from sycee.services.payments.domain import disputes as rules
from sycee.services.payments.domain.texts import changed_metadata, former_metadata
from sycee.services.payments.service.books import Books
from sycee.services.payments.service.dispute_course import DisputeCourse
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import disputes as rows


class DisputesService:
    """All of ``Disputes``."""

    _parts: Parts

    def __init__(self, parts: Parts, books: Books) -> None:
        self._parts = parts
        self._course = DisputeCourse(parts, books)

    @property
    def course(self) -> DisputeCourse:
        """What the job goes on with."""
        return self._course

    async def get_dispute(self, query: DisputeQuery) -> Dispute:
        return await self._parts.database.read(
            lambda session: rules.existing(rows.find(session, query.merchant, query.id), query.id)
        )

    async def list_disputes(self, query: ListDisputes) -> DisputePage:
        return await self._parts.database.read(
            lambda session: rows.page_of(
                session, query.merchant, query.payment, query.charge, query.page
            )
        )

    async def update_dispute(self, command: UpdateDispute) -> Dispute:
        return await self._parts.once.do(
            command.origin, Dispute, lambda session: self._update_dispute(session, command)
        )

    async def close_dispute(self, command: CloseDispute) -> Dispute:
        origin = command.origin

        def unit(session: Session) -> Dispute:
            dispute = rules.existing(rows.find(session, origin.merchant, command.id), command.id)
            rules.check_waiting(dispute, self._parts.clock.now())
            rows.note_unsent(session, dispute.id, is_unsent=True)
            return self._course.end(session, dispute, is_won=False, origin=origin)

        return await self._parts.once.do(origin, Dispute, unit)

    async def open_dispute(self, command: OpenDispute) -> Dispute:
        if command.origin.livemode:
            raise OnlyInTestMode("Disputes can be opened in test mode only.")
        return await self._parts.once.do(
            command.origin, Dispute, lambda session: self._open_dispute(session, command)
        )

    def _update_dispute(self, session: Session, command: UpdateDispute) -> Dispute:
        merchant = command.origin.merchant
        before = rules.existing(rows.find(session, merchant, command.id), command.id)
        evidence = rules.said(before.evidence, command.evidence)
        if evidence != before.evidence or command.submit:
            rules.check_waiting(before, self._parts.clock.now())
        metadata = changed_metadata(before.metadata, command.metadata)
        after = msgspec.structs.replace(before, evidence=evidence, metadata=metadata)
        if command.submit:
            after = rules.submitted(after)
            rows.note_unsent(session, after.id, is_unsent=True)
        if after != before:
            rows.replace(session, after)
            self._tell(session, before, after, command)
        return after

    def _tell(
        self, session: Session, before: Dispute, after: Dispute, command: UpdateDispute
    ) -> None:
        former: dict[str, object] = {}
        if before.status is not after.status:
            former["status"] = before.status.value
        if before.evidence != after.evidence:
            former["evidence"] = msgspec.to_builtins(before.evidence)
        if before.metadata != after.metadata:
            former["metadata"] = former_metadata(before.metadata, after.metadata)
        type = "charge.dispute.updated"
        self._parts.events.publish(session, type, after, command.origin, former)

    def _open_dispute(self, session: Session, command: OpenDispute) -> Dispute:
        found = charge_rows.find(session, command.origin.merchant, command.charge)
        charge = charge_rules.existing(found, command.charge, "charge")
        if charge.livemode:
            raise NotFound(f"No such charge: '{command.charge}'", param="charge")
        minor = rules.disputable_minor(charge, command.amount_minor)
        if minor <= 0:
            raise ChargeNotRefundable(
                "Nothing is left of the charge that could be disputed.",
                facts={"charge": charge.id},
            )
        case = self._parts.ids.new("case")
        amount = msgspec.structs.replace(charge.amount, minor=minor)
        notice = Notice(
            case, News.DISPUTED, case, charge.attempt, amount, command.reason, command.is_inquiry
        )
        self._course.open(session, charge, notice, command.origin)
        return rules.existing(rows.find_case(session, case), case)
