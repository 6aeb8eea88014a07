"""Carries events inside one process: from its databases' outboxes to its own consumers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sycee.runtime import logs
from sycee.runtime.backoff import pauses
from sycee.runtime.database import Publisher, Session
from sycee.runtime.queue import keeper, outbox
from sycee.runtime.queue.alarm import Alarm
from sycee.runtime.queue.keeper import Keeper
from sycee.runtime.queue.outbox import Cursor, Entry
from sycee.runtime.queue.subscription import BATCH_MAX, Subscription, Wiring

_PAUSE_S, _PAUSE_S_MAX = 0.1, 30.0

log = logs.logger("queue")


class LocalQueue(Wiring):
    """Every consumer has its own cursor in each database, and waits for no other consumer.

    Events of one database come in the order of their commits. A new consumer begins with the
    oldest event that is kept.
    """

    def __init__(self, kept: int = keeper.KEPT, keep_every_s: float = keeper.EVERY_S) -> None:
        super().__init__()
        self._kept = kept
        self._keep_every_s = keep_every_s

    async def run(self) -> None:
        """Carry events until cancelled: a job of the process."""
        async with asyncio.TaskGroup() as tasks:
            for database in self._databases:
                deliveries = [
                    Delivery(database, subscription)
                    for subscription in self._subscriptions.values()
                ]
                for delivery in deliveries:
                    tasks.create_task(delivery.run())
                tasks.create_task(self._keeper(database, deliveries).run())

    def _keeper(self, database: Publisher, deliveries: list[Delivery]) -> Keeper:
        def cursors() -> dict[str, Cursor | None]:
            return {delivery.name: delivery.cursor for delivery in deliveries}

        return Keeper(database, cursors, self._kept, self._keep_every_s)


class Delivery:
    """The way from one outbox to one consumer."""

    def __init__(self, database: Publisher, subscription: Subscription) -> None:
        self.name = subscription.name
        self.cursor: Cursor | None = None
        self._database = database
        self._subscription = subscription
        self._alarm = Alarm()
        database.on_publish(self._alarm.ring)

    async def run(self) -> None:
        """Deliver until cancelled. A batch that its consumer does not take comes again."""
        again = pauses(_PAUSE_S, _PAUSE_S_MAX)
        while True:
            try:
                while await self._deliver():
                    again = pauses(_PAUSE_S, _PAUSE_S_MAX)
                await self._alarm.wait()
            except Exception:  # noqa: BLE001 - the one place where faults of consumers are logged
                pause_s = next(again)
                log.fault("delivery_failed", consumer=self.name, again_in_s=pause_s)
                await asyncio.sleep(pause_s)

    async def _deliver(self) -> bool:
        """Hand over the next batch; whether there may be another."""
        if self.cursor is None:
            self.cursor = await self._database.read(lambda s: outbox.cursor(s, self.name))
        after = self.cursor.position
        entries, reached = await self._database.read(lambda s: self._next(s, after))
        if entries:
            await self._subscription.handle([entry.message for entry in entries])
        self.cursor = Cursor(reached)
        return len(entries) == BATCH_MAX

    def _next(self, session: Session, after: int) -> tuple[Sequence[Entry], int]:
        """The next batch, and where the cursor stands when it is done."""
        head = outbox.head(session)
        entries = outbox.entries_of(session, self._subscription.topic, after, head, BATCH_MAX)
        return entries, entries[-1].seq if len(entries) == BATCH_MAX else max(head, after)
