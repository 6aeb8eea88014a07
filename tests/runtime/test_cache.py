"""A short memory, within bounds."""

from __future__ import annotations

from sycee.runtime.cache import Cache


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_an_answer_is_remembered_until_its_time_is_up() -> None:
    clock = Hand()
    cache: Cache[str, int] = Cache(clock, 2.0)
    cache.remember("a", 1, cache.look())
    clock.now_s += 1.9
    assert cache.get("a") == 1
    clock.now_s += 0.1
    assert cache.get("a") is None


def test_the_time_counts_from_the_beginning_of_the_look_up() -> None:
    clock = Hand()
    cache: Cache[str, int] = Cache(clock, 2.0)
    look = cache.look()
    clock.now_s += 1.5
    cache.remember("a", 1, look)
    clock.now_s += 0.5
    assert cache.get("a") is None


def test_what_is_not_known_is_none() -> None:
    assert Cache[str, int](Hand(), 2.0).get("a") is None


def test_a_look_up_begun_before_a_change_is_not_remembered_after_it() -> None:
    cache: Cache[str, int] = Cache(Hand(), 2.0)
    look = cache.look()
    cache.forget()
    cache.remember("a", 1, look)
    assert cache.get("a") is None
    cache.remember("a", 2, cache.look())
    assert cache.get("a") == 2


def test_forgetting_empties_the_memory() -> None:
    cache: Cache[str, int] = Cache(Hand(), 2.0)
    cache.remember("a", 1, cache.look())
    cache.forget()
    assert cache.get("a") is None


def test_the_memory_is_bounded() -> None:
    cache: Cache[int, int] = Cache(Hand(), 2.0, entries_max=3)
    for number in range(10):
        cache.remember(number, number, cache.look())
        assert len(cache) <= 3
        assert cache.get(number) == number


def test_replacing_an_answer_forgets_no_other() -> None:
    cache: Cache[int, int] = Cache(Hand(), 2.0, entries_max=2)
    cache.remember(1, 1, cache.look())
    cache.remember(2, 2, cache.look())
    cache.remember(2, 3, cache.look())
    assert (cache.get(1), cache.get(2)) == (1, 3)
