"""What the verbs on payments share."""

from __future__ import annotations

from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Method
from sycee.services.payments.contract.intents import Payment
from sycee.services.payments.contract.shared import CustomerId, Origin, PaymentId
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.service.attempts import Attempts
from sycee.services.payments.service.endings import Endings
from sycee.services.payments.service.methods import Brought, Methods
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.trying import Trying
from sycee.services.payments.store import payments as rows


class Verbs:
    """Every verb is a class of its own over these."""

    _parts: Parts
    methods: Methods
    _attempts: Attempts
    _endings: Endings
    _trying: Trying

    async def _looked_at(
        self, origin: Origin, brought: Brought | None, customer: CustomerId | None
    ) -> Method:
        """The method of a try as it is now; it is looked at again in the unit."""
        assert brought is not None, "a try has a method"
        if brought.fresh is not None:
            return brought.fresh
        return await self._parts.database.read(
            lambda session: self.methods.usable(session, brought.wanted, origin.merchant, customer)
        )

    def _found(self, session: Session, merchant: MerchantId, payment: PaymentId) -> Payment:
        return rules.existing(rows.find(session, merchant, payment), payment)
