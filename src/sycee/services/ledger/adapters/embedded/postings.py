"""Which rows changed which account: segments of postings, sorted by account and then by row.

A posting takes four bytes, a transfer has two. The rows since the last segment are kept as they
come, two accounts each, until there are enough of them for the next one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Sides = npt.NDArray[np.int32]

SEGMENT: Final = 1 << 17
"""Rows of a segment."""


class Segment(NamedTuple):
    """The postings of some rows."""

    accounts: npt.NDArray[np.int32]
    """Those that occur, in order."""
    starts: npt.NDArray[np.int32]
    """Where the postings of each begin; one more at the end."""
    rows: npt.NDArray[np.int32]
    """Of each posting, counted from the segment's first."""

    def of(self, account: int) -> Numbers:
        """The rows that changed an account."""
        place = int(np.searchsorted(self.accounts, account))
        if place == len(self.accounts) or self.accounts[place] != account:
            return np.empty(0, np.int64)
        return self.rows[self.starts[place] : self.starts[place + 1]].astype(np.int64)


class Postings:
    """All postings there are; ``first`` rows of the journal are in ``segments``."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.tail: Sides = np.empty((SEGMENT, 2), np.int32)
        self.tail_rows = 0

    def add(self, sides: Sides) -> None:
        """Take in the accounts of the next rows."""
        while len(sides):
            taken = sides[: SEGMENT - self.tail_rows]
            self.tail[self.tail_rows : self.tail_rows + len(taken)] = taken
            self.tail_rows += len(taken)
            sides = sides[len(taken) :]
            if self.tail_rows == SEGMENT:
                self.segments.append(_sorted(self.tail))
                self.tail_rows = 0

    def between(self, account: int, first: int, after: int) -> Numbers:
        """The rows from ``first`` on and before ``after`` that changed an account, in order."""
        found = [
            self._in_segment(number, account)
            for number in range(first // SEGMENT, len(self.segments))
            if number * SEGMENT < after
        ]
        rows = np.concatenate([*found, self._in_tail(account)])
        return rows[(rows >= first) & (rows < after)]

    def first_after(self, account: int, first: int, count: int) -> Numbers:
        """The first so many rows from ``first`` on that changed an account, in order."""
        rows = np.empty(0, np.int64)
        for number in range(first // SEGMENT, len(self.segments)):
            more = self._in_segment(number, account)
            rows = np.concatenate([rows, more[more >= first]])
            if len(rows) >= count:
                return rows[:count]
        more = self._in_tail(account)
        return np.concatenate([rows, more[more >= first]])[:count]

    def _in_segment(self, number: int, account: int) -> Numbers:
        return self.segments[number].of(account) + number * SEGMENT

    def _in_tail(self, account: int) -> Numbers:
        tail = self.tail[: self.tail_rows]
        rows = np.flatnonzero((tail[:, 0] == account) | (tail[:, 1] == account))
        return rows + len(self.segments) * SEGMENT


def _sorted(sides: Sides) -> Segment:
    """A segment of full size, from the accounts of its rows."""
    accounts = sides.reshape(-1).astype(np.int64)
    keys = (accounts << 17) | (np.arange(len(accounts)) >> 1)
    keys = np.sort(keys[accounts >= 0])
    of = (keys >> 17).astype(np.int32)
    begins = np.flatnonzero(np.diff(of, prepend=-1))
    starts = np.append(begins, len(of)).astype(np.int32)
    return Segment(of[begins], starts, (keys & (SEGMENT - 1)).astype(np.int32))
