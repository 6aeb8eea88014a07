"""What expires when: a binary heap in an array, by due time and then by order of recording."""

from __future__ import annotations

import numpy as np

from sycee.services.ledger.adapters.embedded.kernel.codes import SECOND_NS
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.state import (
    DUE,
    DUE_ROW,
    HEAP_SLACK,
    LIFE,
    OPENED_NOW,
    ROW_NUMBER,
    State,
)
from sycee.services.ledger.adapters.embedded.kernel.words import TIMESTAMP, U, Words, timeout_s


@part
def due_at(rows: Words, row: int) -> np.uint64:
    """When a pending transfer with a timeout expires."""
    return rows[row, TIMESTAMP] + timeout_s(rows, row) * SECOND_NS


@part
def push(state: State, place: int) -> None:
    """Let an open pending transfer expire in time."""
    heap, at = state.due, state.counts[DUE]
    state.counts[DUE] = at + 1
    heap[at, 0] = due_at(state.open, place)
    heap[at, 1] = state.open[place, ROW_NUMBER]
    heap[at, 2] = U(place)
    heap[at, 3] = state.open[place, LIFE]
    _rise(heap, at)


@part
def is_over(state: State, at: int) -> bool:
    """Whether an entry's transfer has ended, or never came to be."""
    place = np.int64(state.due[at, 2])
    return state.open[place, LIFE] != state.due[at, 3]


@part
def pop(state: State) -> None:
    """Remove the earliest entry."""
    heap = state.due
    last = state.counts[DUE] - 1
    state.counts[DUE] = last
    for word in range(DUE_ROW):
        heap[0, word] = heap[last, word]
    _sink(heap, 0, last)


@part
def sweep(state: State) -> None:
    """Drop the entries that are over when they are most of the heap."""
    counts, heap = state.counts, state.due
    if counts[DUE] < 2 * counts[OPENED_NOW] + HEAP_SLACK // 2:
        return
    size = 0
    for at in range(counts[DUE]):
        if not is_over(state, at):
            for word in range(DUE_ROW):
                heap[size, word] = heap[at, word]
            size += 1
    counts[DUE] = size
    for at in range(size // 2 - 1, -1, -1):
        _sink(heap, at, size)


@part
def _is_before(heap: Words, one: int, other: int) -> bool:
    return heap[one, 0] < heap[other, 0] or (
        heap[one, 0] == heap[other, 0] and heap[one, 1] < heap[other, 1]
    )


@part
def _swap(heap: Words, one: int, other: int) -> None:
    for word in range(DUE_ROW):
        heap[one, word], heap[other, word] = heap[other, word], heap[one, word]


@part
def _rise(heap: Words, at: int) -> None:
    while at > 0:
        parent = (at - 1) // 2
        if not _is_before(heap, at, parent):
            return
        _swap(heap, at, parent)
        at = parent


@part
def _sink(heap: Words, at: int, size: int) -> None:
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _is_before(heap, child + 1, child):
            child += 1
        if not _is_before(heap, child, at):
            return
        _swap(heap, at, child)
        at = child
