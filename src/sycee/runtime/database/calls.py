"""Units of work that wait for a group, and how they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database.promise import Result, Session

UNITS_MAX = 256
"""Units of work in one group at most."""
SLICE_S = 0.01
"""How long the units of one group may keep the event loop, give or take the last one."""


class StatementFailed(Exception):
    """The database refused a statement: a constraint, or SQL it does not take. A fault."""


class Call(Protocol):
    """One caller's unit of work, from its arrival to its answer."""

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for it any more."""
        ...

    @property
    def has_failed(self) -> bool:
        """Whether its unit raised, so that nothing of it may stay."""
        ...

    def run(self, session: Session) -> None:
        """Run the unit; keep what it answers or raises."""
        ...

    def fail_if_it_went_on(self) -> None:
        """A statement of this unit failed: then the unit has, even if it thought otherwise."""
        ...

    def settle(self) -> None:
        """Give the caller what the unit answered or raised."""
        ...

    def refuse(self, detail: str) -> None:
        """Tell the caller that nothing was done, or that nobody can know."""
        ...


class Waiting(Generic[Result]):
    """A call whose caller awaits ``answer``."""

    __slots__ = ("_fault", "_result", "_unit", "answer")

    def __init__(self, unit: Callable[[Session], Result], loop: asyncio.AbstractEventLoop) -> None:
        self.answer: asyncio.Future[Result] = loop.create_future()
        self._unit = unit
        self._result: tuple[Result] | None = None
        self._fault: Exception | None = None

    @property
    def is_abandoned(self) -> bool:
        return self.answer.done()

    @property
    def has_failed(self) -> bool:
        return self._fault is not None

    def run(self, session: Session) -> None:
        try:
            self._result = (self._unit(session),)
        except StopIteration as fault:
            # A future does not take this one.
            self._fault = RuntimeError(f"a unit of work raised {fault!r}")
        except Exception as fault:  # noqa: BLE001 - it is raised at the caller
            self._fault = fault

    def fail_if_it_went_on(self) -> None:
        if self._fault is None:
            self._fault = StatementFailed("a unit of work went on after a statement had failed")

    def settle(self) -> None:
        if self.answer.done():
            return
        if self._fault is not None:
            self.answer.set_exception(self._fault)
            return
        assert self._result is not None, "only a unit that ran is settled"
        self.answer.set_result(self._result[0])

    def refuse(self, detail: str) -> None:
        if not self.answer.done():
            self.answer.set_exception(Unavailable(detail))
