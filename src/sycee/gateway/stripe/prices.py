"""``/v1/prices``: create, retrieve, update, list. A price is paid once."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.shapes import (
    Amount,
    Expanding,
    Id,
    MetadataGiven,
    Public,
    Text,
    changed_metadata,
    listing,
    unix,
)
from sycee.kernel.money import currency
from sycee.services.checkout.contract import Checkout
from sycee.services.checkout.contract.catalog import (
    CreatePrice,
    ListPrices,
    NewPrice,
    Price,
    PriceFields,
    PriceId,
    PriceQuery,
    ProductFields,
    ProductId,
    TaxBehavior,
    UnitAmount,
    UpdatePrice,
)
from sycee.services.payments.contract.shared import Metadata

PATH = "/v1/prices"
ONE = PATH + "/{id}"
LOOKUP_KEYS_MAX = 10

Code = Annotated[str, Meta(max_length=3)]


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What a price asks, when it is made along with its product."""

    currency: Code
    metadata: dict[str, str] = {}
    tax_behavior: TaxBehavior | None = None
    unit_amount: Amount | None = None
    unit_amount_decimal: Text | None = None


class ProductGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A product that is made along with its price."""

    name: Text
    active: bool | None = None
    metadata: dict[str, str] = {}
    statement_descriptor: Text | None = None
    unit_label: Text | None = None


class Changing(Expanding, frozen=True, kw_only=True):
    """Parameters of update."""

    active: bool | None = None
    lookup_key: Text | None = None
    metadata: MetadataGiven = None
    nickname: Text | None = None
    tax_behavior: TaxBehavior | None = None
    transfer_lookup_key: bool = False


class Creating(Changing, frozen=True, kw_only=True):
    """Parameters of create."""

    currency: Code
    product: Id | None = None
    product_data: ProductGiven | None = None
    unit_amount: Amount | None = None
    unit_amount_decimal: Text | None = None
    billing_scheme: Literal["per_unit"] = "per_unit"


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    active: bool | None = None
    currency: Code | None = None
    lookup_keys: list[Text] | None = None
    product: Id | None = None
    type: Literal["one_time"] | None = None


class Prices:
    """The operations on prices."""

    def __init__(self, checkout: Checkout, expander: Expander) -> None:
        self._checkout = checkout
        self._expander = expander
        expander.fetches("price", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One price, to be shown inside another object."""
        query = PriceQuery(request.merchant, PriceId(id))
        return render_price(await self._checkout.get_price(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(f"POST {PATH}", self.create, Creating, answers="price"),
            route(f"GET {PATH}", self.list_page, Listing, answers="list of price"),
            route(f"GET {ONE}", self.retrieve, Expanding, answers="price"),
            route(f"POST {ONE}", self.update, Changing, answers="price"),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Create a price, optionally with its product."""
        price = NewPrice(
            currency(given.currency),
            UnitAmount(given.unit_amount, given.unit_amount_decimal),
            _fields(given, given.metadata or None),
        )
        product = None if given.product is None else ProductId(given.product)
        command = CreatePrice(request.origin(), price, product, _product(given.product_data))
        public = render_price(await self._checkout.create_price(command))
        return await self._expander.shown(request, public, given.expand)

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a price."""
        return await self._expander.shown(
            request, await self.fetch(request, _id(request)), given.expand
        )

    async def update(self, request: Request, given: Changing) -> Answer:
        """Update a price; what it asks stays."""
        metadata = await changed_metadata(given.metadata, lambda: self._metadata(request))
        command = UpdatePrice(request.origin(), _id(request), _fields(given, metadata))
        public = render_price(await self._checkout.update_price(command))
        return await self._expander.shown(request, public, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List prices, newest first."""
        query = ListPrices(
            request.merchant,
            page(given),
            given.active,
            None if given.currency is None else currency(given.currency),
            None if given.product is None else ProductId(given.product),
            _keys(given.lookup_keys or []),
        )
        found = await self._checkout.list_prices(query)
        public = listing(PATH, found.items, found.has_more, render_price)
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> Metadata:
        query = PriceQuery(request.merchant, _id(request))
        return (await self._checkout.get_price(query)).metadata


def new_price(given: Asking) -> NewPrice:
    """A price as the contract takes it."""
    return NewPrice(
        currency(given.currency),
        UnitAmount(given.unit_amount, given.unit_amount_decimal),
        PriceFields(metadata=given.metadata, tax_behavior=given.tax_behavior),
    )


def render_price(price: Price) -> Public:
    """A price as the public ``price`` object."""
    return {
        "id": price.id,
        "object": "price",
        "active": price.active,
        "billing_scheme": "per_unit",
        "created": unix(price.created),
        "currency": price.currency.lower(),
        "custom_unit_amount": None,
        "livemode": price.livemode,
        "lookup_key": price.lookup_key,
        "metadata": price.metadata,
        "nickname": price.nickname,
        "product": price.product,
        "recurring": None,
        "tax_behavior": price.tax_behavior,
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": price.unit_amount_minor,
        "unit_amount_decimal": price.unit_amount_decimal,
    }


def _fields(given: Changing, metadata: Metadata | None) -> PriceFields:
    return PriceFields(
        active=given.active,
        nickname=given.nickname,
        lookup_key=given.lookup_key,
        transfer_lookup_key=given.transfer_lookup_key,
        metadata=metadata,
        tax_behavior=given.tax_behavior,
    )


def _keys(given: list[str]) -> tuple[str, ...]:
    if len(given) > LOOKUP_KEYS_MAX:
        raise ParameterInvalid(
            f"lookup_keys holds at most {LOOKUP_KEYS_MAX} keys.", param="lookup_keys"
        )
    return tuple(given)


def _product(given: ProductGiven | None) -> ProductFields | None:
    if given is None:
        return None
    return ProductFields(
        name=given.name,
        active=given.active,
        metadata=given.metadata,
        statement_descriptor=given.statement_descriptor,
        unit_label=given.unit_label,
    )


def _id(request: Request) -> PriceId:
    return PriceId(request.arguments["id"])
