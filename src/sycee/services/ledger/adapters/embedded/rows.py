"""Old rows of the journal, by number: the records of transfers are kept there and nowhere else."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.kernel.words import RECORD, Words
from sycee.services.ledger.domain.record import RECORD_BYTES

Read = Callable[[int, int, int], bytes]
"""Bytes of an entry's body: its ``seq``, where to begin, how many."""

_WHOLE_FROM = 32
"""Rows of one entry from which on it is read whole rather than row by row."""


class Rows:
    """Finds rows in entries; keeps the latest bodies at hand, up to ``cache_bytes`` of them."""

    def __init__(self, read: Read, cache_bytes: int) -> None:
        self._read = read
        self._cache_bytes = cache_bytes
        self._cached: OrderedDict[int, Words] = OrderedDict()
        self._cached_bytes = 0
        self._firsts = array("q")
        self._sizes = array("i")
        self._begins = array("i")
        self._seqs = array("q")
        self._last_transfers = array("q")

    def add(self, seq: int, first: int, begin: int, rows: Words, last_transfer: int) -> None:
        """Take note of an entry whose rows begin with number ``first``, at byte ``begin``."""
        if len(rows) == 0:
            return
        self._firsts.append(first)
        self._sizes.append(len(rows))
        self._begins.append(begin)
        self._seqs.append(seq)
        self._last_transfers.append(last_transfer)
        self._keep(len(self._firsts) - 1, rows)

    def fetch(self, numbers: npt.NDArray[np.int64]) -> Words:
        """The rows of these numbers, in order, which is ascending."""
        found = np.empty((len(numbers), RECORD), np.uint64)
        entries = np.searchsorted(np.frombuffer(self._firsts, np.int64), numbers, "right") - 1
        bounds = np.flatnonzero(np.diff(entries)) + 1
        for part in np.split(np.arange(len(numbers)), bounds):
            if len(part):
                entry = int(entries[part[0]])
                found[part] = self._rows(entry, numbers[part] - self._firsts[entry])
        return found

    def first_after(self, timestamp: int) -> int:
        """The number of the first row of the first entry whose transfers go beyond that time; as
        many as there are rows when none does."""
        entry = int(
            np.searchsorted(np.frombuffer(self._last_transfers, np.int64), timestamp, "right")
        )
        if entry < len(self._firsts):
            return self._firsts[entry]
        return self._firsts[-1] + self._sizes[-1] if self._firsts else 0

    def after_entry(self, number: int) -> int:
        """The number of the row that follows the entry with that row."""
        entry = int(np.searchsorted(np.frombuffer(self._firsts, np.int64), number, "right")) - 1
        return self._firsts[entry] + self._sizes[entry]

    def columns(self) -> dict[str, array[int]]:
        """What is known of each entry, by name."""
        return {
            "firsts": self._firsts,
            "sizes": self._sizes,
            "begins": self._begins,
            "seqs": self._seqs,
            "last_transfers": self._last_transfers,
        }

    def has_transfer_at(self, timestamp: int) -> bool:
        """Whether a transfer was recorded at that nanosecond, imports included."""
        lasts = np.frombuffer(self._last_transfers, np.int64)
        entry = int(np.searchsorted(lasts, timestamp))
        if entry == len(lasts):
            return False
        rows = self._whole(entry)
        is_expiry = rows[:, RECORD - 2] >> np.uint64(63)
        return bool(((rows[:, RECORD - 1] == np.uint64(timestamp)) & (is_expiry == 0)).any())

    def _rows(self, entry: int, places: npt.NDArray[np.int64]) -> Words:
        rows = self._cached.get(entry)
        if rows is None and len(places) < _WHOLE_FROM:
            return np.concatenate([self._read_rows(entry, int(place), 1) for place in places])
        return (self._whole(entry) if rows is None else rows)[places]

    def _whole(self, entry: int) -> Words:
        rows = self._cached.get(entry)
        if rows is None:
            rows = self._read_rows(entry, 0, self._sizes[entry])
            self._keep(entry, rows)
        return rows

    def _read_rows(self, entry: int, place: int, count: int) -> Words:
        begin = self._begins[entry] + place * RECORD_BYTES
        octets = self._read(self._seqs[entry], begin, count * RECORD_BYTES)
        return np.frombuffer(octets, np.uint64).reshape(-1, RECORD)

    def _keep(self, entry: int, rows: Words) -> None:
        self._cached[entry] = rows
        self._cached_bytes += rows.nbytes
        while self._cached_bytes > self._cache_bytes and len(self._cached) > 1:
            self._cached_bytes -= self._cached.popitem(last=False)[1].nbytes
