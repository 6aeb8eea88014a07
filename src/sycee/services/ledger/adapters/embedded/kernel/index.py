"""From ids to values: extendible hashing, which grows a page at a time and never stops the world.

A directory leads from the first bits of an id's hash to a page; a full page is split in two by the
next bit (Fagin et al., "Extendible hashing", ACM TODS 4(3), 1979). Inside a page ids are searched
by linear probing. A slot has 24 bytes. Pages are split at different fillings, from five eighths
to nine tenths, so that they do not all double at the same time: an id takes 42 bytes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.words import ONE, ZERO, U, Words

SLOTS: Final = 256
"""Of a page."""
SLOT: Final = 3
"""Words of a slot: the id, and one more than its value; zero says that the slot is free."""
FULL_MIN: Final = U(160)
FULL_SPREAD: Final = U(72)
"""Ids in a page from which it is split: each page has a number of its own in this range."""
DEPTH_MAX: Final = 26
"""Bits by which the directory tells pages apart at most: 64 million pages."""

_LAST_SLOT: Final = U(SLOTS - 1)
_HASH_BITS: Final = U(64)


class Index(NamedTuple):
    """A map of 128-bit ids to values below 2⁶⁴-1."""

    directory: npt.NDArray[np.int32]
    """Page of each prefix of ``counts[DEPTH]`` bits."""
    pages: Words
    """One row per page: its slots, the ids in it, the bits by which it is told from others."""
    counts: Words
    """Depth of the directory, pages in use, ids in all; a seed that is mixed into every hash, so
    that nobody outside can choose ids that fall into one page; and a page to work on."""


DEPTH: Final = 0
PAGES: Final = 1
IDS: Final = 2
SEED: Final = 3
SPARE: Final = 4
COUNTS: Final = 5
"""Places in ``counts``."""

_FILL: Final = SLOTS * SLOT
_BITS: Final = SLOTS * SLOT + 1
PAGE: Final = SLOTS * SLOT + 2
"""Words of a page."""


@part
def _hash(low: np.uint64, high: np.uint64, seed: np.uint64) -> np.uint64:
    """The finalizer of MurmurHash3 (Appleby, public domain) over both halves."""
    mixed = low ^ (high * U(0x9E37_79B9_7F4A_7C15)) ^ seed
    mixed ^= mixed >> U(33)
    mixed *= U(0xFF51_AFD7_ED55_8CCD)
    mixed ^= mixed >> U(33)
    mixed *= U(0xC4CE_B9FE_1A85_EC53)
    mixed ^= mixed >> U(33)
    return mixed


@part
def _page_of(index: Index, mixed: np.uint64) -> np.int64:
    depth = index.counts[DEPTH]
    if depth == ZERO:
        return np.int64(index.directory[0])
    return np.int64(index.directory[np.int64(mixed >> (_HASH_BITS - depth))])


@part
def find(index: Index, low: np.uint64, high: np.uint64) -> np.uint64:
    """One more than the value of an id, or zero of an unknown one."""
    mixed = _hash(low, high, index.counts[SEED])
    page = _page_of(index, mixed)
    slot = mixed & _LAST_SLOT
    pages = index.pages
    while True:
        at = np.int64(slot) * SLOT
        value = pages[page, at + 2]
        if value == ZERO or (pages[page, at] == low and pages[page, at + 1] == high):
            return value
        slot = (slot + ONE) & _LAST_SLOT


@part
def replace(index: Index, low: np.uint64, high: np.uint64, value: np.uint64) -> None:
    """Give another value to an id that is there."""
    mixed = _hash(low, high, index.counts[SEED])
    page = _page_of(index, mixed)
    slot = mixed & _LAST_SLOT
    pages = index.pages
    while True:
        at = np.int64(slot) * SLOT
        if pages[page, at] == low and pages[page, at + 1] == high and pages[page, at + 2] != ZERO:
            pages[page, at + 2] = value + ONE
            return
        slot = (slot + ONE) & _LAST_SLOT


@part
def _full(page: np.int64) -> np.uint64:
    return FULL_MIN + (U(page) * U(0x9E37_79B1) >> U(16)) % FULL_SPREAD


@part
def insert(index: Index, low: np.uint64, high: np.uint64, value: np.uint64) -> None:
    """Add an id that is not there."""
    mixed = _hash(low, high, index.counts[SEED])
    page = _page_of(index, mixed)
    while index.pages[page, _FILL] >= _full(page):
        _split(index, page, mixed)
        page = _page_of(index, mixed)
    _place(index, page, mixed, low, high, value + ONE)
    index.counts[IDS] += ONE


@part
def _place(
    index: Index,
    page: np.int64,
    mixed: np.uint64,
    low: np.uint64,
    high: np.uint64,
    value: np.uint64,
) -> None:
    slot = mixed & _LAST_SLOT
    pages = index.pages
    while pages[page, np.int64(slot) * SLOT + 2] != ZERO:
        slot = (slot + ONE) & _LAST_SLOT
    at = np.int64(slot) * SLOT
    pages[page, at] = low
    pages[page, at + 1] = high
    pages[page, at + 2] = value
    pages[page, _FILL] += ONE


@part
def remove(index: Index, low: np.uint64, high: np.uint64) -> None:
    """Take away an id that is there, and close the gap that it leaves."""
    mixed = _hash(low, high, index.counts[SEED])
    page = _page_of(index, mixed)
    pages = index.pages
    slot = mixed & _LAST_SLOT
    while not (
        pages[page, np.int64(slot) * SLOT] == low and pages[page, np.int64(slot) * SLOT + 1] == high
    ):
        slot = (slot + ONE) & _LAST_SLOT
    gap = slot
    while True:
        slot = (slot + ONE) & _LAST_SLOT
        at = np.int64(slot) * SLOT
        if pages[page, at + 2] == ZERO:
            break
        home = _hash(pages[page, at], pages[page, at + 1], index.counts[SEED]) & _LAST_SLOT
        # An id may move into the gap unless that lies before the slot where its search begins.
        if ((slot - home) & _LAST_SLOT) >= ((slot - gap) & _LAST_SLOT):
            into = np.int64(gap) * SLOT
            for word in range(SLOT):
                pages[page, into + word] = pages[page, at + word]
            gap = slot
    at = np.int64(gap) * SLOT
    for word in range(SLOT):
        pages[page, at + word] = ZERO
    pages[page, _FILL] -= ONE
    index.counts[IDS] -= ONE


@part
def _split(index: Index, page: np.int64, mixed: np.uint64) -> None:
    """Move the ids whose next bit is set to a new page."""
    depth = index.pages[page, _BITS]
    if depth == index.counts[DEPTH]:
        _double(index)
    new = np.int64(index.counts[PAGES])
    index.counts[PAGES] += ONE
    index.pages[page, _BITS] = depth + ONE
    index.pages[new, _BITS] = depth + ONE
    _point(index, new, depth, mixed)
    _divide(index, page, new, _HASH_BITS - depth - ONE)


@part
def _point(index: Index, new: np.int64, depth: np.uint64, mixed: np.uint64) -> None:
    """Let the upper half of a page's prefixes lead to the new page."""
    below = index.counts[DEPTH] - depth
    prefix = ZERO
    if depth > ZERO:
        prefix = mixed >> (_HASH_BITS - depth)
    half = np.int64(ONE << (below - ONE))
    first = np.int64(prefix << below) + half
    for entry in range(first, first + half):
        index.directory[entry] = new


@part
def _divide(index: Index, page: np.int64, new: np.int64, bit: np.uint64) -> None:
    pages, spare = index.pages, np.int64(index.counts[SPARE])
    for word in range(SLOTS * SLOT + 1):
        pages[spare, word] = pages[page, word]
        pages[page, word] = ZERO
    for slot in range(SLOTS):
        at = slot * SLOT
        low, high, value = pages[spare, at], pages[spare, at + 1], pages[spare, at + 2]
        if value != ZERO:
            mixed = _hash(low, high, index.counts[SEED])
            goes = new if (mixed >> bit) & ONE else page
            _place(index, goes, mixed, low, high, value)


@part
def _double(index: Index) -> None:
    size = np.int64(ONE << index.counts[DEPTH])
    directory = index.directory
    for entry in range(size - 1, -1, -1):
        directory[2 * entry + 1] = directory[entry]
        directory[2 * entry] = directory[entry]
    index.counts[DEPTH] += ONE
