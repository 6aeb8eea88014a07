"""Payment intents: from request to contract and back."""

from __future__ import annotations

from sycee.gateway.links import Links
from sycee.gateway.refusals import KeyNotAllowed
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Priority, Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import page
from sycee.gateway.stripe.payment_intents.parameters import (
    Cancelling,
    Capturing,
    Confirming,
    Creating,
    Listing,
    Retrieving,
    Updating,
    confirm_command,
    create_command,
    update_command,
)
from sycee.gateway.stripe.payment_intents.render import render_for_browser, render_payment
from sycee.gateway.stripe.shapes import Public, answer, changed_metadata, listing
from sycee.kernel.money import Money, currency
from sycee.services.identity.contract import Role
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.intents import (
    CancelPayment,
    CapturePayment,
    ListPayments,
    Payment,
    PaymentQuery,
)
from sycee.services.payments.contract.shared import CustomerId, Metadata, PaymentId

PATH = "/v1/payment_intents"
ONE = PATH + "/{intent}"


class PaymentIntents:
    """The operations on payment intents."""

    def __init__(self, payments: Payments, expander: Expander, links: Links) -> None:
        self._payments = payments
        self._expander = expander
        self._links = links
        expander.fetches("payment_intent", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One payment intent, to be shown inside another object."""
        query = PaymentQuery(request.merchant, PaymentId(id))
        return render_payment(await self._payments.get_payment(query), self._links)

    def routes(self) -> list[Route]:
        """Their routes."""
        one, settle = "payment_intent", Priority.SETTLE
        return [
            route(f"POST {PATH}", self.create, Creating, answers=one),
            route(f"GET {PATH}", self.list_page, Listing, answers="list of payment_intent"),
            route(f"GET {ONE}", self.retrieve, Retrieving, answers=one, browsers=True),
            route(f"POST {ONE}", self.update, Updating, answers=one),
            route(f"POST {ONE}/confirm", self.confirm, Confirming, answers=one, browsers=True),
            route(f"POST {ONE}/capture", self.capture, Capturing, answers=one, priority=settle),
            route(f"POST {ONE}/cancel", self.cancel, Cancelling, answers=one, priority=settle),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Create a payment intent, and with confirm=true try to take the money."""
        payment = await self._payments.create_payment(create_command(request, given))
        return await self._shown(request, payment, given.expand)

    async def retrieve(self, request: Request, given: Retrieving) -> Answer:
        """Retrieve a payment intent."""
        assert request.caller is not None
        if request.caller.role is Role.PUBLISHABLE and given.client_secret is None:
            raise KeyNotAllowed("A publishable key needs the client_secret.", param="client_secret")
        query = PaymentQuery(request.merchant, _id(request), client_secret=given.client_secret)
        return await self._shown(request, await self._payments.get_payment(query), given.expand)

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update a payment intent that was not confirmed."""
        metadata = await changed_metadata(given.metadata, lambda: self._metadata(request))
        amount = await self._amount(request, given)
        payment = await self._payments.update_payment(
            update_command(request, _id(request), given, metadata, amount)
        )
        return await self._shown(request, payment, given.expand)

    async def confirm(self, request: Request, given: Confirming) -> Answer:
        """Confirm a payment intent: try to take the money."""
        assert request.caller is not None
        if request.caller.role is Role.PUBLISHABLE and given.client_secret is None:
            raise KeyNotAllowed("A publishable key needs the client_secret.", param="client_secret")
        command = confirm_command(request, _id(request), given)
        payment = await self._payments.confirm_payment(command)
        return await self._shown(request, payment, given.expand)

    async def capture(self, request: Request, given: Capturing) -> Answer:
        """Capture an authorized amount, or part of it."""
        metadata = await changed_metadata(given.metadata, lambda: self._metadata(request))
        command = CapturePayment(
            request.origin(),
            _id(request),
            given.amount_to_capture,
            metadata,
            is_final=given.final_capture,
        )
        payment = await self._payments.capture_payment(command)
        return await self._shown(request, payment, given.expand)

    async def cancel(self, request: Request, given: Cancelling) -> Answer:
        """Cancel a payment intent; an authorization is released."""
        command = CancelPayment(request.origin(), _id(request), given.cancellation_reason)
        payment = await self._payments.cancel_payment(command)
        return await self._shown(request, payment, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List payment intents, newest first."""
        customer = None if given.customer is None else CustomerId(given.customer)
        found = await self._payments.list_payments(
            ListPayments(request.merchant, page(given), customer)
        )
        public = listing(
            PATH, found.items, found.has_more, lambda each: render_payment(each, self._links)
        )
        return await self._expander.shown(request, public, given.expand)

    async def _shown(self, request: Request, payment: Payment, expand: list[str]) -> Answer:
        caller = request.caller
        if caller is not None and caller.role is Role.PUBLISHABLE:
            return answer(render_for_browser(payment, self._links))
        public = render_payment(payment, self._links)
        return await self._expander.shown(request, public, expand)

    async def _metadata(self, request: Request) -> Metadata:
        payment = await self._payments.get_payment(PaymentQuery(request.merchant, _id(request)))
        return payment.metadata

    async def _amount(self, request: Request, given: Updating) -> Money | None:
        """The new amount; whatever of amount and currency is not given stays."""
        if given.amount is None and given.currency is None:
            return None
        payment = await self._payments.get_payment(PaymentQuery(request.merchant, _id(request)))
        before = payment.amount
        minor = before.minor if given.amount is None else given.amount
        return Money(minor, currency(given.currency) if given.currency else before.currency)


def _id(request: Request) -> PaymentId:
    return PaymentId(request.arguments["intent"])
