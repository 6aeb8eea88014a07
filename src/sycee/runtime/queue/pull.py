"""Takes messages from a durable consumer of the stream as they come, many at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import TimeoutError as NothingCame

BATCH_MAX = 256
REQUEST_S = 1.0
"""How long one request stands. After an outage, the first message may come this much later."""

_MARGIN_S = 0.25
_RAN_OUT = ("404", "408")


class ConsumerLost(Exception):
    """The stream no longer knows this consumer, or nobody speaks for the stream."""


class _Request(msgspec.Struct):
    """What JetStream is asked for (NATS ADR-13, pull consumers)."""

    batch: int
    expires: int
    """Nanoseconds."""


class Pull:
    """One standing request at a time.

    The client's own ``fetch`` waits for a full batch or for its time to run out, so that a lone
    event would come late.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        self._source: Subscription | None = None
        self._open = 0

    async def take(self) -> Sequence[Msg]:
        """What is there, as soon as there is any; nothing when a request ran out."""
        source = await self._subscribed()
        if self._open <= 0:
            await self._ask()
        messages: list[Msg] = []
        try:
            self._sort(await source.next_msg(REQUEST_S + _MARGIN_S), messages)
        except NothingCame:
            self._open = 0
        while source.pending_msgs and len(messages) < BATCH_MAX:
            self._sort(await source.next_msg(REQUEST_S), messages)
        return messages

    async def close(self) -> None:
        """Ask no more."""
        if self._source is not None:
            await self._source.unsubscribe()

    async def _subscribed(self) -> Subscription:
        if self._source is None:
            self._source = await self._client.subscribe(self._inbox)
        return self._source

    async def _ask(self) -> None:
        request = _Request(BATCH_MAX, round(REQUEST_S * 1e9))
        await self._client.publish(self._subject, msgspec.json.encode(request), self._inbox)
        self._open = BATCH_MAX

    def _sort(self, message: Msg, messages: list[Msg]) -> None:
        status = (message.headers or {}).get("Status")
        if status is None:
            self._open -= 1
            messages.append(message)
            return
        self._open = 0
        if status not in _RAN_OUT:
            raise ConsumerLost(f"{status} {(message.headers or {}).get('Description', '')}")
