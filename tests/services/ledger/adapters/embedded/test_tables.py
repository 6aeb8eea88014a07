"""The kernel's heap, postings and checkpoints, each against the plainest thing there is."""

from __future__ import annotations

import heapq
from random import Random

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import numba
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sycee.services.ledger.adapters.embedded import postings
from sycee.services.ledger.adapters.embedded.kernel import due, past
from sycee.services.ledger.adapters.embedded.kernel.state import (
    AT_JUMP,
    AT_ROWS,
    AT_TIME,
    BASE,
    CHECKPOINTS,
    DUE,
    LAST_EXPIRY,
    LAST_TRANSFER,
    PAST_CHECKPOINT,
    POSTINGS_MAX,
    ROW_NUMBER,
    ROWS,
    empty,
)
from sycee.services.ledger.adapters.embedded.kernel.words import TIMESTAMP, USER_32_AND_TIMEOUT

UNCOMPILED = bool(numba.config.DISABLE_JIT)
STATE = empty(1_000, 200_000, 1_000)


@given(st.lists(st.none() | st.tuples(st.integers(0, 6), st.integers(0, 3)), max_size=120))
@settings(max_examples=40 if UNCOMPILED else 200, deadline=None)
@np.errstate(over="ignore")
def test_the_heap_gives_out_in_the_order_of_heapq(steps):
    """By due time and then by row; ``None`` takes the earliest."""
    state, model = STATE, []
    state.counts[DUE] = 0
    for place, step in enumerate(steps):
        if step is None:
            if model:
                earliest = heapq.heappop(model)
                assert tuple(map(int, state.due[0, :2])) == earliest
                due.pop(state)
        else:
            timestamp, timeout_s = step
            state.open[place, TIMESTAMP] = timestamp
            state.open[place, USER_32_AND_TIMEOUT] = timeout_s << 32 | 7
            state.open[place, ROW_NUMBER] = 1_000 - place
            due.push(state, place)
            heapq.heappush(model, (timestamp + timeout_s * 10**9, 1_000 - place))
        assert state.counts[DUE] == len(model)
    while model:
        assert tuple(map(int, state.due[0, :2])) == heapq.heappop(model)
        due.pop(state)


ACCOUNTS = st.integers(-1, 4)
ROW = st.tuples(ACCOUNTS, ACCOUNTS).filter(lambda sides: sides[0] != sides[1] or sides[0] < 0)
ENTRIES = st.lists(st.lists(ROW, max_size=20), max_size=6)


@given(entries=ENTRIES, bounds=st.lists(st.integers(0, 130), min_size=2, max_size=2))
@settings(max_examples=300, deadline=None)
def test_postings_are_those_of_a_list(entries, bounds):
    usual, postings.SEGMENT = postings.SEGMENT, 8
    try:
        kept, rows = postings.Postings(), []
        for entry in entries:
            kept.add(np.array(entry, np.int32).reshape(-1, 2))
            rows += entry
        first, after = min(bounds), max(bounds)
        for account in range(6):
            mine = [n for n, sides in enumerate(rows) if account in sides]
            between = [n for n in mine if first <= n < after]
            assert kept.between(account, first, after).tolist() == between
            behind = [n for n in mine if n >= first]
            for count in (0, 1, 5, 200):
                assert kept.first_after(account, first, count).tolist() == behind[:count]
    finally:
        postings.SEGMENT = usual


@np.errstate(over="ignore")
def kept_checkpoints(entries):
    """Books in which an account has had a full count of postings in each entry, and another too."""
    state, draw = empty(10, 200_000, 10), Random(4)
    sides = np.array([[0, 1]] * POSTINGS_MAX, np.int32)
    other = np.array([[2, 1]] * 3, np.int32)
    for entry in range(entries):
        rows = sides if draw.random() < 0.8 else other
        state.counts[BASE] = state.counts[ROWS]
        state.counts[ROWS] += len(rows)
        if draw.random() < 0.7:
            state.counts[LAST_TRANSFER] += 10
        else:
            state.counts[LAST_EXPIRY] = 10 * entry + 5
        past.note(state, rows)
    return state


def of_account(state, account):
    """The places of an account's checkpoints, the last one first."""
    number, found = int(state.pasts[account, PAST_CHECKPOINT]), []
    while number:
        found.append(number - 1)
        number = int(state.checkpoints[number - 1, AT_JUMP - 1])
    return found


def test_jumps_find_the_checkpoint_that_a_search_finds():
    state = kept_checkpoints(30 if UNCOMPILED else 400)
    draw = Random(6)
    for account in range(4):
        places = of_account(state, account)
        for _ in range(100):
            rows = draw.randint(0, int(state.counts[ROWS]) + 5)
            timestamp = 2**63 - 1
            if places and draw.random() < 0.7:
                timestamp = int(state.checkpoints[draw.choice(places), AT_TIME])
                timestamp += draw.choice((-1, 0, 1))
            expected = next(
                (
                    place
                    for place in places
                    if state.checkpoints[place, AT_ROWS] <= rows
                    and state.checkpoints[place, AT_TIME] <= timestamp
                ),
                -1,
            )
            assert past.balance_before(state, account, rows, timestamp) == expected
    assert sum(len(of_account(state, account)) for account in range(3)) == state.counts[CHECKPOINTS]


def test_jumps_are_few():
    """Any of n checkpoints is reached in a number of steps that grows with the logarithm of n."""
    state = kept_checkpoints(30 if UNCOMPILED else 1_000)
    number, steps = int(state.pasts[0, PAST_CHECKPOINT]), 0
    while number > 0:
        number, steps = int(state.checkpoints[number - 1, AT_JUMP]), steps + 1
    assert steps <= 12
