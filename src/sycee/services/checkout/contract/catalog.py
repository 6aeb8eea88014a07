"""Products and their prices."""

from __future__ import annotations

from typing import Literal, NewType, Protocol, TypeAlias

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency, CurrencyUnknown
from sycee.kernel.refusal import NotFound, Refusal, refuses
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.shared import (
    IdempotencyConflict,
    Metadata,
    MetadataInvalid,
    Origin,
    Page,
    TextTooLong,
)

ProductId = NewType("ProductId", str)
"""``prod_…``"""
PriceId = NewType("PriceId", str)
"""``price_…``"""

TaxBehavior: TypeAlias = Literal["exclusive", "inclusive", "unspecified"]
"""Whether the price contains the tax."""


class Product(msgspec.Struct, frozen=True):
    """A thing or a service that a merchant sells."""

    id: ProductId
    merchant: MerchantId
    created: Instant
    livemode: bool
    name: str
    updated: Instant
    active: bool = True
    description: str | None = None
    images: tuple[str, ...] = ()
    marketing_features: tuple[str, ...] = ()
    metadata: Metadata = {}
    shippable: bool | None = None
    statement_descriptor: str | None = None
    unit_label: str | None = None
    url: str | None = None
    default_price: PriceId | None = None


class ProductFields(msgspec.Struct, frozen=True):
    """What can be said of a product; None leaves a field as it is, an empty one clears it."""

    name: str | None = None
    active: bool | None = None
    description: str | None = None
    images: tuple[str, ...] | None = None
    """Up to eight addresses."""
    marketing_features: tuple[str, ...] | None = None
    """Up to fifteen, of at most 80 characters each."""
    metadata: Metadata | None = None
    shippable: bool | None = None
    statement_descriptor: str | None = None
    unit_label: str | None = None
    url: str | None = None
    default_price: PriceId | None = None


class UnitAmount(msgspec.Struct, frozen=True):
    """What one unit costs in minor units: whole, or as a decimal with up to twelve places."""

    minor: int | None = None
    decimal: str | None = None


class PriceFields(msgspec.Struct, frozen=True):
    """What may change of a price; None leaves a field as it is, an empty text clears it."""

    active: bool | None = None
    nickname: str | None = None
    lookup_key: str | None = None
    """At most one price of a merchant has the key, in test and in live mode each."""
    transfer_lookup_key: bool = False
    """Take the key from the price that has it now."""
    metadata: Metadata | None = None
    tax_behavior: TaxBehavior | None = None
    """Once ``exclusive`` or ``inclusive`` it stays."""


class NewPrice(msgspec.Struct, frozen=True):
    """A price that is paid once."""

    currency: Currency
    unit_amount: UnitAmount
    fields: PriceFields = PriceFields()


class CreateProduct(msgspec.Struct, frozen=True):
    """A new product, optionally with its default price."""

    origin: Origin
    fields: ProductFields
    price: NewPrice | None = None


class UpdateProduct(msgspec.Struct, frozen=True):
    """Change a product."""

    origin: Origin
    id: ProductId
    fields: ProductFields


class DeleteProduct(msgspec.Struct, frozen=True):
    """Remove a product that never had a price."""

    origin: Origin
    id: ProductId


class ProductQuery(msgspec.Struct, frozen=True):
    """Name one product."""

    merchant: MerchantId
    id: ProductId


class ListProducts(msgspec.Struct, frozen=True):
    """A merchant's products, newest first."""

    merchant: MerchantId
    page: Page = Page()
    active: bool | None = None
    url: str | None = None


class ProductPage(msgspec.Struct, frozen=True):
    """One page of products."""

    items: tuple[Product, ...]
    has_more: bool


class Price(msgspec.Struct, frozen=True):
    """What a unit of a product costs in one currency. The amount never changes."""

    id: PriceId
    merchant: MerchantId
    created: Instant
    livemode: bool
    product: ProductId
    currency: Currency
    unit_amount_decimal: str
    unit_amount_minor: int | None
    """None when the decimal is not whole."""
    active: bool = True
    nickname: str | None = None
    lookup_key: str | None = None
    metadata: Metadata = {}
    tax_behavior: str = "unspecified"


class CreatePrice(msgspec.Struct, frozen=True):
    """A new price of a product that is there, or of one that is made along."""

    origin: Origin
    price: NewPrice
    product: ProductId | None = None
    new_product: ProductFields | None = None


class UpdatePrice(msgspec.Struct, frozen=True):
    """Change a price, but not what it asks."""

    origin: Origin
    id: PriceId
    fields: PriceFields


class PriceQuery(msgspec.Struct, frozen=True):
    """Name one price."""

    merchant: MerchantId
    id: PriceId


class ListPrices(msgspec.Struct, frozen=True):
    """A merchant's prices, newest first."""

    merchant: MerchantId
    page: Page = Page()
    active: bool | None = None
    currency: Currency | None = None
    product: ProductId | None = None
    lookup_keys: tuple[str, ...] = ()
    """Up to ten; a price has to have one of them."""


class PricePage(msgspec.Struct, frozen=True):
    """One page of prices."""

    items: tuple[Price, ...]
    has_more: bool


class ProductInvalid(Refusal, code="product_invalid", status=422):
    """A field of the product, named by ``param``, is not of its form."""


class ProductHasPrices(Refusal, code="product_has_prices", status=409):
    """A product that has prices can be archived, but not deleted."""


class DefaultPriceInvalid(Refusal, code="default_price_invalid", status=422):
    """The default price must be an active price of the same product."""


class PriceInvalid(Refusal, code="price_invalid", status=422):
    """A field of the price, named by ``param``, is not of its form or may not change any more."""


class LookupKeyTaken(Refusal, code="lookup_key_taken", status=409):
    """Another price has the lookup key."""


class Catalog(Protocol):
    """What a merchant sells. A repeated idempotency key gets the first answer."""

    @refuses(
        ProductInvalid,
        PriceInvalid,
        LookupKeyTaken,
        TextTooLong,
        MetadataInvalid,
        CurrencyUnknown,
        IdempotencyConflict,
    )
    async def create_product(self, command: CreateProduct) -> Product:
        """Offer a product."""
        ...

    @refuses(
        NotFound,
        ProductInvalid,
        DefaultPriceInvalid,
        TextTooLong,
        MetadataInvalid,
        IdempotencyConflict,
    )
    async def update_product(self, command: UpdateProduct) -> Product:
        """Change a product."""
        ...

    @refuses(NotFound, ProductHasPrices, IdempotencyConflict)
    async def delete_product(self, command: DeleteProduct) -> Product:
        """Remove a product without prices; the answer is what it was."""
        ...

    @refuses(NotFound)
    async def get_product(self, query: ProductQuery) -> Product:
        """One product."""
        ...

    @refuses(NotFound)
    async def list_products(self, query: ListProducts) -> ProductPage:
        """A page of products; an unknown cursor is not found."""
        ...

    @refuses(
        NotFound,
        ProductInvalid,
        PriceInvalid,
        LookupKeyTaken,
        TextTooLong,
        MetadataInvalid,
        CurrencyUnknown,
        IdempotencyConflict,
    )
    async def create_price(self, command: CreatePrice) -> Price:
        """Set a price."""
        ...

    @refuses(
        NotFound,
        PriceInvalid,
        DefaultPriceInvalid,
        LookupKeyTaken,
        TextTooLong,
        MetadataInvalid,
        IdempotencyConflict,
    )
    async def update_price(self, command: UpdatePrice) -> Price:
        """Change a price."""
        ...

    @refuses(NotFound)
    async def get_price(self, query: PriceQuery) -> Price:
        """One price."""
        ...

    @refuses(NotFound)
    async def list_prices(self, query: ListPrices) -> PricePage:
        """A page of prices; an unknown cursor is not found."""
        ...
