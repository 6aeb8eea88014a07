"""``/v1/customers``: create, retrieve, update, delete, list."""

from __future__ import annotations

import msgspec

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.shapes import (
    AddressGiven,
    Expanding,
    Id,
    MetadataGiven,
    Public,
    ShippingGiven,
    Text,
    address,
    answer,
    changed_metadata,
    listing,
    render_address,
    render_shipping,
    shipping,
    unix,
)
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.customers import (
    CreateCustomer,
    Customer,
    CustomerFields,
    CustomerQuery,
    DeleteCustomer,
    ListCustomers,
    UpdateCustomer,
)
from sycee.services.payments.contract.shared import CustomerId, Metadata, MethodId

PATH = "/v1/customers"
ONE = PATH + "/{id}"
INVOICE_PREFIX_CHARACTERS = 8


class Invoicing(msgspec.Struct, frozen=True):
    """Of the settings for invoices, the one that payments use too."""

    default_payment_method: Id | None = None


class Describing(Expanding, frozen=True, kw_only=True):
    """Parameters of update."""

    address: AddressGiven = None
    description: Text | None = None
    email: Text | None = None
    invoice_settings: Invoicing = Invoicing()
    metadata: MetadataGiven = None
    name: Text | None = None
    phone: Text | None = None
    shipping: ShippingGiven = None


class Creating(Describing, frozen=True, kw_only=True):
    """Parameters of create."""

    payment_method: Id | None = None


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    email: Text | None = None


class Customers:
    """The operations on customers."""

    def __init__(self, payments: Payments, expander: Expander) -> None:
        self._payments = payments
        self._expander = expander
        expander.fetches("customer", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One customer, to be shown inside another object."""
        query = CustomerQuery(request.merchant, CustomerId(id))
        return render_customer(await self._payments.get_customer(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(f"POST {PATH}", self.create, Creating, answers="customer"),
            route(f"GET {PATH}", self.list_page, Listing, answers="list of customer"),
            route(f"GET {ONE}", self.retrieve, Expanding, answers="customer"),
            route(f"POST {ONE}", self.update, Describing, answers="customer"),
            route(f"DELETE {ONE}", self.delete, Expanding, answers="deleted_customer"),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Create a customer, optionally with a payment method."""
        command = CreateCustomer(
            request.origin(),
            _fields(given, given.metadata or None),
            None if given.payment_method is None else MethodId(given.payment_method),
        )
        public = render_customer(await self._payments.create_customer(command))
        return await self._expander.shown(request, public, given.expand)

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a customer."""
        public = await self.fetch(request, _id(request))
        paths = [] if "deleted" in public else given.expand
        return await self._expander.shown(request, public, paths)

    async def update(self, request: Request, given: Describing) -> Answer:
        """Update a customer."""
        metadata = await changed_metadata(given.metadata, lambda: self._metadata(request))
        command = UpdateCustomer(request.origin(), _id(request), _fields(given, metadata))
        public = render_customer(await self._payments.update_customer(command))
        return await self._expander.shown(request, public, given.expand)

    async def delete(self, request: Request, given: Expanding) -> Answer:
        """Delete a customer; its payments stay."""
        command = DeleteCustomer(request.origin(), _id(request))
        return answer(render_customer(await self._payments.delete_customer(command)))

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List customers, newest first."""
        query = ListCustomers(request.merchant, page(given), given.email)
        found = await self._payments.list_customers(query)
        public = listing(PATH, found.items, found.has_more, render_customer)
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> Metadata:
        query = CustomerQuery(request.merchant, _id(request))
        return (await self._payments.get_customer(query)).metadata


def render_customer(customer: Customer) -> Public:
    """A customer as the public ``customer`` object, or what is left of a deleted one."""
    if customer.deleted:
        return {"id": customer.id, "object": "customer", "deleted": True}
    return {
        "id": customer.id,
        "object": "customer",
        "address": render_address(customer.address),
        "balance": 0,
        "cash_balance": None,
        "created": unix(customer.created),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": customer.description,
        "discount": None,
        "email": customer.email,
        "invoice_prefix": customer.id[-INVOICE_PREFIX_CHARACTERS:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": customer.default_method,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": customer.livemode,
        "metadata": customer.metadata,
        "name": customer.name,
        "next_invoice_sequence": 1,
        "phone": customer.phone,
        "preferred_locales": [],
        "shipping": render_shipping(customer.shipping),
        "tax_exempt": "none",
        "test_clock": None,
    }


def _fields(given: Describing, metadata: Metadata | None) -> CustomerFields:
    method = given.invoice_settings.default_payment_method
    return CustomerFields(
        given.name,
        given.email,
        given.phone,
        given.description,
        address(given.address),
        shipping(given.shipping),
        metadata,
        None if method is None else MethodId(method),
    )


def _id(request: Request) -> CustomerId:
    return CustomerId(request.arguments["id"])
