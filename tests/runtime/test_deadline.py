"""A deadline only ever comes nearer."""

from __future__ import annotations

from sycee.runtime import deadline


def test_without_a_deadline_there_is_the_default() -> None:
    assert deadline.remaining_s() == deadline.DEFAULT_S


def test_an_inner_deadline_cannot_outlast_the_outer_one() -> None:
    with deadline.within(5):
        with deadline.within(60):
            assert deadline.remaining_s() <= 5
        with deadline.within(1):
            assert deadline.remaining_s() <= 1
        assert 1 < deadline.remaining_s() <= 5
    assert deadline.remaining_s() == deadline.DEFAULT_S
