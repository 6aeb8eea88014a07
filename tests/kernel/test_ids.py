"""Ids carry their time, sort by it, and derive the same numbers from the same parts."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.clock import Instant, after, seconds
from sycee.kernel.ids import Ids, derived_number, encode
from tests.services.floor import NOON, FakeClock

MILLISECOND_NS = 1_000_000
instants = st.integers(0, 2**60).map(Instant)
entropies = st.binary(min_size=8, max_size=8)


@given(instants, instants, entropies, entropies)
def test_later_milliseconds_sort_after_earlier_ones(one, other, first, second):
    if one // MILLISECOND_NS == other // MILLISECOND_NS:
        return
    assert (encode("pi", one, first) < encode("pi", other, second)) == (one < other)


def test_an_id_has_its_prefix_and_one_length():
    ids = Ids(FakeClock(), itertools.count().__next__().to_bytes)
    made = ids.new("pi")
    assert made.startswith("pi_")
    assert len(made) == len("pi_") + 24


@given(st.lists(instants, min_size=1, max_size=5), st.randoms())
def test_ids_sort_in_the_order_in_which_they_were_made(moments, chance):
    clock = FakeClock()
    ids = Ids(clock, chance.randbytes)
    made = []
    for clock.instant in sorted(moments):
        made += [ids.new("pi") for _ in range(3)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@given(instants, entropies)
def test_the_first_id_of_a_millisecond_is_its_time_and_entropy(instant, entropy):
    clock = FakeClock()
    clock.instant = instant
    halved = (int.from_bytes(entropy, "big") >> 1).to_bytes(8, "big")
    assert Ids(clock, lambda size: entropy).new("pi") == encode("pi", instant, halved)


def test_steps_fit_into_a_millisecond_whatever_is_drawn():
    ids = Ids(FakeClock(), lambda size: b"\xff" * size)
    made = [ids.new("pi") for _ in range(10_000)]
    assert made == sorted(made)
    assert {len(each) for each in made} == {27}


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_derived_number_is_stable_and_never_zero(parts):
    number = derived_number(*parts)
    assert number == derived_number(*parts)
    assert 0 < number < 2**128
    assert number != derived_number(*parts, "again")


def test_time_moves_both_ways_and_seconds_round_down():
    assert after(NOON, 1.5) - NOON == 1_500_000_000
    assert after(NOON, -1) < NOON
    assert seconds(Instant(1_999_999_999)) == 1
