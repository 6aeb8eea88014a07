"""``/v1/payment_methods``, and a customer's own."""

from __future__ import annotations

from typing import Literal

import msgspec

from sycee.gateway.refusals import ParameterMissing
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import Paging, page
from sycee.gateway.stripe.shapes import (
    BillingGiven,
    CardGiven,
    Expanding,
    Id,
    MetadataGiven,
    MethodGiven,
    Public,
    billing,
    changed_metadata,
    listing,
    new_method,
    render_billing,
    unix,
)
from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.customers import (
    AttachMethod,
    Card,
    CreateMethod,
    DetachMethod,
    ListMethods,
    Method,
    MethodQuery,
    NewMethod,
    UpdateMethod,
)
from sycee.services.payments.contract.shared import (
    CustomerId,
    Metadata,
    MethodId,
    Redisplay,
)

PATH = "/v1/payment_methods"
ONE = PATH + "/{payment_method}"
OWN = "/v1/customers/{customer}/payment_methods"
DISPLAY_BRANDS = {"amex": "american_express", "diners": "diners_club", "unionpay": "union_pay"}


class Creating(Expanding, frozen=True, kw_only=True):
    """Parameters of create."""

    type: Literal["card"]
    card: CardGiven
    billing_details: BillingGiven = BillingGiven()
    metadata: MetadataGiven = None
    allow_redisplay: Redisplay = "unspecified"


class CardChange(msgspec.Struct, frozen=True):
    """What may change of a card."""

    exp_month: int | None = None
    exp_year: int | None = None


class Updating(Expanding, frozen=True, kw_only=True):
    """Parameters of update."""

    billing_details: BillingGiven | None = None
    card: CardChange = CardChange()
    metadata: MetadataGiven = None
    allow_redisplay: Redisplay | None = None


class Attaching(Expanding, frozen=True, kw_only=True):
    """Parameters of attach."""

    customer: Id


class Owned(Paging, frozen=True, kw_only=True):
    """Parameters of a customer's list."""

    type: Literal["card"] | None = None


class Listing(Owned, frozen=True, kw_only=True):
    """Parameters of list."""

    customer: Id | None = None


class PaymentMethods:
    """The operations on payment methods."""

    def __init__(self, payments: Payments, expander: Expander) -> None:
        self._payments = payments
        self._expander = expander
        expander.fetches("payment_method", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One payment method, to be shown inside another object."""
        query = MethodQuery(request.merchant, MethodId(id))
        return render_method(await self._payments.get_method(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        one, many = "payment_method", "list of payment_method"
        return [
            route(f"POST {PATH}", self.create, Creating, answers=one, browsers=True),
            route(f"GET {PATH}", self.list_page, Listing, answers=many),
            route(f"GET {ONE}", self.retrieve, Expanding, answers=one),
            route(f"POST {ONE}", self.update, Updating, answers=one),
            route(f"POST {ONE}/attach", self.attach, Attaching, answers=one),
            route(f"POST {ONE}/detach", self.detach, Expanding, answers=one),
            route(f"GET {OWN}", self.list_own, Owned, answers=many),
            route(f"GET {OWN}/{{payment_method}}", self.retrieve_own, Expanding, answers=one),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Create a payment method from card data or a test token."""
        method = await self._payments.create_method(CreateMethod(request.origin(), _new(given)))
        return await self._expander.shown(request, render_method(method), given.expand)

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a payment method."""
        public = await self.fetch(request, _id(request))
        return await self._expander.shown(request, public, given.expand)

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update a payment method's billing details, expiry or metadata."""
        command = UpdateMethod(
            request.origin(),
            _id(request),
            None if given.billing_details is None else billing(given.billing_details),
            given.card.exp_month,
            given.card.exp_year,
            await changed_metadata(given.metadata, lambda: self._metadata(request)),
            given.allow_redisplay,
        )
        public = render_method(await self._payments.update_method(command))
        return await self._expander.shown(request, public, given.expand)

    async def attach(self, request: Request, given: Attaching) -> Answer:
        """Attach a payment method to a customer."""
        command = AttachMethod(request.origin(), _id(request), CustomerId(given.customer))
        public = render_method(await self._payments.attach_method(command))
        return await self._expander.shown(request, public, given.expand)

    async def detach(self, request: Request, given: Expanding) -> Answer:
        """Detach a payment method from its customer, for good."""
        command = DetachMethod(request.origin(), _id(request))
        public = render_method(await self._payments.detach_method(command))
        return await self._expander.shown(request, public, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List the payment methods of one customer."""
        if given.customer is None:
            raise ParameterMissing("Missing required param: customer.", param="customer")
        return await self._listed(request, CustomerId(given.customer), given)

    async def list_own(self, request: Request, given: Owned) -> Answer:
        """List a customer's payment methods."""
        return await self._listed(request, CustomerId(request.arguments["customer"]), given)

    async def retrieve_own(self, request: Request, given: Expanding) -> Answer:
        """Retrieve one of a customer's payment methods."""
        public = await self.fetch(request, _id(request))
        if public["customer"] != request.arguments["customer"]:
            raise NotFound(f"No such payment method: {_id(request)!r}.")
        return await self._expander.shown(request, public, given.expand)

    async def _listed(self, request: Request, customer: CustomerId, given: Owned) -> Answer:
        query = ListMethods(request.merchant, customer, given.type, page(given))
        found = await self._payments.list_methods(query)
        public = listing(request.path, found.items, found.has_more, render_method)
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> Metadata:
        query = MethodQuery(request.merchant, _id(request))
        return (await self._payments.get_method(query)).metadata


def render_method(method: Method) -> Public:
    """A method as the public ``payment_method`` object."""
    return {
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": method.allow_redisplay,
        "billing_details": render_billing(method.billing),
        "card": _card(method.card),
        "created": unix(method.created),
        "customer": method.customer,
        "customer_account": None,
        "livemode": method.livemode,
        "metadata": method.metadata,
        "radar_options": {},
        "type": method.type,
    }


def card_checks(card: Card) -> Public:
    """What the issuer compared."""
    return {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": card.cvc_check,
    }


def _card(card: Card) -> Public:
    return {
        "brand": card.brand,
        "checks": card_checks(card),
        "country": card.country,
        "display_brand": DISPLAY_BRANDS.get(card.brand, card.brand),
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _new(given: Creating) -> NewMethod:
    method = new_method(
        MethodGiven(
            given.type,
            given.card,
            given.billing_details,
            given.metadata or {},
            given.allow_redisplay,
        )
    )
    assert method is not None
    return method


def _id(request: Request) -> MethodId:
    return MethodId(request.arguments["payment_method"])
