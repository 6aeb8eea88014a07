"""Products and prices over a real database."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
import pytest_asyncio
from tests.services.floor import FakeHost

from sycee.kernel.refusal import NotFound
from sycee.services.checkout import app, jobs
from sycee.services.checkout.app import Settings
from sycee.services.checkout.contract.catalog import (
    CreatePrice,
    CreateProduct,
    DeleteProduct,
    ListPrices,
    ListProducts,
    LookupKeyTaken,
    NewPrice,
    PriceFields,
    PriceInvalid,
    PriceQuery,
    ProductFields,
    ProductHasPrices,
    ProductQuery,
    UnitAmount,
    UpdatePrice,
    UpdateProduct,
)
from sycee.services.checkout.service.parts import Parts
from sycee.services.payments.contract.shared import IdempotencyConflict, Origin, Page

SHOP = Origin("m_shop")
OTHER = Origin("m_other")
TEA = ProductFields(name="Tea")
NEWEST = Page()
replace = msgspec.structs.replace


def asks(minor: int = 250, **fields) -> NewPrice:
    return NewPrice("USD", UnitAmount(minor), PriceFields(**fields))


@pytest_asyncio.fixture
async def host(tmp_path):
    host = FakeHost(tmp_path)
    yield host
    await host.close()


@pytest_asyncio.fixture
async def checkout(host):
    return await app.build(host, Settings())


async def test_a_product_comes_with_its_default_price(checkout):
    product = await checkout.create_product(CreateProduct(SHOP, TEA, asks(250)))
    price = await checkout.get_price(PriceQuery(SHOP.merchant, product.default_price))
    assert (price.product, price.unit_amount_minor, price.currency) == (product.id, 250, "USD")


async def test_a_price_comes_with_its_product(checkout):
    price = await checkout.create_price(CreatePrice(SHOP, asks(), new_product=TEA))
    product = await checkout.get_product(ProductQuery(SHOP.merchant, price.product))
    assert product.name == "Tea"


async def test_a_price_needs_one_product(checkout):
    product = await checkout.create_product(CreateProduct(SHOP, TEA))
    for command in (
        CreatePrice(SHOP, asks()),
        CreatePrice(SHOP, asks(), product.id, TEA),
    ):
        with pytest.raises(PriceInvalid):
            await checkout.create_price(command)


async def test_a_refused_price_leaves_no_product_behind(checkout):
    with pytest.raises(PriceInvalid):
        await checkout.create_product(CreateProduct(SHOP, TEA, asks(-1)))
    with pytest.raises(PriceInvalid):
        await checkout.create_price(CreatePrice(SHOP, asks(-1), new_product=TEA))
    assert (await checkout.list_products(ListProducts(SHOP.merchant))).items == ()


async def test_a_repeated_key_makes_one_product(checkout):
    """MS2."""
    origin = replace(SHOP, idempotency_key="k", request_hash=b"1")
    made = await asyncio.gather(
        *(checkout.create_product(CreateProduct(origin, TEA)) for _ in range(5))
    )
    assert len({product.id for product in made}) == 1
    assert len((await checkout.list_products(ListProducts(SHOP.merchant))).items) == 1
    with pytest.raises(IdempotencyConflict):
        await checkout.create_product(CreateProduct(replace(origin, request_hash=b"2"), TEA))


async def test_old_keys_are_forgotten(checkout, host):
    settings = Settings()
    origin = replace(SHOP, idempotency_key="k")
    first = await checkout.create_product(CreateProduct(origin, TEA))
    parts = Parts(settings, host.databases["checkout"], host.clock, host.ids)
    await jobs.forget_keys(parts)
    assert await checkout.create_product(CreateProduct(origin, TEA)) == first
    host.clock.pass_s(settings.keep_keys_s + 1)
    await jobs.forget_keys(parts)
    assert (await checkout.create_product(CreateProduct(origin, TEA))).id != first.id


def test_keys_are_kept_for_a_day_at_least():
    with pytest.raises(ValueError, match="keep_keys_s"):
        Settings(keep_keys_s=60)


async def test_a_product_with_prices_stays(checkout):
    product = await checkout.create_product(CreateProduct(SHOP, TEA, asks()))
    with pytest.raises(ProductHasPrices):
        await checkout.delete_product(DeleteProduct(SHOP, product.id))


async def test_a_deleted_product_is_gone_and_takes_no_price(checkout):
    product = await checkout.create_product(CreateProduct(SHOP, TEA))
    await checkout.delete_product(DeleteProduct(SHOP, product.id))
    with pytest.raises(NotFound):
        await checkout.get_product(ProductQuery(SHOP.merchant, product.id))
    with pytest.raises(NotFound):
        await checkout.create_price(CreatePrice(SHOP, asks(), product.id))


async def test_a_product_is_deleted_or_priced_but_never_both(checkout):
    product = await checkout.create_product(CreateProduct(SHOP, TEA))
    outcomes = await asyncio.gather(
        checkout.delete_product(DeleteProduct(SHOP, product.id)),
        checkout.create_price(CreatePrice(SHOP, asks(), product.id)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, (NotFound, ProductHasPrices)) for outcome in outcomes) == 1


async def test_one_of_many_at_once_gets_a_lookup_key(checkout):
    outcomes = await asyncio.gather(
        *(
            checkout.create_price(CreatePrice(SHOP, asks(lookup_key="cup"), new_product=TEA))
            for _ in range(5)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, LookupKeyTaken) for outcome in outcomes) == 4


async def test_a_lookup_key_moves_when_asked_to(checkout):
    first = await checkout.create_price(CreatePrice(SHOP, asks(lookup_key="cup"), new_product=TEA))
    moving = asks(300, lookup_key="cup", transfer_lookup_key=True)
    second = await checkout.create_price(CreatePrice(SHOP, moving, first.product))
    assert (await checkout.get_price(PriceQuery(SHOP.merchant, first.id))).lookup_key is None
    fields = PriceFields(lookup_key="cup", transfer_lookup_key=True)
    await checkout.update_price(UpdatePrice(SHOP, first.id, fields))
    found = await checkout.list_prices(ListPrices(SHOP.merchant, lookup_keys=("cup", "pot")))
    assert [price.id for price in found.items] == [first.id]
    assert (await checkout.get_price(PriceQuery(SHOP.merchant, second.id))).lookup_key is None


async def test_two_merchants_do_not_meet(checkout):
    mine = await checkout.create_product(CreateProduct(SHOP, TEA, asks(lookup_key="cup")))
    await checkout.create_price(CreatePrice(OTHER, asks(lookup_key="cup"), new_product=TEA))
    for question in (
        checkout.get_product(ProductQuery(OTHER.merchant, mine.id)),
        checkout.get_price(PriceQuery(OTHER.merchant, mine.default_price)),
        checkout.update_product(UpdateProduct(OTHER, mine.id, TEA)),
        checkout.update_price(UpdatePrice(OTHER, mine.default_price, PriceFields())),
        checkout.delete_product(DeleteProduct(OTHER, mine.id)),
        checkout.create_price(CreatePrice(OTHER, asks(), mine.id)),
    ):
        with pytest.raises(NotFound):
            await question


async def test_lists_are_paged_and_filtered(checkout):
    made = [await checkout.create_product(CreateProduct(SHOP, TEA)) for _ in range(3)]
    ids = [product.id for product in reversed(made)]

    async def listed(page: Page = NEWEST, **wanted: object) -> tuple[list[str], bool]:
        found = await checkout.list_products(ListProducts(SHOP.merchant, page, **wanted))
        return [product.id for product in found.items], found.has_more

    assert await listed(Page(2)) == (ids[:2], True)
    assert await listed(Page(2, starting_after=ids[1])) == (ids[2:], False)
    assert await listed(Page(1, ending_before=ids[2])) == ([ids[1]], True)
    await checkout.update_product(UpdateProduct(SHOP, ids[0], ProductFields(active=False)))
    assert await listed(active=False) == ([ids[0]], False)
    assert await listed(url="https://nowhere.example") == ([], False)
    with pytest.raises(NotFound):
        await listed(Page(starting_after="prod_none"))
