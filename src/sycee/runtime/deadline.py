"""How long the work in hand may still take; the remaining time goes along with every call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

DEFAULT_S = 10.0
"""For work that nobody gave a deadline."""

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(duration_s: float) -> Iterator[None]:
    """Give the block ``duration_s`` seconds, or what is left of an earlier deadline."""
    limit = monotonic() + duration_s
    outer = _deadline.get()
    token = _deadline.set(limit if outer is None else min(limit, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def begin(duration_s: float) -> None:
    """Set the deadline of the current task, at its start."""
    _deadline.set(monotonic() + duration_s)


def remaining_s() -> float:
    """Seconds until the deadline, negative when it is over; ``DEFAULT_S`` when there is none."""
    limit = _deadline.get()
    return DEFAULT_S if limit is None else limit - monotonic()
