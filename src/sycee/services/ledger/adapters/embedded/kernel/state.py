"""Everything that the kernel knows, as arrays; address space is reserved once, memory when used."""

from __future__ import annotations

import mmap
import secrets
import sys
from math import prod
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.kernel.index import (
    COUNTS as INDEX_COUNTS,
)
from sycee.services.ledger.adapters.embedded.kernel.index import (
    DEPTH_MAX,
    PAGE,
    PAGES,
    SEED,
    SPARE,
    Index,
)
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.tables import rows_of
from sycee.services.ledger.adapters.embedded.kernel.words import RECORD, Words

BATCH_MAX: Final = 8189

# What the value of a transfer in the index means is said by its last four bits.
STATUS_BITS: Final = np.uint64(4)
STATUS_MASK: Final = np.uint64(15)
RECORDED: Final = 0
"""The value is the number of its row. Not pending, or never was."""
OPEN: Final = 1
"""Pending and unresolved; the value is its place in ``open``."""
POSTED: Final = 2
VOIDED: Final = 3
EXPIRED: Final = 4
"""Resolved; the value is the number of its row."""
FAILED: Final = 5
"""Never came to be, and never will."""
JUST_POSTED: Final = 6
JUST_VOIDED: Final = 7
JUST_EXPIRED: Final = 8
"""Resolved since the entry began; the value is its place in ``open``."""

OPEN_ROW: Final = 20
"""Words of an open pending transfer: its record, its accounts' rows, its row, its state."""
DEBIT_ROW: Final = 16
CREDIT_ROW: Final = 17
ROW_NUMBER: Final = 18
NO_ROW: Final = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
"""The row number in a place that is free."""
LIFE: Final = 19
"""Counts the transfers that were here and are over; so a heap's entry knows its own."""

HEAP_SLACK: Final = 65_536
"""Entries of the heap that may be over before they are sought out."""
DUE_ROW: Final = 4
"""Words of an entry of the heap: when, row number, place in ``open``, life of the place."""

ACCOUNTS: Final = 0
ROWS: Final = 1
OPEN_TOP: Final = 2
FREE: Final = 3
DUE: Final = 4
CLOCK: Final = 5
LAST_TRANSFER: Final = 6
ENDED: Final = 7
UNDO_ACCOUNTS: Final = 8
UNDO_RESOLVED: Final = 9
CHAIN: Final = 10
OPENED_NOW: Final = 11
BASE: Final = 12
LAST_EXPIRY: Final = 13
CHECKPOINTS: Final = 14
COUNTS: Final = 15
"""Places in ``counts``: accounts, rows ever recorded, places of ``open`` ever used and free ones,
entries of the heap, last nanosecond given away, that of the last transfer, transfers resolved since
the entry began, changes to take back, whether a chain is being tried, open pending transfers, rows
recorded before the entry, nanosecond of the last expiry, checkpoints of balances."""

EXISTING: Final = 0
REFERRED: Final = 1
FIRST_PLACE: Final = 2
"""Places of ``open``: two hold copies of old records to look at, the others are for use."""

FREE_PLACES: Final = 0
ENDED_PLACES: Final = 1
UNDO_PLACES: Final = 2
PLACES: Final = 3
"""Columns of ``places``."""


SIDES: Final = 2
"""Of a row: the rows of its debit and its credit account; -1 twice of an account."""

CHECKPOINT: Final = 14
"""Words of a checkpoint: an account's four balances, its flags, the number of rows that are in
them, the latest time in those rows, the checkpoint before, one further back, how many there are up
to here; numbers of checkpoints are one more than their place, 0 is none."""
AT_FLAGS: Final = 8
AT_ROWS: Final = 9
AT_TIME: Final = 10
AT_PREVIOUS: Final = 11
AT_JUMP: Final = 12
AT_DEPTH: Final = 13
POSTINGS_MAX: Final = 24
"""Postings of an account after which its balances are kept."""

TOTALS: Final = 13
"""Words of a ledger's sums: four balances of three words each, and the number of accounts."""

PAST: Final = 3
"""Words of what is kept of an account's past: row in which it was opened, its last checkpoint,
postings since then."""
PAST_ROW: Final = 0
PAST_CHECKPOINT: Final = 1
PAST_POSTINGS: Final = 2


class State(NamedTuple):
    """The books. Only the first so many rows of each array are in use; ``counts`` says how many."""

    counts: npt.NDArray[np.int64]
    accounts: Words
    """One record each, with balances and flags as they are now."""
    account_index: Index
    """Id to row of ``accounts``."""
    transfer_index: Index
    """Id to status and value."""
    open: Words
    """Pending transfers that are not resolved."""
    places: npt.NDArray[np.int64]
    """Places of ``open``: free ones, those that the entry of the moment resolved, and those that
    its chain of the moment did."""
    due: Words
    """A heap of what expires when."""
    undo_accounts: Words
    """Accounts as they were before each change of the chain of the moment, and their rows."""
    pasts: npt.NDArray[np.int64]
    """What is kept of each account's past."""
    checkpoints: Words
    """Balances of the past."""


class Work(NamedTuple):
    """What one entry needs beside the books."""

    rows: Words
    """Takes what is recorded."""
    sides: npt.NDArray[np.int32]
    """Takes the rows of the accounts of what is recorded."""
    fetched: Words
    """Records of old rows that events refer to and, last in each, their numbers; in order."""
    fetched_count: int
    size: int
    """Events of the batch."""


_NO_RESERVE: Final = 0x4000 if sys.platform == "linux" else 0
"""MAP_NORESERVE (mmap(2)), which Python names from 3.13 on: count memory only when it is used."""


def _reserve(size: int) -> mmap.mmap:
    """Zeros that take memory only as far as they are written."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
    return mmap.mmap(-1, max(size, mmap.PAGESIZE), flags=flags)


def _words(*shape: int) -> Words:
    return np.frombuffer(_reserve(8 * prod(shape)), np.uint64, prod(shape)).reshape(shape)


def _numbers(*shape: int) -> npt.NDArray[np.int64]:
    return np.frombuffer(_reserve(8 * prod(shape)), np.int64, prod(shape)).reshape(shape)


def _index(ids_max: int, seed: int) -> Index:
    pages = ids_max // 64 + 2 * BATCH_MAX
    made = Index(
        np.frombuffer(_reserve(4 << DEPTH_MAX), np.int32, 1 << DEPTH_MAX),
        _words(pages + 1, PAGE),
        _words(INDEX_COUNTS),
    )
    made.counts[PAGES] = 1
    made.counts[SEED] = seed
    made.counts[SPARE] = pages
    return made


def empty(accounts_max: int, transfers_max: int, open_max: int) -> State:
    """Books in which nothing has happened."""
    seed = secrets.randbits(64)
    open_max += FIRST_PLACE
    made = State(
        counts=_numbers(COUNTS),
        accounts=_words(accounts_max, RECORD),
        account_index=_index(accounts_max, seed),
        transfer_index=_index(transfers_max, seed),
        open=_words(open_max, OPEN_ROW),
        places=_numbers(open_max, PLACES),
        due=_words(2 * open_max + HEAP_SLACK, DUE_ROW),
        undo_accounts=_words(2 * BATCH_MAX, RECORD + 1),
        pasts=_numbers(accounts_max, PAST),
        checkpoints=_words(accounts_max + transfers_max // 8, CHECKPOINT),
    )
    made.counts[OPEN_TOP] = FIRST_PLACE
    return made


number_table = rows_of(1)
record_table = rows_of(RECORD)
_with_number = rows_of(RECORD + 1)
_open = rows_of(OPEN_ROW)
_places = rows_of(PLACES)
_due = rows_of(DUE_ROW)
_pages = rows_of(PAGE)
sides_table = rows_of(SIDES)
totals_table = rows_of(TOTALS)
_pasts = rows_of(PAST)
_checkpoints = rows_of(CHECKPOINT)


@part
def _index_in_tables(index: Index) -> Index:
    return Index(number_table(index.directory), _pages(index.pages), number_table(index.counts))


@part
def in_tables(state: State) -> State:
    """The books as compiled code sees them."""
    return State(
        number_table(state.counts),
        record_table(state.accounts),
        _index_in_tables(state.account_index),
        _index_in_tables(state.transfer_index),
        _open(state.open),
        _places(state.places),
        _due(state.due),
        _with_number(state.undo_accounts),
        _pasts(state.pasts),
        _checkpoints(state.checkpoints),
    )


@part
def work_in_tables(rows: Words, sides: npt.NDArray[np.int32], fetched: Words, size: int) -> Work:
    """What a batch of ``size`` events needs, as compiled code sees it."""
    return Work(record_table(rows), sides_table(sides), _with_number(fetched), len(fetched), size)
