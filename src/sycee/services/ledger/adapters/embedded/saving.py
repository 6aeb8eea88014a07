"""The compiled books as named sections of bytes, and back."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from itertools import count

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.books import CompiledBooks
from sycee.services.ledger.adapters.embedded.kernel.index import DEPTH, PAGES, SPARE, Index
from sycee.services.ledger.adapters.embedded.kernel.state import (
    ACCOUNTS,
    CHECKPOINTS,
    DUE,
    OPEN_TOP,
    State,
)
from sycee.services.ledger.adapters.embedded.kernel.words import LEDGER_CODE_FLAGS, LOW_32
from sycee.services.ledger.adapters.embedded.postings import Segment

LAYOUT = b"1"
"""Named in every snapshot: one of another layout is not read."""


def sections(books: CompiledBooks) -> dict[str, memoryview]:
    """Everything that the books hold; nothing is copied."""
    saved = {"layout": memoryview(LAYOUT)}
    for name, used in _used(books.state):
        saved[name] = memoryview(used)
    for name, index in _indexes(books.state):
        saved[f"{name}.counts"] = memoryview(index.counts)
    for name, column in _columns(books).items():
        saved[f"rows.{name}"] = memoryview(column)
    for number, segment in enumerate(books.postings.segments):
        for name, values in segment._asdict().items():
            saved[f"postings.{number}.{name}"] = memoryview(values)
    tail = books.postings.tail[: books.postings.tail_rows]
    saved["postings.tail"] = memoryview(np.ascontiguousarray(tail))
    return {name: _octets(view) for name, view in saved.items()}


def is_readable(saved: Mapping[str, memoryview]) -> bool:
    """Whether a snapshot has this version's layout; another's is of no use."""
    return bytes(saved["layout"]) == LAYOUT


def load(books: CompiledBooks, saved: Mapping[str, memoryview]) -> None:
    """Put back what was saved into books in which nothing has happened."""
    _load_counts(books.state, saved)
    for name, used in _used(books.state):
        used[...] = np.frombuffer(saved[name], used.dtype).reshape(used.shape)
    for name, column in _columns(books).items():
        column.frombytes(saved[f"rows.{name}"])
    for number in count():
        if f"postings.{number}.rows" not in saved:
            break
        parts = (saved[f"postings.{number}.{name}"] for name in Segment._fields)
        books.postings.segments.append(Segment(*(np.frombuffer(part, np.int32) for part in parts)))
    tail = np.frombuffer(saved["postings.tail"], np.int32).reshape(-1, 2)
    books.postings.add(tail)
    accounts = books.state.accounts[: books.state.counts[ACCOUNTS], LEDGER_CODE_FLAGS]
    books.ledgers.update(np.unique(accounts & LOW_32).tolist())


def _load_counts(state: State, saved: Mapping[str, memoryview]) -> None:
    """The numbers that say how much of all else is in use."""
    state.counts[:] = np.frombuffer(saved["counts"], np.int64)
    for name, index in _indexes(state):
        spare = index.counts[SPARE]
        index.counts[:] = np.frombuffer(saved[f"{name}.counts"], np.uint64)
        index.counts[SPARE] = spare


def _indexes(state: State) -> tuple[tuple[str, Index], ...]:
    return ("account_index", state.account_index), ("transfer_index", state.transfer_index)


def _used(state: State) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """What is in use of every array, by name."""
    counts = state.counts
    yield "counts", counts
    yield "accounts", state.accounts[: counts[ACCOUNTS]]
    yield "pasts", state.pasts[: counts[ACCOUNTS]]
    yield "open", state.open[: counts[OPEN_TOP]]
    yield "places", state.places[: counts[OPEN_TOP]]
    yield "due", state.due[: counts[DUE]]
    yield "checkpoints", state.checkpoints[: counts[CHECKPOINTS]]
    for name, index in _indexes(state):
        yield f"{name}.directory", index.directory[: 1 << int(index.counts[DEPTH])]
        yield f"{name}.pages", index.pages[: int(index.counts[PAGES])]


def _columns(books: CompiledBooks) -> dict[str, array[int]]:
    return books.rows.columns()


def _octets(view: memoryview) -> memoryview:
    return view.cast("B") if view.nbytes else memoryview(b"")
