"""The connection to NATS, and the one stream on it that carries every event."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import NamedTuple

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from sycee.runtime import logs
from sycee.runtime.queue.pull import Pull

STREAM = "sycee"
PLACE = "Sycee-Outbox"
"""Header that says from which outbox, and from which place in it, a message came."""
KEY = "Nats-Msg-Id"
"""JetStream's own header: what came with the same one within two minutes is dropped."""

ANSWER_S = 2.0
ACK_WAIT_S = 10.0
"""After this long without a sign of its consumer, a message goes to another."""

_DEDUPLICATED_S = 120.0
_KEPT_S = 7 * 86_400.0
_RECONNECT_S = 0.25

log = logs.logger("queue")


class Stream(NamedTuple):
    """Which stream stands there, and what it holds."""

    identity: str
    first: int
    last: int


class Broker:
    """Connects when it is first needed, and for ever again after that."""

    def __init__(
        self, url: str, tls: ssl.SSLContext | None = None, replicas: int = 1, bytes_max: int = -1
    ) -> None:
        self.is_closing = False
        """Whether all who use it should end. Before Python 3.12, ``asyncio.wait_for``, which the
        client waits with, swallows a cancellation that comes together with an answer."""
        self._url = url
        self._tls = tls
        self._replicas = replicas
        self._bytes_max = bytes_max
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._wakes: list[Callable[[], None]] = []

    def on_reconnect(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called whenever a lost connection stands again."""
        self._wakes.append(wake)

    async def jetstream(self) -> JetStreamContext:
        """The way to JetStream; waits as long as the server is away."""
        return (await self._connected()).jetstream(timeout=ANSWER_S)

    async def stream(self) -> Stream:
        """The stream as it stands now, made if it is missing."""
        jetstream = await self.jetstream()
        try:
            info = await jetstream.stream_info(STREAM)
        except NotFoundError:
            info = await jetstream.add_stream(self._config())
            log.info("stream_made", stream=STREAM)
        return Stream(str(info.created), info.state.first_seq, info.state.last_seq)

    async def consumer(self, name: str, subject: str) -> Pull:
        """A durable consumer of a subject, made if it is missing."""
        await self.stream()
        jetstream = await self.jetstream()
        config = ConsumerConfig(
            durable_name=name,
            filter_subject=subject,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
        )
        await jetstream.add_consumer(STREAM, config)
        return Pull(await self._connected(), STREAM, name)

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None:
                self._client = await nats.connect(
                    self._url,
                    name="sycee",
                    tls=self._tls,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=_RECONNECT_S,
                    connect_timeout=ANSWER_S,
                    error_cb=_note_error,
                    disconnected_cb=_note_disconnected,
                    reconnected_cb=self._wake_all,
                )
            return self._client

    def _config(self) -> StreamConfig:
        return StreamConfig(
            name=STREAM,
            subjects=[f"{STREAM}.>"],
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            max_age=_KEPT_S,
            max_bytes=self._bytes_max,
            duplicate_window=_DEDUPLICATED_S,
            num_replicas=self._replicas,
        )

    async def _wake_all(self) -> None:
        log.info("nats_reconnected")
        for wake in self._wakes:
            wake()


async def _note_error(fault: Exception) -> None:
    log.debug("nats_error", error=repr(fault))


async def _note_disconnected() -> None:
    log.warning("nats_disconnected")
