"""Balances of the past: checkpoints, one per account and so many postings, found by jumps.

An account's checkpoints form a list from the last to the first; each knows the one before and one
further back, chosen so that any of n is reached in O(log n) steps (Myers, "An applicative random
access stack", Information Processing Letters 17, 1983).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.state import (
    AT_DEPTH,
    AT_FLAGS,
    AT_JUMP,
    AT_PREVIOUS,
    AT_ROWS,
    AT_TIME,
    BASE,
    CHECKPOINTS,
    LAST_EXPIRY,
    LAST_TRANSFER,
    PAST_CHECKPOINT,
    PAST_POSTINGS,
    POSTINGS_MAX,
    ROWS,
    SIDES,
    State,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    DEBITS_PENDING,
    ONE,
    ZERO,
    U,
    flags,
)


@part
def note(state: State, sides: npt.NDArray[np.int32]) -> None:
    """At the end of an entry: count the postings of its rows, and keep balances where due."""
    counts, pasts = state.counts, state.pasts
    for row in range(counts[ROWS] - counts[BASE]):
        for side in range(SIDES):
            account = np.int64(sides[row, side])
            if account >= 0:
                pasts[account, PAST_POSTINGS] += 1
    for row in range(counts[ROWS] - counts[BASE]):
        for side in range(SIDES):
            account = np.int64(sides[row, side])
            if account >= 0 and pasts[account, PAST_POSTINGS] >= POSTINGS_MAX:
                _keep(state, account)


@part
def _keep(state: State, account: int) -> None:
    kept, place = state.checkpoints, state.counts[CHECKPOINTS]
    state.counts[CHECKPOINTS] = place + 1
    for word in range(AT_FLAGS):
        kept[place, word] = state.accounts[account, DEBITS_PENDING + word]
    kept[place, AT_FLAGS] = flags(state.accounts, account)
    kept[place, AT_ROWS] = U(state.counts[ROWS])
    kept[place, AT_TIME] = U(max(state.counts[LAST_TRANSFER], state.counts[LAST_EXPIRY]))
    previous = state.pasts[account, PAST_CHECKPOINT]
    kept[place, AT_PREVIOUS] = U(previous)
    kept[place, AT_DEPTH] = _depth(state, previous) + ONE
    kept[place, AT_JUMP] = U(_jump(state, previous))
    state.pasts[account, PAST_CHECKPOINT] = place + 1
    state.pasts[account, PAST_POSTINGS] = 0


@part
def _depth(state: State, number: int) -> np.uint64:
    return state.checkpoints[number - 1, AT_DEPTH] if number > 0 else ZERO


@part
def _jump_of(state: State, number: int) -> int:
    return np.int64(state.checkpoints[number - 1, AT_JUMP]) if number > 0 else np.int64(0)


@part
def _jump(state: State, previous: int) -> int:
    """How far back the next checkpoint after ``previous`` jumps."""
    middle = _jump_of(state, previous)
    far = _jump_of(state, middle)
    if previous > 0 and _depth(state, previous) - _depth(state, middle) == _depth(
        state, middle
    ) - _depth(state, far):
        return far
    return previous


@part
def balance_before(state: State, account: int, rows: int, timestamp: int) -> int:
    """Place of the latest checkpoint that is not beyond ``rows`` and ``timestamp``, or -1."""
    number = state.pasts[account, PAST_CHECKPOINT]
    while number > 0 and _is_beyond(state, number, rows, timestamp):
        jump = _jump_of(state, number)
        if jump > 0 and _is_beyond(state, jump, rows, timestamp):
            number = jump
        else:
            number = np.int64(state.checkpoints[number - 1, AT_PREVIOUS])
    return number - 1


@part
def _is_beyond(state: State, number: int, rows: int, timestamp: int) -> bool:
    kept = state.checkpoints
    return kept[number - 1, AT_ROWS] > U(rows) or kept[number - 1, AT_TIME] > U(timestamp)
