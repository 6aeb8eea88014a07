"""Instants as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.services.accounting.domain.dates import day, read, written


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01", 0),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000_000_000),
        ("2023-11-14t22:13:20.5z", 1_700_000_000_500_000_000),
        ("2023-11-14 22:13:20.000000001Z", 1_700_000_000_000_000_001),
        ("2023-11-15T00:13:20+02:00", 1_700_000_000_000_000_000),
        ("2023-11-14T20:43:20-01:30", 1_700_000_000_000_000_000),
        ("1969-12-31T23:59:59.9Z", -100_000_000),
        ("2023-02-29", None),
        ("2023-11-14T22:13:20", None),
        ("2023-11-14T25:13:20Z", None),
        ("2023-11-14T22:13:20.0000000001Z", None),
        ("٢٠٢٣-11-14", None),
        ("tomorrow", None),
    ],
)
def test_a_text_names_an_instant_or_none(text, instant):
    assert read(text) == instant


@given(st.integers(0, 7_258_118_400_000_000_000))
def test_what_is_written_is_read_again(instant):
    assert read(written(instant)) == instant
    assert written(instant).startswith(day(instant))
