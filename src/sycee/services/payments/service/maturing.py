"""Ends the waiting of a charge's money, in test mode."""

from __future__ import annotations

from sycee.runtime.database import Session
from sycee.services.payments.contract.disputes import OnlyInTestMode
from sycee.services.payments.contract.intents import Charge, ChargeNotRefundable
from sycee.services.payments.contract.maturing import MakeAvailable
from sycee.services.payments.domain import charges as rules
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import balances as balance_rows
from sycee.services.payments.store import charges as rows


class MaturingService:
    """All of ``Maturing``."""

    _parts: Parts

    async def make_available(self, command: MakeAvailable) -> Charge:
        if command.origin.livemode:
            raise OnlyInTestMode("Money becomes available sooner in test mode only.")
        return await self._parts.once.do(
            command.origin, Charge, lambda session: self._make_available(session, command)
        )

    def _make_available(self, session: Session, command: MakeAvailable) -> Charge:
        merchant = command.origin.merchant
        charge = rules.existing(rows.find(session, merchant, command.charge), command.charge)
        if charge.balance_transaction is None:
            raise ChargeNotRefundable(
                "The charge was not captured, so it has no money that waits.",
                facts={"charge": charge.id},
            )
        balance_rows.make_due(session, charge.id, self._parts.clock.now())
        return charge
