"""``/api/test_helpers``: makes happen in test mode what otherwise takes days."""

from __future__ import annotations

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Empty, Route, route
from sycee.gateway.stripe.charges import render_charge
from sycee.gateway.stripe.shapes import answer
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.maturing import MakeAvailable
from sycee.services.payments.contract.shared import ChargeId


class Rehearsals:
    """The operations on time, of test mode only."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    def routes(self) -> list[Route]:
        """Their routes."""
        path = "POST /api/test_helpers/charges/{id}/make_available"
        return [route(path, self.make_available, Empty, answers="charge")]

    async def make_available(self, request: Request, given: Empty) -> Answer:
        """Let a charge's money become available now, in test mode."""
        command = MakeAvailable(request.origin(), ChargeId(request.arguments["id"]))
        return answer(render_charge(await self._payments.make_available(command)))
