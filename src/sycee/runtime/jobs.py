"""Work that goes on in the background for as long as a process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sycee.runtime import logs
from sycee.runtime.backoff import pauses

Work = Callable[[], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]

_PAUSE_S, _PAUSE_S_MAX = 0.1, 30.0

log = logs.logger("jobs")


class Jobs:
    """Keeps jobs going: one that raises is logged and begun again, after growing pauses."""

    def __init__(self, pause: Pause = asyncio.sleep) -> None:
        self._pause = pause
        self._known: list[tuple[str, Work]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._started = False
        self._stopping = False

    def add(self, name: str, run: Work) -> None:
        """Take a job on; it begins at ``start``, or at once when that has been."""
        self._known.append((name, run))
        if self._started:
            self._begin(name, run)

    def start(self) -> None:
        """Begin all jobs."""
        self._started = True
        for name, run in self._known:
            self._begin(name, run)

    async def stop(self) -> None:
        """Cancel all jobs and wait until each has finished its step."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, name: str, run: Work) -> None:
        self._tasks.append(asyncio.create_task(self._keep(name, run), name=name))

    async def _keep(self, name: str, run: Work) -> None:
        for pause_s in pauses(_PAUSE_S, _PAUSE_S_MAX):
            try:
                await run()
                return
            except Exception:  # noqa: BLE001 - the one place where faults of jobs are logged
                log.fault("job_failed", job=name, again_in_s=pause_s)
            if self._stopping:
                return
            await self._pause(pause_s)
