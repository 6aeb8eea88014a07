"""The floor of a process that runs for real: it opens, stands until a signal, drains, closes."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.runtime import entropy, logs, secrets
from sycee.runtime.clock import SystemClock
from sycee.runtime.database import Database
from sycee.runtime.health import Health
from sycee.runtime.host import Handler, Profile
from sycee.runtime.jobs import Jobs, Work

GRACE_S = 10.0
"""How long calls in flight may take to finish at drain (RE2)."""

Result = TypeVar("Result")
OpenDatabase = Callable[[str], Awaitable[Database]]
End = Callable[[], Awaitable[object]]
"""Ends something: stops a door and finishes what is in flight within ``GRACE_S``, or closes."""

_MARGIN_S = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = logs.logger("floor")


class Queue(Protocol):
    """Carries events from outboxes to consumers."""

    def subscribe(self, topic: str, consumer: str, handle: Handler) -> None:
        """See ``Host.subscribe``."""
        ...


class Floor:
    """Keeps ``Host``. Enter it, build services on it, call ``ready``, wait for ``stopped``, leave.

    Leaving drains: no new work, calls in flight finish, jobs stop, connections and databases close.
    """

    def __init__(
        self,
        data: Path,
        profile: Profile,
        open_database: OpenDatabase,
        queue: Queue,
        clock: Clock | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.ids = Ids(self.clock, entropy.take)
        self.profile = profile
        self.health = Health()
        self._data = data
        self._open_database = open_database
        self._queue = queue
        self._jobs = Jobs()
        self._doors: list[End] = []
        self._closings: list[End] = []
        self._stop = asyncio.Event()

    async def database(self, service: str) -> Database:
        """Open the service's own database; readiness depends on it from now on."""
        database = await self._open_database(service)
        self.at_close(database.close)
        self.health.check(
            f"database {service}",
            lambda: database.read(lambda session: session.row("SELECT 1")),
        )
        return database

    def path(self, name: str) -> Path:
        """Where a service may keep a file or a folder of its own."""
        return self._data / name

    def job(self, name: str, run: Work) -> None:
        """Keep ``run`` going from ``ready`` to drain."""
        self._jobs.add(name, run)

    def subscribe(self, topic: str, consumer: str, handle: Handler) -> None:
        """Have ``handle`` called with the topic's events."""
        self._queue.subscribe(topic, consumer, handle)

    def secret(self, name: str, size: int = 32) -> bytes:
        """The secret in the data directory; only the dev profile makes one that is absent."""
        path = self._data / "secrets" / name
        if self.profile is Profile.DEV and not path.exists():
            secrets.make(path, size)
        return secrets.of_size(path, size)

    def door(self, drain: End) -> None:
        """Have ``drain`` called when this process stops: a door through which work comes in."""
        self._doors.append(drain)

    def at_close(self, close: End) -> None:
        """Have ``close`` called after the drain, last opened first closed."""
        self._closings.append(close)

    def ready(self) -> None:
        """All is built: begin the jobs, let work come, and keep what exists out of the collector.

        What was built lives as long as the process; scanning it again and again would stop
        payments for tens of milliseconds each time.
        """
        self._jobs.start()
        self.health.accept()
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    def stop(self) -> None:
        """Let ``stopped`` return."""
        self._stop.set()

    async def stopped(self) -> None:
        """Wait for SIGTERM or SIGINT, or for ``stop``."""
        await self._stop.wait()

    async def __aenter__(self) -> Self:
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self.health.refuse()
        await asyncio.gather(*map(_finish, self._doors))
        await self._jobs.stop()
        for close in reversed(self._closings):
            await _finish(close)
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
        log.info("closed")


async def _finish(end: End) -> None:
    """One that cannot end in order must not keep the others from it."""
    try:
        async with asyncio.timeout(GRACE_S + _MARGIN_S):
            await end()
    except Exception:  # noqa: BLE001 - the one place where faults at the end are logged
        log.fault("end_failed")


def run(main: Coroutine[None, None, Result]) -> Result:
    """Run a process's main coroutine, on uvloop where it is installed."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
