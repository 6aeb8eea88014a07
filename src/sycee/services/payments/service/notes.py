"""Changes what is noted on a charge."""

from __future__ import annotations

from sycee.runtime.database import Session
from sycee.services.payments.contract.intents import Charge, UpdateCharge
from sycee.services.payments.domain import charges as rules
from sycee.services.payments.domain import customers as customer_rules
from sycee.services.payments.service.verbs import Verbs
from sycee.services.payments.store import charges as rows
from sycee.services.payments.store import customers as customer_rows


class Notes(Verbs):
    """``update_charge``."""

    async def update_charge(self, command: UpdateCharge) -> Charge:
        return await self._parts.once.do(
            command.origin, Charge, lambda session: self._update_charge(session, command)
        )

    def _update_charge(self, session: Session, command: UpdateCharge) -> Charge:
        origin = command.origin
        rules.check_notes(command)
        before = rules.existing(rows.find(session, origin.merchant, command.id), command.id)
        if command.customer:
            found = customer_rows.find(session, origin.merchant, command.customer)
            customer_rules.living(found, command.customer)
        changed = rules.noted(before, command)
        former = rules.former_notes(before, changed)
        if former:
            rows.replace(session, changed)
            self._parts.events.publish(session, "charge.updated", changed, origin, former)
        return changed
