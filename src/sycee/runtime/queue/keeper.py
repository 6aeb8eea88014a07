"""Writes down how far consumers have come, and deletes what all of them have passed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from sycee.runtime import logs, metrics
from sycee.runtime.database import Publisher
from sycee.runtime.queue import outbox
from sycee.runtime.queue.alarm import Alarm
from sycee.runtime.queue.outbox import Cursor

EVERY_S = 1.0
KEPT = 10_000
"""Events that stay in an outbox after everybody has passed them."""

log = logs.logger("queue")


class Keeper:
    """One for each publishing database.

    ``cursors`` tells where every consumer stands, None of one that does not know yet. They are
    written once a second at most, not with each batch: after a crash some events come
    again, which consumers expect.
    """

    def __init__(
        self,
        database: Publisher,
        cursors: Callable[[], Mapping[str, Cursor | None]],
        kept: int = KEPT,
        every_s: float = EVERY_S,
    ) -> None:
        self._database = database
        self._cursors = cursors
        self._kept = kept
        self._every_s = every_s
        self._trimmed = 0
        self._written: Mapping[str, Cursor] = {}
        self._alarm = Alarm()
        self._lag = metrics.outbox_lag(database.name)
        database.on_publish(self._alarm.ring)

    async def run(self) -> None:
        """Keep on until cancelled; what is known by then is still written."""
        try:
            while True:
                if await self._keep_safely():
                    await self._alarm.wait()
                await asyncio.sleep(self._every_s)
        finally:
            await self._keep_safely()

    async def _keep_safely(self) -> bool:
        try:
            return await self.keep()
        except Exception:  # noqa: BLE001 - the database is away; it will be tried again
            log.fault("outbox_not_kept", database=self._database.name)
            return False

    async def keep(self) -> bool:
        """Write, measure and trim once; whether nothing is left to wait for."""
        cursors = dict(self._cursors())
        known = {name: at for name, at in cursors.items() if at is not None}
        changed = {name: at for name, at in known.items() if self._written.get(name) != at}
        if changed:
            await self._database.write(lambda session: outbox.keep_cursors(session, changed))
            self._written = known
        head = await self._database.read(outbox.head)
        passed = min((at.position if at else 0 for at in cursors.values()), default=head)
        self._lag.set(max(0, head - passed))
        await self._trim(min(passed, head - self._kept))
        return passed >= head and cursors == self._cursors()

    async def _trim(self, upto: int) -> None:
        """Delete slice by slice, between other units of work, and only when a slice is due."""
        while upto - self._trimmed >= outbox.TRIMMED_AT_ONCE:
            gone = await self._database.write(lambda session: outbox.trim(session, upto))
            if not gone:
                self._trimmed = upto
