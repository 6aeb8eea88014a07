"""Fees are exact, rounded half up once, and never more than the amount."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.currencies import BY_CODE
from sycee.kernel.money import Money, exponent
from sycee.services.payments.domain.fees import fee_minor


@pytest.mark.parametrize(
    ("minor", "currency", "basis_points", "fixed", "fee"),
    [
        (2000, "USD", 290, 30, 88),
        (1, "USD", 290, 30, 1),
        (1000, "USD", 0, 0, 0),
        (1000, "USD", 10_000, 30, 1000),
        (50, "USD", 100, 0, 1),  # half a cent goes up
        (49, "USD", 100, 0, 0),
        (2000, "JPY", 290, 30, 58),  # 58 yen and three tenths
        (2000, "JPY", 290, 50, 59),
        (2000, "KWD", 290, 30, 358),  # fils: 58 and 300
    ],
)
def test_a_fee(minor, currency, basis_points, fixed, fee):
    assert fee_minor(Money(minor, currency), basis_points, fixed) == fee


@given(
    st.integers(1, 10**15),
    st.sampled_from(sorted(BY_CODE)),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
)
def test_a_fee_is_the_exact_sum_rounded_half_up(minor, currency, basis_points, fixed):
    """MS6."""
    exact = Fraction(minor * basis_points, 10_000) + Fraction(fixed * 10 ** exponent(currency), 100)
    rounded = (exact + Fraction(1, 2)).__floor__()
    assert fee_minor(Money(minor, currency), basis_points, fixed) == min(rounded, minor)
