"""Whether what clients saw of one object could have happened in some order, one thing at a time.

The search is that of Wing and Gong, with Lowe's memory of where it has been: an order of the
operations is looked for in which each takes place between its call and its return, and every answer
is one that the model gives (MS5).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

NEVER = 1 << 62
"""The return of an operation whose effect may come at any time, or not at all."""


class Timed(Protocol):
    """What the search must know of an operation."""

    @property
    def called(self) -> int:
        """A moment before which it has no effect."""
        ...

    @property
    def returned(self) -> int:
        """A moment after which it has none; ``NEVER`` when nobody knows."""
        ...


Op = TypeVar("Op", bound=Timed)
State = TypeVar("State", bound=Hashable)


class Search(msgspec.Struct, Generic[State]):
    """Where a search has been."""

    seen: set[tuple[int, State]]
    furthest: int = 0
    """The set of operations of the longest order that was found, as bits."""


def orders_fail(
    operations: Sequence[Op], start: State, step: Callable[[State, Op], Iterable[State]]
) -> list[Op] | None:
    """None when there is an order; else those that the longest order found cannot go on with."""
    search: Search[State] = Search(set())
    waiting = [(0, start)]
    must = sum(1 << place for place, op in enumerate(operations) if op.returned != NEVER)
    while waiting:
        done, state = waiting.pop()
        if (done, state) in search.seen:
            continue
        search.seen.add((done, state))
        if done & must == must:
            return None
        if (done & must).bit_count() > (search.furthest & must).bit_count():
            search.furthest = done
        for place in _next(operations, done):
            then = done | 1 << place
            waiting.extend((then, after) for after in step(state, operations[place]))
    return [operations[place] for place in _next(operations, search.furthest)]


def _next(operations: Sequence[Op], done: int) -> list[int]:
    """Those that may come now: none of the others returned before they were called."""
    left = [place for place in range(len(operations)) if not done >> place & 1]
    first_return = min((operations[place].returned for place in left), default=NEVER)
    return [place for place in left if operations[place].called <= first_return]
