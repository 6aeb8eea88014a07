"""``/v1/products``: create, retrieve, update, delete, list."""

from __future__ import annotations

import msgspec

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.prices import Asking, new_price
from sycee.gateway.stripe.shapes import (
    Expanding,
    Id,
    MetadataGiven,
    Public,
    Text,
    answer,
    changed_metadata,
    listing,
    unix,
)
from sycee.services.checkout.contract import Checkout
from sycee.services.checkout.contract.catalog import (
    CreateProduct,
    DeleteProduct,
    ListProducts,
    PriceId,
    Product,
    ProductFields,
    ProductId,
    ProductQuery,
    UpdateProduct,
)
from sycee.services.payments.contract.shared import Metadata

PATH = "/v1/products"
ONE = PATH + "/{id}"


class Feature(msgspec.Struct, frozen=True):
    """Something to praise."""

    name: Text


class Describing(Expanding, frozen=True, kw_only=True):
    """Parameters that create and update share."""

    active: bool | None = None
    description: str | None = None
    images: list[Text] | None = None
    marketing_features: list[Feature] | None = None
    metadata: MetadataGiven = None
    name: Text | None = None
    shippable: bool | None = None
    statement_descriptor: Text | None = None
    unit_label: Text | None = None
    url: Text | None = None


class Creating(Describing, frozen=True, kw_only=True):
    """Parameters of create."""

    name: Text
    default_price_data: Asking | None = None


class Updating(Describing, frozen=True, kw_only=True):
    """Parameters of update."""

    default_price: Id | None = None


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    active: bool | None = None
    url: Text | None = None


class Products:
    """The operations on products."""

    def __init__(self, checkout: Checkout, expander: Expander) -> None:
        self._checkout = checkout
        self._expander = expander
        expander.fetches("product", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One product, to be shown inside another object."""
        query = ProductQuery(request.merchant, ProductId(id))
        return render_product(await self._checkout.get_product(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(f"POST {PATH}", self.create, Creating, answers="product"),
            route(f"GET {PATH}", self.list_page, Listing, answers="list of product"),
            route(f"GET {ONE}", self.retrieve, Expanding, answers="product"),
            route(f"POST {ONE}", self.update, Updating, answers="product"),
            route(f"DELETE {ONE}", self.delete, Expanding, answers="deleted_product"),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Create a product, optionally with its default price."""
        asked = given.default_price_data
        command = CreateProduct(
            request.origin(),
            _fields(given, given.metadata or None),
            None if asked is None else new_price(asked),
        )
        public = render_product(await self._checkout.create_product(command))
        return await self._expander.shown(request, public, given.expand)

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a product."""
        return await self._expander.shown(
            request, await self.fetch(request, _id(request)), given.expand
        )

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update a product."""
        metadata = await changed_metadata(given.metadata, lambda: self._metadata(request))
        price = given.default_price
        fields = msgspec.structs.replace(
            _fields(given, metadata), default_price=None if price is None else PriceId(price)
        )
        command = UpdateProduct(request.origin(), _id(request), fields)
        public = render_product(await self._checkout.update_product(command))
        return await self._expander.shown(request, public, given.expand)

    async def delete(self, request: Request, given: Expanding) -> Answer:
        """Delete a product that has no prices."""
        command = DeleteProduct(request.origin(), _id(request))
        product = await self._checkout.delete_product(command)
        return answer({"id": product.id, "object": "product", "deleted": True})

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List products, newest first."""
        query = ListProducts(request.merchant, page(given), given.active, given.url)
        found = await self._checkout.list_products(query)
        public = listing(PATH, found.items, found.has_more, render_product)
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> Metadata:
        query = ProductQuery(request.merchant, _id(request))
        return (await self._checkout.get_product(query)).metadata


def render_product(product: Product) -> Public:
    """A product as the public ``product`` object."""
    return {
        "id": product.id,
        "object": "product",
        "active": product.active,
        "created": unix(product.created),
        "default_price": product.default_price,
        "description": product.description,
        "images": product.images,
        "livemode": product.livemode,
        "marketing_features": [{"name": name} for name in product.marketing_features],
        "metadata": product.metadata,
        "name": product.name,
        "package_dimensions": None,
        "shippable": product.shippable,
        "statement_descriptor": product.statement_descriptor,
        "tax_code": None,
        "unit_label": product.unit_label,
        "updated": unix(product.updated),
        "url": product.url,
    }


def _fields(given: Describing, metadata: Metadata | None) -> ProductFields:
    features = given.marketing_features
    return ProductFields(
        name=given.name,
        active=given.active,
        description=given.description,
        images=None if given.images is None else tuple(given.images),
        marketing_features=None if features is None else tuple(each.name for each in features),
        metadata=metadata,
        shippable=given.shippable,
        statement_descriptor=given.statement_descriptor,
        unit_label=given.unit_label,
        url=given.url,
    )


def _id(request: Request) -> ProductId:
    return ProductId(request.arguments["id"])
