"""Keeps the contract about products and prices."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Session
from sycee.services.checkout.contract.catalog import (
    CreatePrice,
    CreateProduct,
    DeleteProduct,
    ListPrices,
    ListProducts,
    NewPrice,
    Price,
    PriceFields,
    PriceId,
    PriceInvalid,
    PricePage,
    PriceQuery,
    Product,
    ProductFields,
    ProductId,
    ProductPage,
    ProductQuery,
    UpdatePrice,
    UpdateProduct,
)
from sycee.services.checkout.domain import prices as price_rules
from sycee.services.checkout.domain import products as product_rules
from sycee.services.checkout.service.parts import Parts
from sycee.services.checkout.store import prices as price_rows
from sycee.services.checkout.store import products as product_rows
from sycee.services.payments.contract.shared import Origin


class CatalogService:
    """All of ``Checkout``."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create_product(self, command: CreateProduct) -> Product:
        return await self._parts.once(
            command.origin, Product, lambda session: self._create_product(session, command)
        )

    async def update_product(self, command: UpdateProduct) -> Product:
        return await self._parts.once(
            command.origin, Product, lambda session: self._update_product(session, command)
        )

    async def delete_product(self, command: DeleteProduct) -> Product:
        return await self._parts.once(
            command.origin, Product, lambda session: self._delete_product(session, command)
        )

    async def get_product(self, query: ProductQuery) -> Product:
        found = await self._parts.database.read(
            lambda session: product_rows.find(session, query.merchant, query.id)
        )
        return product_rules.existing(found, query.id)

    async def list_products(self, query: ListProducts) -> ProductPage:
        return await self._parts.database.read(lambda session: product_rows.page_of(session, query))

    async def create_price(self, command: CreatePrice) -> Price:
        return await self._parts.once(
            command.origin, Price, lambda session: self._create_price(session, command)
        )

    async def update_price(self, command: UpdatePrice) -> Price:
        return await self._parts.once(
            command.origin, Price, lambda session: self._update_price(session, command)
        )

    async def get_price(self, query: PriceQuery) -> Price:
        found = await self._parts.database.read(
            lambda session: price_rows.find(session, query.merchant, query.id)
        )
        return price_rules.existing(found, query.id)

    async def list_prices(self, query: ListPrices) -> PricePage:
        return await self._parts.database.read(lambda session: price_rows.page_of(session, query))

    def _create_product(self, session: Session, command: CreateProduct) -> Product:
        origin = command.origin
        product = self._fresh_product(origin, command.fields)
        if command.price is None:
            return self._add_product(session, origin, product)
        price = self._fresh_price(session, origin, command.price, product.id)
        product = msgspec.structs.replace(product, default_price=price.id)
        self._add_product(session, origin, product)
        self._add_price(session, origin, price)
        return product

    def _update_product(self, session: Session, command: UpdateProduct) -> Product:
        origin, fields = command.origin, command.fields
        product_rules.check_fields(fields)
        found = product_rows.find(session, origin.merchant, command.id)
        before = product_rules.existing(found, command.id)
        after = product_rules.changed(before, fields, self._parts.clock.now())
        if fields.default_price is not None:
            price = price_rows.find(session, origin.merchant, fields.default_price)
            product_rules.check_default(before.id, price)
        if after is not before:
            product_rows.replace(session, after)
            former = product_rules.previous(before, after)
            self._parts.publish(session, "product.updated", after, origin, former)
        return after

    def _delete_product(self, session: Session, command: DeleteProduct) -> Product:
        origin = command.origin
        found = product_rows.find(session, origin.merchant, command.id)
        product = product_rules.existing(found, command.id)
        product_rules.check_deletable(product.id, price_rows.has_any(session, product.id))
        product_rows.drop(session, product)
        self._parts.publish(session, "product.deleted", product, origin)
        return product

    def _create_price(self, session: Session, command: CreatePrice) -> Price:
        origin = command.origin
        if (command.product is None) == (command.new_product is None):
            raise PriceInvalid("Give either product or product_data.", param="product")
        if command.new_product is not None:
            product = self._fresh_product(origin, command.new_product)
            price = self._fresh_price(session, origin, command.price, product.id)
            self._add_product(session, origin, product)
            return self._add_price(session, origin, price)
        wanted = command.product
        assert wanted is not None, "one of both is given"
        found = product_rows.find(session, origin.merchant, wanted)
        product = product_rules.existing(found, wanted)
        price = self._fresh_price(session, origin, command.price, product.id)
        return self._add_price(session, origin, price)

    def _update_price(self, session: Session, command: UpdatePrice) -> Price:
        origin, fields = command.origin, command.fields
        price_rules.check_fields(fields)
        found = price_rows.find(session, origin.merchant, command.id)
        before = price_rules.existing(found, command.id)
        after = price_rules.changed(before, fields)
        product = product_rows.find(session, origin.merchant, before.product)
        assert product is not None, "a product with prices is never deleted"
        price_rules.check_change(before, after, product)
        self._take_key(session, origin, before.id, fields)
        self._change_price(session, origin, before, after)
        return after

    def _fresh_product(self, origin: Origin, fields: ProductFields) -> Product:
        product_rules.check_fields(fields)
        now = self._parts.clock.now()
        blank = Product(
            id=ProductId(self._parts.ids.new("prod")),
            merchant=origin.merchant,
            created=now,
            livemode=origin.livemode,
            name=product_rules.named(fields),
            updated=now,
        )
        return product_rules.changed(blank, fields, now)

    def _fresh_price(
        self, session: Session, origin: Origin, new: NewPrice, product: ProductId
    ) -> Price:
        """A price whose lookup key nobody has any more."""
        price_rules.check_fields(new.fields)
        minor, decimal = price_rules.unit_amount(new.unit_amount)
        blank = Price(
            id=PriceId(self._parts.ids.new("price")),
            merchant=origin.merchant,
            created=self._parts.clock.now(),
            livemode=origin.livemode,
            product=product,
            currency=new.currency,
            unit_amount_decimal=decimal,
            unit_amount_minor=minor,
        )
        price = price_rules.changed(blank, new.fields)
        self._take_key(session, origin, price.id, new.fields)
        return price

    def _take_key(
        self, session: Session, origin: Origin, price: PriceId, fields: PriceFields
    ) -> None:
        """See to it that no other price has the lookup key."""
        if not fields.lookup_key:
            return
        holder = price_rows.holder_of(session, origin.merchant, origin.livemode, fields.lookup_key)
        price_rules.check_key(price, holder, fields)
        if holder is not None and holder.id != price:
            without = msgspec.structs.replace(holder, lookup_key=None)
            self._change_price(session, origin, holder, without)

    def _add_product(self, session: Session, origin: Origin, product: Product) -> Product:
        product_rows.add(session, product)
        self._parts.publish(session, "product.created", product, origin)
        return product

    def _add_price(self, session: Session, origin: Origin, price: Price) -> Price:
        price_rows.add(session, price)
        self._parts.publish(session, "price.created", price, origin)
        return price

    def _change_price(self, session: Session, origin: Origin, before: Price, after: Price) -> None:
        former = price_rules.previous(before, after)
        if former:
            price_rows.replace(session, after)
            self._parts.publish(session, "price.updated", after, origin, former)
