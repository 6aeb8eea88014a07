"""Time as every service sees it: injected, aware of nothing but UTC."""

from __future__ import annotations

from typing import NewType, Protocol

Instant = NewType("Instant", int)
"""Nanoseconds since the Unix epoch, UTC."""

SECOND_NS = 1_000_000_000


class Clock(Protocol):
    """Where time comes from. Services ask it; nobody else asks the machine."""

    def now(self) -> Instant:
        """Wall time; may jump when an operator or NTP sets the machine's clock."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that only grow, for time-outs and durations."""
        ...


def seconds(instant: Instant) -> int:
    """Whole Unix seconds, the unit of most public APIs."""
    return instant // SECOND_NS


def after(instant: Instant, duration_s: float) -> Instant:
    """The instant ``duration_s`` seconds later (earlier when negative)."""
    return Instant(instant + round(duration_s * SECOND_NS))
