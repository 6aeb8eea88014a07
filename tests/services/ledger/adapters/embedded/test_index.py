"""The kernel's index against a dict: growth by pages, removal, doubled directories."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import numba
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sycee.services.ledger.adapters.embedded.kernel import index
from sycee.services.ledger.adapters.embedded.kernel.state import empty

UNCOMPILED = bool(numba.config.DISABLE_JIT)
INSERT, REMOVE, REPLACE, FIND = range(4)
SEED = np.uint64(1)


@numba.njit
def run(kept, kinds, ids, values, answers):
    """Do many things one after the other; what was found, one more than its value."""
    for step in range(len(kinds)):
        low, high = ids[step, 0], ids[step, 1]
        if kinds[step] == INSERT:
            index.insert(kept, low, high, values[step])
        elif kinds[step] == REMOVE:
            index.remove(kept, low, high)
        elif kinds[step] == REPLACE:
            index.replace(kept, low, high, values[step])
        answers[step] = index.find(kept, low, high)


def new_index(room=20_000):
    made = empty(1, room, 1).transfer_index
    made.counts[index.SEED] = SEED
    return made


def words(number):
    return number & (2**64 - 1), number >> 64


@np.errstate(over="ignore")
def hash_of(number):
    return int(index._hash(*map(np.uint64, words(number)), SEED))


class Both:
    """An index, and a dict beside it."""

    def __init__(self):
        self.index = new_index()
        self.dict = {}

    @np.errstate(over="ignore")
    def do(self, steps):
        """Take steps of (id, wish, value); a wish that cannot be becomes one that can."""
        kinds, expected = [], []
        for number, wish, value in steps:
            kinds.append(self._possible(number, wish))
            if kinds[-1] in (INSERT, REPLACE):
                self.dict[number] = value
            elif kinds[-1] == REMOVE:
                del self.dict[number]
            expected.append(self.dict.get(number, -1) + 1)
        ids = np.array([words(number) for number, _, _ in steps], np.uint64).reshape(-1, 2)
        values = np.array([value for _, _, value in steps], np.uint64)
        answers = np.zeros(len(steps), np.uint64)
        run(self.index, np.array(kinds, np.int64), ids, values, answers)
        assert answers.tolist() == expected

    def check(self, strangers=()):
        """Everything is found, and nothing else is there."""
        self.do([(number, FIND, 0) for number in (*self.dict, *strangers)])
        assert self.index.counts[index.IDS] == len(self.dict)
        self.check_pages()

    def check_pages(self):
        """Each page holds what its prefix says, and is led to by all entries that must."""
        depth, pages = (int(self.index.counts[place]) for place in (index.DEPTH, index.PAGES))
        entries = defaultdict(list)
        for entry in range(1 << depth):
            entries[int(self.index.directory[entry])].append(entry)
        assert entries.keys() == set(range(pages))
        for page, leading in entries.items():
            row = self.index.pages[page]
            bits, fill = int(row[index._BITS]), int(row[index._FILL])
            assert len(leading) == 1 << (depth - bits)
            assert len({entry >> (depth - bits) for entry in leading}) == 1
            slots = row[: index._FILL].reshape(-1, index.SLOT)
            used = slots[slots[:, 2] != 0]
            assert len(used) == fill <= index.FULL_MIN + index.FULL_SPREAD
            for low, high, _ in used.tolist():
                hashed = hash_of(low | high << 64)
                assert hashed >> (64 - bits) == leading[0] >> (depth - bits) if bits else True

    def _possible(self, number, wish):
        if number in self.dict:
            return REPLACE if wish == INSERT else wish
        return INSERT if wish == REPLACE else FIND if wish == REMOVE else wish


def neighbours():
    """Ids whose search begins in the last or the first slots of a page."""
    return [n for n in range(1, 6_000) if (hash_of(n) + 5) % index.SLOTS < 9][:190]


def relatives():
    """Ids that only late bits of their hashes tell apart, so that directories grow deep."""
    return [n for n in range(1, 40_000) if hash_of(n) >> 59 == 7]


NEIGHBOURS, RELATIVES = neighbours(), relatives()
WISHES = st.sampled_from([INSERT, INSERT, REMOVE, REMOVE, REPLACE, FIND])
VALUES = st.integers(0, 2**64 - 2)


@given(st.lists(st.tuples(st.sampled_from(NEIGHBOURS[:40]), WISHES, VALUES), max_size=200))
@settings(max_examples=40 if UNCOMPILED else 400, deadline=None)
def test_gaps_are_closed_without_losing_a_neighbour(steps):
    both = Both()
    both.do(steps)
    both.check(NEIGHBOURS[:40])


def test_a_page_full_of_neighbours_keeps_them_through_removal_in_any_order():
    both, draw = Both(), Random(5)
    for _ in range(2 if UNCOMPILED else 40):
        both.do([(n, INSERT, draw.randrange(2**60)) for n in draw.sample(NEIGHBOURS, 185)])
        gone = draw.sample(sorted(both.dict), draw.randint(1, len(both.dict)))
        both.do([(n, REMOVE, 0) for n in gone])
        both.check(NEIGHBOURS)


def test_a_directory_doubles_as_often_as_it_must():
    both = Both()
    for begin in range(0, len(RELATIVES), 100):
        both.do([(n, INSERT, n) for n in RELATIVES[begin : begin + 100]])
        both.check_pages()
    assert both.index.counts[index.DEPTH] >= 6
    both.check(range(40_000, 40_100))
    both.do([(n, REMOVE, 0) for n in RELATIVES[::2]])
    both.check(RELATIVES)
    both.do([(n, INSERT, 5) for n in RELATIVES[::2]])
    both.check()


def test_many_ids_of_all_sizes_are_kept():
    draw, both = Random(9), Both()
    ids = [draw.getrandbits(draw.choice((16, 64, 65, 128))) or 1 for _ in range(9_000)]
    if UNCOMPILED:
        ids = ids[:1_500]
    for begin in range(0, len(ids), 1_000):
        steps = [
            (draw.choice(ids), draw.choice((INSERT, INSERT, REMOVE, FIND)), draw.randrange(99))
            for _ in range(1_000)
        ]
        both.do([(n, INSERT, n % 2**60) for n in ids[begin : begin + 1_000]] + steps)
    both.check(ids)


def test_ids_that_agree_in_one_half_are_two():
    both = Both()
    both.do([(5, INSERT, 1), (5 << 64, INSERT, 2), (5 << 64 | 5, INSERT, 3), (5, REMOVE, 0)])
    both.check([5])


def halves(of):
    """Ids that agree in one half, and whose searches begin in the same few slots."""
    return [n for n in map(of, range(1, 3_000)) if hash_of(n) % index.SLOTS < 3][:30]


@pytest.mark.parametrize("of", [lambda n: n << 64 | 5, lambda n: 5 << 64 | n])
def test_neighbours_that_agree_in_one_half_are_told_apart(of):
    both, ids = Both(), halves(of)
    both.do([(n, INSERT, place) for place, n in enumerate(ids)])
    both.check()
    both.do([(n, REPLACE, 90 + place) for place, n in enumerate(ids)])
    both.check()
    both.do([(n, REMOVE, 0) for n in ids[::3]])
    both.check(ids)
