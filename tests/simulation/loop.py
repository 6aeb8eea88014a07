"""An event loop with virtual time and seeded order: a whole process that runs the same each time.

Nothing in it waits for the machine. When no task can go on, the clock jumps to the next one that
will. Of the tasks that can, dice choose the next: asyncio promises no order among tasks, so the
code may not need one. Callbacks keep the order that asyncio promises, each behind those called for
before. Work for other threads runs as one step of its own, after a while that dice choose.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import base_events, events, tasks
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from typing import TypeVar

from sycee.kernel.clock import SECOND_NS, Instant

Result = TypeVar("Result")
NOON = Instant(1_798_718_400_000_000_000)
"""2026-12-31 12:00 UTC."""
WORK_S = (0.0, 0.0001, 0.001, 0.02)
"""How long another thread may take, to choose from."""
STEPS_MAX = 1_000_000
"""More than any simulated life needs: it goes in circles."""


class Halted(BaseException):
    """The process died, and its loop with it."""


class Stuck(Exception):
    """Everybody waits for somebody else."""


class VirtualLoop(base_events.BaseEventLoop):
    """One simulated process. It opens no files and no sockets."""

    def __init__(self, dice: Random) -> None:
        super().__init__()
        self.steps = 0
        self._dice = dice
        self._now = 0.0
        self._is_halted = False
        self._plain: deque[events.Handle] = deque()
        self._tasks: list[events.Handle] = []
        self._busy: dict[object, float] = {}
        self.faults: list[dict[str, object]] = []
        """What nobody caught: a bug, wherever it is."""
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """Virtual seconds since the process began."""
        return self._now

    def halt(self) -> None:
        """Run nothing more, ever."""
        self._is_halted = True

    def run(self, main: Coroutine[object, object, Result]) -> Result:
        """Run to the end of ``main``; raises ``Halted`` when the process dies before."""
        task = self.create_task(main)
        events._set_running_loop(self)
        try:
            while not task.done():
                self._run_once()
            return task.result()
        finally:
            events._set_running_loop(None)
            self._bury()

    def run_in_executor(
        self, executor: object, function: Callable[..., Result], *arguments: object
    ) -> asyncio.Future[Result]:
        """Run it later, as one step; of one executor's works, one after the other."""
        answer: asyncio.Future[Result] = self.create_future()
        begin = max(self._now, self._busy.get(executor, 0.0)) if executor else self._now
        end = begin + self._dice.choice(WORK_S)
        self._busy[executor] = end
        self.call_at(end, self._work, answer, function, *arguments)
        return answer

    def _work(
        self, answer: asyncio.Future[Result], function: Callable[..., Result], *arguments: object
    ) -> None:
        try:
            result = function(*arguments)
        except Exception as fault:  # noqa: BLE001 - it is raised at the caller
            if not answer.done():
                answer.set_exception(fault)
        else:
            if not answer.done():
                answer.set_result(result)

    def call_soon_threadsafe(self, callback, *arguments, context=None):
        """There are no other threads."""
        return self.call_soon(callback, *arguments, context=context)

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        if not self._is_halted:
            self.faults.append(context)

    def _run_once(self) -> None:
        """Take one step."""
        if self._is_halted:
            raise Halted
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise Stuck("too many steps")
        self._sort_in()
        handle = self._next()
        if handle is not None and not handle._cancelled:
            handle._run()

    def _sort_in(self) -> None:
        """Put what became ready where it belongs."""
        if not (self._ready or self._plain or self._tasks):
            self._jump()
        while self._scheduled and (
            self._scheduled[0]._cancelled or self._scheduled[0]._when <= self._now
        ):
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                self._ready.append(timer)
        while self._ready:
            handle = self._ready.popleft()
            ours = self._tasks if _is_of_task(handle) else self._plain
            ours.append(handle)

    def _jump(self) -> None:
        """Nobody can go on: pass the time until somebody can."""
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        if not self._scheduled:
            raise Stuck("everybody waits for somebody else")
        self._now = max(self._now, self._scheduled[0]._when)

    def _next(self) -> events.Handle | None:
        count = len(self._tasks) + bool(self._plain)
        if not count:
            return None
        chosen = self._dice.randrange(count)
        return self._tasks.pop(chosen) if chosen < len(self._tasks) else self._plain.popleft()

    def _bury(self) -> None:
        """End every task without a word: a dead process says nothing any more."""
        self._is_halted = True
        for task in sorted(tasks.all_tasks(self), key=lambda task: int(task.get_name()[5:])):
            task._log_destroy_pending = False
            if not task.done():
                _close(task.get_coro())
        self.close()

    def _process_events(self, event_list: object) -> None:
        raise AssertionError("there is nothing outside")

    def _write_to_self(self) -> None:
        """There is nobody to wake."""


class VirtualClock:
    """Keeps ``Clock``, by the time of a loop; ``shift_ns`` is how wrong the machine's clock is."""

    def __init__(self, loop: VirtualLoop, begin: Instant = NOON) -> None:
        self.shift_ns = 0
        self._loop = loop
        self._begin = begin

    def now(self) -> Instant:
        return Instant(self._begin + self.shift_ns + round(self._loop.time() * SECOND_NS))

    def monotonic_s(self) -> float:
        return self._loop.time()


def _is_of_task(handle: events.Handle) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)


def _close(coroutine) -> None:
    try:
        coroutine.close()
    except BaseException:  # noqa: BLE001 - nobody is left to hear it
        return
