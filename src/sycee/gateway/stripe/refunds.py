"""``/v1/refunds``: create, retrieve, update, list, cancel."""

from __future__ import annotations

from sycee.gateway.refusals import ParameterMissing
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Priority, Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.shapes import (
    Amount,
    Expanding,
    Id,
    MetadataGiven,
    Public,
    changed_metadata,
    listing,
    unix,
)
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.intents import (
    CancelRefund,
    CreateRefund,
    ListRefunds,
    Refund,
    RefundQuery,
    UpdateRefund,
)
from sycee.services.payments.contract.shared import (
    ChargeId,
    Metadata,
    PaymentId,
    RefundId,
    RefundReason,
)

PATH = "/v1/refunds"
ONE = PATH + "/{id}"


class Creating(Expanding, frozen=True, kw_only=True):
    """Parameters of create."""

    amount: Amount | None = None
    charge: Id | None = None
    metadata: MetadataGiven = None
    payment_intent: Id | None = None
    reason: RefundReason | None = None


class Updating(Expanding, frozen=True, kw_only=True):
    """Parameters of update."""

    metadata: MetadataGiven = None


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    charge: Id | None = None
    payment_intent: Id | None = None


class Refunds:
    """The operations on refunds."""

    def __init__(self, payments: Payments, expander: Expander) -> None:
        self._payments = payments
        self._expander = expander
        expander.fetches("refund", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One refund, to be shown inside another object."""
        query = RefundQuery(request.merchant, RefundId(id))
        return render_refund(await self._payments.get_refund(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        settle = Priority.SETTLE
        return [
            route(f"POST {PATH}", self.create, Creating, answers="refund", priority=settle),
            route(f"GET {PATH}", self.list_page, Listing, answers="list of refund"),
            route(f"GET {ONE}", self.retrieve, Expanding, answers="refund"),
            route(f"POST {ONE}", self.update, Updating, answers="refund"),
            route(f"POST {ONE}/cancel", self.cancel, Expanding, answers="refund", priority=settle),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Refund a charge: all that is left, or an amount."""
        if given.charge is None and given.payment_intent is None:
            raise ParameterMissing("Name a payment_intent or a charge.", param="payment_intent")
        command = CreateRefund(
            request.origin(),
            None if given.payment_intent is None else PaymentId(given.payment_intent),
            None if given.charge is None else ChargeId(given.charge),
            given.amount,
            given.reason,
            given.metadata or {},
        )
        public = render_refund(await self._payments.create_refund(command))
        return await self._expander.shown(request, public, given.expand)

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a refund."""
        public = await self.fetch(request, _id(request))
        return await self._expander.shown(request, public, given.expand)

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update a refund's metadata."""
        metadata = await changed_metadata(given.metadata, lambda: self._metadata(request))
        command = UpdateRefund(request.origin(), _id(request), metadata or {})
        public = render_refund(await self._payments.update_refund(command))
        return await self._expander.shown(request, public, given.expand)

    async def cancel(self, request: Request, given: Expanding) -> Answer:
        """Cancel a refund that waits for the payer."""
        command = CancelRefund(request.origin(), _id(request))
        public = render_refund(await self._payments.cancel_refund(command))
        return await self._expander.shown(request, public, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List refunds, newest first."""
        found = await self._payments.list_refunds(
            ListRefunds(
                request.merchant,
                page(given),
                None if given.payment_intent is None else PaymentId(given.payment_intent),
                None if given.charge is None else ChargeId(given.charge),
            )
        )
        public = listing(PATH, found.items, found.has_more, render_refund)
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> Metadata:
        query = RefundQuery(request.merchant, _id(request))
        return (await self._payments.get_refund(query)).metadata


def render_refund(refund: Refund) -> Public:
    """A refund as the public ``refund`` object; failures show only where there was one."""
    public: Public = {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount.minor,
        "balance_transaction": refund.balance_transaction,
        "charge": refund.charge,
        "created": unix(refund.created),
        "currency": refund.amount.currency.lower(),
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": refund.metadata,
        "payment_intent": refund.payment,
        "reason": refund.reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": refund.status,
        "transfer_reversal": None,
    }
    if refund.failure_reason is not None:
        public["failure_reason"] = refund.failure_reason
    if refund.failure_balance_transaction is not None:
        public["failure_balance_transaction"] = refund.failure_balance_transaction
    return public


def _id(request: Request) -> RefundId:
    return RefundId(request.arguments["id"])
