"""Remembers answers for a short while, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

ENTRIES_MAX = 10_000


class _Entry(NamedTuple, Generic[Answer]):
    answer: Answer
    until_s: float


class Look(NamedTuple):
    """The moment at which a look-up begins: hand it to ``remember`` with what was found."""

    at_s: float
    changes: int


class Cache(Generic[Key, Answer]):
    """Answers by key, each for ``remember_s`` from the moment its look-up began.

    A look-up that began before a ``forget`` is not remembered after it: what it found may be what
    was just changed. When ``entries_max`` are remembered, the memory starts afresh; so nobody can
    fill it beyond, and no order of entries is kept for it.
    """

    def __init__(
        self, monotonic_s: Callable[[], float], remember_s: float, entries_max: int = ENTRIES_MAX
    ) -> None:
        self._monotonic_s = monotonic_s
        self._remember_s = remember_s
        self._entries_max = entries_max
        self._entries: dict[Key, _Entry[Answer]] = {}
        self._changes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Answer | None:
        """The answer, unless it is unknown or too old."""
        entry = self._entries.get(key)
        if entry is None or self._monotonic_s() >= entry.until_s:
            return None
        return entry.answer

    def look(self) -> Look:
        """Begin a look-up."""
        return Look(self._monotonic_s(), self._changes)

    def remember(self, key: Key, answer: Answer, look: Look) -> None:
        """Keep what a look-up found, unless something was forgotten since it began."""
        if look.changes != self._changes:
            return
        if len(self._entries) >= self._entries_max and key not in self._entries:
            self._entries.clear()
        self._entries[key] = _Entry(answer, look.at_s + self._remember_s)

    def forget(self) -> None:
        """Something changed: ask afresh from here on."""
        self._changes += 1
        self._entries.clear()
