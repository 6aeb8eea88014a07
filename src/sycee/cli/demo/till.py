"""What the shop writes down by itself, from the answers that it gets."""

from __future__ import annotations

import threading
from collections import Counter

import msgspec

from sycee.kernel.money import Currency, Money

Amounts = dict[Currency, int]
"""Currency -> minor units."""


class Takings(msgspec.Struct):
    """One currency of the shop's own books, in minor units."""

    payments: int = 0
    captured: int = 0
    fees: int = 0
    refunded: int = 0

    @property
    def net(self) -> int:
        """What should be left."""
        return self.captured - self.fees - self.refunded


class Till:
    """The shop's own books. Several assistants write into them at once."""

    def __init__(self) -> None:
        self.takings: dict[Currency, Takings] = {}
        self.outcomes: Counter[str] = Counter()
        self.problems: list[str] = []
        self._lock = threading.Lock()

    def took(self, amount: Money, fee: int) -> None:
        """A payment was captured."""
        with self._lock:
            takings = self.takings.setdefault(amount.currency, Takings())
            takings.payments += 1
            takings.captured += amount.minor
            takings.fees += fee

    def gave_back(self, amount: Money) -> None:
        """A refund was made."""
        with self._lock:
            self.takings.setdefault(amount.currency, Takings()).refunded += amount.minor

    def ended(self, outcome: str) -> None:
        """Something that a shop counts happened."""
        with self._lock:
            self.outcomes[outcome] += 1

    def wrong(self, problem: str) -> None:
        """Something happened that should not have."""
        with self._lock:
            self.problems.append(problem)
