"""Money adds and orders within one currency, and is written as its currency is."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.currencies import BY_CODE
from sycee.kernel.money import (
    Currency,
    CurrencyMismatch,
    CurrencyUnknown,
    Money,
    currency,
    exponent,
    numeric_code,
)

USD, JPY, KWD = Currency("USD"), Currency("JPY"), Currency("KWD")
amounts = st.integers(-(10**15), 10**15)
ORDERS = [operator.lt, operator.le, operator.gt, operator.ge]


@given(amounts, amounts)
def test_sums_differences_and_order_are_those_of_the_minor_units(one, other):
    left, right = Money(one, USD), Money(other, USD)
    assert left + right == Money(one + other, USD)
    assert left - right == Money(one - other, USD)
    assert -left == Money(-one, USD)
    for order in ORDERS:
        assert order(left, right) == order(one, other)


@pytest.mark.parametrize("operation", [operator.add, operator.sub, *ORDERS])
def test_two_currencies_do_not_mix(operation):
    with pytest.raises(CurrencyMismatch, match="USD and JPY"):
        operation(Money(1, USD), Money(1, JPY))


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1050, USD), "10.50 USD"),
        (Money(5, USD), "0.05 USD"),
        (Money(-5, USD), "-0.05 USD"),
        (Money(1050, JPY), "1050 JPY"),
        (Money(1050, KWD), "1.050 KWD"),
        (Money(0, USD), "0.00 USD"),
    ],
)
def test_money_is_written_with_its_currencys_digits(money, text):
    assert str(money) == text


def test_a_currency_is_named_in_any_case():
    assert currency("usd") == currency("USD") == USD


@pytest.mark.parametrize("code", ["", "XXZ", "US", "dollars"])
def test_an_unknown_currency_is_refused(code):
    with pytest.raises(CurrencyUnknown) as refused:
        currency(code)
    assert refused.value.param == "currency"


def test_codes_are_those_of_iso_4217():
    assert (numeric_code(USD), exponent(USD)) == (840, 2)
    assert (numeric_code(JPY), exponent(JPY)) == (392, 0)
    assert (numeric_code(KWD), exponent(KWD)) == (414, 3)
    numbers = [numeric for numeric, _ in BY_CODE.values()]
    assert len(set(numbers)) == len(numbers)
