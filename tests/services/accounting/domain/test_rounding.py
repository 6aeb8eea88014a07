"""Splits sum to the whole, whatever the rounding."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.accounting.books import move

from sycee.services.accounting.contract import ArgumentInvalid, Rounding, Share, Template
from sycee.services.accounting.domain.rounding import (
    by_largest_remainder,
    decimal,
    limited,
    rounded,
)
from sycee.services.accounting.domain.templates.binding import bound, split

OWN = [each for each in Rounding if each is not Rounding.LARGEST_REMAINDER]
WHOLES = st.integers(0, 2**127 - 1)
PERCENTS = st.integers(0, 100_000_000).map(lambda millionths: Fraction(millionths, 1_000_000))


@pytest.mark.parametrize(
    ("exact", "floor", "ceiling", "half_up", "half_even"),
    [
        ("0", 0, 0, 0, 0),
        ("2", 2, 2, 2, 2),
        ("2.4", 2, 3, 2, 2),
        ("2.5", 2, 3, 3, 2),
        ("3.5", 3, 4, 4, 4),
        ("2.500001", 2, 3, 3, 3),
        ("0.5", 0, 1, 1, 0),
        ("1.6", 1, 2, 2, 2),
    ],
)
def test_every_rounding_is_what_its_name_says(exact, floor, ceiling, half_up, half_even):
    number = Fraction(exact)
    assert rounded(number, Rounding.FLOOR) == floor
    assert rounded(number, Rounding.LARGEST_REMAINDER) == floor
    assert rounded(number, Rounding.CEILING) == ceiling
    assert rounded(number, Rounding.HALF_UP) == half_up
    assert rounded(number, Rounding.HALF_EVEN) == half_even


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [
        (100, ["1/3", "1/3", "1/3"], [34, 33, 33]),
        (101, ["1/3", "1/3", "1/3"], [34, 34, 33]),
        (1, ["1/2", "1/2"], [1, 0]),
        (10, ["333/1000", "667/1000"], [3, 7]),
        (7, ["0", "1"], [0, 7]),
        (0, ["1/2", "1/2"], [0, 0]),
    ],
)
def test_the_largest_remainder_gets_what_is_left(whole, weights, parts):
    assert by_largest_remainder(whole, [Fraction(each) for each in weights]) == parts


@given(WHOLES, st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
def test_parts_by_largest_remainder_sum_to_the_whole_and_are_close(whole, sizes):
    weights = [Fraction(size, sum(sizes)) for size in sizes]
    parts = by_largest_remainder(whole, weights)
    assert sum(parts) == whole
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - whole * weight) < 1


@given(WHOLES, st.lists(WHOLES, max_size=9))
def test_nobody_gets_more_than_is_left(whole, wanted):
    parts, rest = limited(whole, wanted)
    assert sum(parts) + rest == whole
    assert all(0 <= part <= want for part, want in zip(parts, wanted, strict=True))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.9", Fraction(29, 10)),
        ("0", Fraction(0)),
        ("007.50", Fraction(15, 2)),
        ("", None),
        ("-1", None),
        ("1.", None),
        (".5", None),
        ("1e3", None),
        ("٣", None),
        ("1" * 19, None),
        ("nan", None),
    ],
)
def test_a_decimal_is_read_exactly(text, value):
    assert decimal(text) == value


@st.composite
def splits(draw):
    """A move with any shares that may be defined, and its amount."""
    whole = draw(st.integers(1, 10**20))
    if draw(st.booleans()):
        sizes = draw(st.lists(st.integers(0, 100_000_000), min_size=1, max_size=8))
        cuts = sorted(size for size in sizes)
        edges = [0, *cuts, 100_000_000]
        percents = [Fraction(b - a, 1_000_000) for a, b in itertools.pairwise(edges)]
        shares = [Share(f"s{n}", percent=_text(each)) for n, each in enumerate(percents)]
        return whole, shares, Rounding.LARGEST_REMAINDER
    shares = [Share("rest")]
    for n in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            shares.append(Share(f"s{n}", fixed=str(draw(st.integers(0, whole)))))
        else:
            shares.append(Share(f"s{n}", percent=_text(draw(PERCENTS))))
    return whole, draw(st.permutations(shares)), draw(st.sampled_from(OWN))


def _text(percent):
    millionths = percent * 1_000_000
    assert millionths.denominator == 1
    whole, rest = divmod(millionths.numerator, 1_000_000)
    return f"{whole}.{rest:06d}"


@given(splits(), st.booleans())
def test_shares_always_sum_to_the_whole(case, complete):
    whole, shares, rounding = case
    one = move(["source"], shares, str(whole), complete, rounding=rounding)
    run = bound(Template("t", 1, "USD", (), (one,), "", 1), {})
    fixed = sum(int(share.fixed or 0) for share in shares)
    if complete and fixed > whole:
        with pytest.raises(ArgumentInvalid):
            split(run.moves[0], whole)
        return
    parts = split(run.moves[0], whole)
    assert sum(parts) == whole
    assert min(parts) >= 0
    for share, part in zip(shares, parts, strict=True):
        if share.fixed is not None:
            assert part <= int(share.fixed)
        if share.percent is not None:
            assert part - whole * Fraction(share.percent) / 100 < 1
