"""What a price may ask, one row per rule."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound
from sycee.services.checkout.contract.catalog import (
    DefaultPriceInvalid,
    LookupKeyTaken,
    Price,
    PriceFields,
    PriceId,
    PriceInvalid,
    Product,
    ProductId,
    UnitAmount,
)
from sycee.services.checkout.domain import prices as rules
from sycee.services.payments.contract.shared import TextTooLong

TEA = Product(ProductId("prod_1"), "m_1", Instant(1), False, "Tea", Instant(1))
CUP = Price(PriceId("price_1"), "m_1", Instant(1), False, TEA.id, "USD", "250", 250)
replace = msgspec.structs.replace

AMOUNTS = [
    (UnitAmount(250), (250, "250")),
    (UnitAmount(0), (0, "0")),
    (UnitAmount(10**12), (10**12, "1000000000000")),
    (UnitAmount(None, "250"), (250, "250")),
    (UnitAmount(None, "250.00"), (250, "250")),
    (UnitAmount(None, "0.50"), (None, "0.5")),
    (UnitAmount(None, "0.000000000001"), (None, "0.000000000001")),
    (UnitAmount(None, "1000000000000.0"), (10**12, "1000000000000")),
]
REFUSED = [
    (UnitAmount(), "unit_amount"),
    (UnitAmount(1, "1"), "unit_amount"),
    (UnitAmount(-1), "unit_amount"),
    (UnitAmount(10**12 + 1), "unit_amount"),
    *(
        (UnitAmount(None, text), "unit_amount_decimal")
        for text in ("", "-1", "01", "1.", ".5", "1e3", "1,5", "0.0000000000001")
    ),
    (UnitAmount(None, "1000000000000.1"), "unit_amount_decimal"),
    (UnitAmount(None, "٣"), "unit_amount_decimal"),
]


@pytest.mark.parametrize(("asked", "amount"), AMOUNTS)
def test_an_amount_is_whole_or_a_decimal(asked, amount):
    assert rules.unit_amount(asked) == amount


@pytest.mark.parametrize(("asked", "param"), REFUSED)
def test_an_amount_that_is_not_one_is_refused(asked, param):
    with pytest.raises(PriceInvalid) as refused:
        rules.unit_amount(asked)
    assert refused.value.param == param


@given(st.integers(0, 10**12))
def test_a_whole_amount_is_the_same_in_both_forms(minor):
    assert rules.unit_amount(UnitAmount(minor)) == rules.unit_amount(UnitAmount(None, str(minor)))


def test_a_text_that_is_too_long_is_refused():
    rules.check_fields(PriceFields(nickname="Cup", lookup_key="x" * 200))
    with pytest.raises(TextTooLong):
        rules.check_fields(PriceFields(lookup_key="x" * 201))


def test_an_update_changes_what_it_names():
    assert rules.changed(CUP, PriceFields()) == CUP
    fields = PriceFields(False, "Cup", "cup", False, {"a": "b"}, "inclusive")
    after = rules.changed(CUP, fields)
    assert rules.previous(CUP, after) == {
        "active": True,
        "nickname": None,
        "lookup_key": None,
        "tax_behavior": "unspecified",
        "metadata": {"a": None},
    }
    assert rules.previous(CUP, CUP) == {}


def test_the_tax_behavior_is_said_once():
    inclusive = replace(CUP, tax_behavior="inclusive")
    rules.check_change(CUP, inclusive, TEA)
    rules.check_change(inclusive, inclusive, TEA)
    with pytest.raises(PriceInvalid):
        rules.check_change(inclusive, replace(CUP, tax_behavior="exclusive"), TEA)


def test_a_default_price_is_not_archived():
    archived = replace(CUP, active=False)
    rules.check_change(CUP, archived, TEA)
    with pytest.raises(DefaultPriceInvalid):
        rules.check_change(CUP, archived, replace(TEA, default_price=CUP.id))


def test_a_lookup_key_has_one_holder():
    fields = PriceFields(lookup_key="cup")
    rules.check_key(None, None, fields)
    rules.check_key(CUP.id, CUP, fields)
    rules.check_key(None, CUP, replace(fields, transfer_lookup_key=True))
    with pytest.raises(LookupKeyTaken):
        rules.check_key(PriceId("price_2"), CUP, fields)


def test_an_unknown_price_is_not_found():
    assert rules.existing(CUP, CUP.id) is CUP
    with pytest.raises(NotFound):
        rules.existing(None, CUP.id)
