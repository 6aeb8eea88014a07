"""Carries events between processes, over NATS JetStream."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Sequence

from nats.aio.msg import Msg

from sycee.runtime import logs
from sycee.runtime.backoff import pauses
from sycee.runtime.host import Message
from sycee.runtime.queue import keeper
from sycee.runtime.queue.broker import ACK_WAIT_S, Broker
from sycee.runtime.queue.bundle import messages
from sycee.runtime.queue.keeper import Keeper
from sycee.runtime.queue.pull import Pull
from sycee.runtime.queue.relay import CHECK_S, Relay, subject
from sycee.runtime.queue.subscription import BATCH_MAX, Subscription, Wiring

_PAUSE_S, _PAUSE_S_MAX = 0.1, ACK_WAIT_S / 3
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]")

log = logs.logger("queue")


class NatsQueue(Wiring):
    """Every subscription is a durable consumer of the stream; processes of one kind share it.

    Events come at least once each, and usually in order. A new consumer begins with the oldest
    event in the stream.
    """

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext | None = None,
        kept: int = keeper.KEPT,
        keep_every_s: float = keeper.EVERY_S,
        check_s: float = CHECK_S,
    ) -> None:
        super().__init__()
        self._url = url
        self._tls = tls
        self._kept = kept
        self._keep_every_s = keep_every_s
        self._check_s = check_s

    async def run(self) -> None:
        """Carry events until cancelled: a job of the process."""
        broker = Broker(self._url, self._tls)
        try:
            async with asyncio.TaskGroup() as tasks:
                for database in self._databases:
                    relay = Relay(database, broker, self._check_s)
                    tasks.create_task(relay.run())
                    keeper = Keeper(database, relay.cursors, self._kept, self._keep_every_s)
                    tasks.create_task(keeper.run())
                for subscription in self._subscriptions.values():
                    tasks.create_task(_Consumer(subscription, broker).run())
                try:
                    await asyncio.Event().wait()
                finally:
                    broker.is_closing = True
        finally:
            await broker.close()


class _Consumer:
    """The way from the stream to one subscription."""

    def __init__(self, subscription: Subscription, broker: Broker) -> None:
        self._subscription = subscription
        self._broker = broker
        self._durable = _NOT_A_NAME.sub("_", subscription.name)

    async def run(self) -> None:
        """Take and handle messages until cancelled; begin anew when the stream is another."""
        again = pauses(_PAUSE_S, _PAUSE_S_MAX)
        while not self._broker.is_closing:
            try:
                pull = await self._broker.consumer(
                    self._durable, subject("*", self._subscription.topic)
                )
                again = pauses(_PAUSE_S, _PAUSE_S_MAX)
                await self._consume(pull)
            except Exception as fault:  # noqa: BLE001 - NATS is away, or the consumer was lost
                pause_s = next(again)
                log.warning(
                    "consumer_waits",
                    consumer=self._subscription.name,
                    error=repr(fault),
                    again_in_s=pause_s,
                )
                await asyncio.sleep(pause_s)

    async def _consume(self, pull: Pull) -> None:
        try:
            while not self._broker.is_closing:
                if messages := await pull.take():
                    await self._handle(messages)
        finally:
            await pull.close()

    async def _handle(self, taken: Sequence[Msg]) -> None:
        """Hand over what was taken, in batches; only then is it done for the stream."""
        events = [event for message in taken for event in _events(message)]
        for start in range(0, len(events), BATCH_MAX):
            await self._hand_over(events[start : start + BATCH_MAX], taken)
        for message in taken:
            await message.ack()

    async def _hand_over(self, batch: Sequence[Message], taken: Sequence[Msg]) -> None:
        """Hand over a batch until the consumer takes it."""
        for pause_s in pauses(_PAUSE_S, _PAUSE_S_MAX):
            try:
                await self._subscription.handle(batch)
                return
            except Exception:  # noqa: BLE001 - the one place where faults of consumers are logged
                log.fault("delivery_failed", consumer=self._subscription.name, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            for message in taken:
                await message.in_progress()


def _events(message: Msg) -> list[Message]:
    return messages(message.subject.split(".", 2)[2], message.data)
