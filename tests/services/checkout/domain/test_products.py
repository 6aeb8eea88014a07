"""What may be said of a product, one row per rule."""

from __future__ import annotations

import msgspec
import pytest

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound
from sycee.services.checkout.contract.catalog import (
    DefaultPriceInvalid,
    Price,
    PriceId,
    Product,
    ProductFields,
    ProductHasPrices,
    ProductId,
    ProductInvalid,
)
from sycee.services.checkout.domain import products as rules
from sycee.services.payments.contract.shared import MetadataInvalid, TextTooLong

TEA = Product(ProductId("prod_1"), "m_1", Instant(1), False, "Tea", Instant(1))
CUP = Price(PriceId("price_1"), "m_1", Instant(1), False, TEA.id, "USD", "250", 250)
LATER = Instant(2)
replace = msgspec.structs.replace

REFUSED = [
    (ProductFields(name=" "), ProductInvalid, "name"),
    (ProductFields(name="x" * 251), TextTooLong, "name"),
    (ProductFields(unit_label="x" * 13), TextTooLong, "unit_label"),
    (ProductFields(statement_descriptor="TEA"), ProductInvalid, "statement_descriptor"),
    (ProductFields(statement_descriptor="12345"), ProductInvalid, "statement_descriptor"),
    (ProductFields(statement_descriptor="TEA*TEA"), ProductInvalid, "statement_descriptor"),
    (ProductFields(images=("http://a",) * 9), ProductInvalid, "images"),
    (ProductFields(images=("javascript:x",)), ProductInvalid, "images"),
    (ProductFields(images=("http://" + "a" * 2048,)), ProductInvalid, "images"),
    (ProductFields(url="shop.example"), ProductInvalid, "url"),
    (ProductFields(marketing_features=("x",) * 16), ProductInvalid, "marketing_features"),
    (ProductFields(marketing_features=("",)), ProductInvalid, "marketing_features"),
    (ProductFields(marketing_features=("x" * 81,)), ProductInvalid, "marketing_features"),
]


@pytest.mark.parametrize(("fields", "refusal", "param"), REFUSED)
def test_a_field_that_is_not_of_its_form_is_refused(fields, refusal, param):
    with pytest.raises(refusal) as refused:
        rules.check_fields(fields)
    assert refused.value.param == param


def test_fields_within_their_limits_are_taken():
    rules.check_fields(
        ProductFields(
            name="x" * 250,
            images=("https://shop.example/tea.png",) * 8,
            marketing_features=("x" * 80,) * 15,
            statement_descriptor="TEA HOUSE",
            url="https://shop.example/tea",
        )
    )


def test_a_product_needs_a_name():
    assert rules.named(ProductFields(name="Tea")) == "Tea"
    with pytest.raises(ProductInvalid, match="name"):
        rules.named(ProductFields())


def test_an_update_that_says_nothing_changes_nothing():
    assert rules.changed(TEA, ProductFields(), LATER) is TEA
    assert rules.changed(TEA, ProductFields(name="Tea"), LATER) is TEA


def test_an_update_changes_what_it_names_and_the_time():
    fields = ProductFields(
        name="Green tea",
        active=False,
        description="Fresh",
        images=("https://a",),
        marketing_features=("Green",),
        metadata={"size": "L"},
        shippable=True,
        url="https://b",
        default_price=CUP.id,
    )
    after = rules.changed(TEA, fields, LATER)
    assert (after.name, after.active, after.shippable, after.updated) == (
        "Green tea",
        False,
        True,
        LATER,
    )
    assert rules.previous(TEA, after) == {
        "name": "Tea",
        "active": True,
        "description": None,
        "images": (),
        "shippable": None,
        "url": None,
        "default_price": None,
        "marketing_features": [],
        "metadata": {"size": None},
    }


def test_nothing_former_is_told_of_what_stayed():
    assert rules.previous(TEA, TEA) == {}


def test_an_empty_value_clears_a_field():
    full = replace(TEA, description="Fresh", images=("https://a",), metadata={"a": "b"})
    fields = ProductFields(description="", images=(), metadata={"a": ""})
    assert rules.changed(full, fields, LATER) == replace(TEA, updated=LATER)


METADATA = [
    ({"": "x"}, "metadata"),
    ({"k" * 41: "x"}, "metadata"),
    ({"k": "x" * 501}, "metadata[k]"),
    ({str(number): "x" for number in range(51)}, "metadata"),
]


@pytest.mark.parametrize(("metadata", "param"), METADATA)
def test_metadata_beyond_its_limits_is_refused(metadata, param):
    with pytest.raises(MetadataInvalid) as refused:
        rules.changed(TEA, ProductFields(metadata=metadata), LATER)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "price", [None, replace(CUP, product=ProductId("prod_2")), replace(CUP, active=False)]
)
def test_a_default_price_is_an_active_one_of_the_product(price):
    rules.check_default(TEA.id, CUP)
    with pytest.raises(DefaultPriceInvalid):
        rules.check_default(TEA.id, price)


def test_a_product_with_prices_is_not_deleted():
    rules.check_deletable(TEA.id, False)
    with pytest.raises(ProductHasPrices):
        rules.check_deletable(TEA.id, True)


def test_an_unknown_product_is_not_found():
    assert rules.existing(TEA, TEA.id) is TEA
    with pytest.raises(NotFound):
        rules.existing(None, TEA.id)
