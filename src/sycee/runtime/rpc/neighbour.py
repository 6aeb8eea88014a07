"""The way to one service in another process: calls go out together, and again after a break."""

from __future__ import annotations

import asyncio
from itertools import count

import grpc
import msgspec

from sycee.kernel.refusal import DeadlineExceeded, Unavailable
from sycee.runtime import deadline, logs, metrics, trace
from sycee.runtime.backoff import pauses
from sycee.runtime.rpc import frames, transport
from sycee.runtime.rpc.conversation import Conversation, Pending
from sycee.runtime.rpc.frames import Call, Cancel
from sycee.runtime.tls import Tls

WAITING_MAX = 10_000
"""Calls to one neighbour that may wait for their frame; further ones are refused."""
_PATIENCE_S = 2.0
_CHECK_S = 0.4
_PAUSE_S, _PAUSE_S_MAX = 0.05, 2.0

log = logs.logger("rpc")


class Neighbour:
    """A service elsewhere, reached by one stream at a time."""

    def __init__(self, service: str, address: str, tls: Tls | None) -> None:
        self._service = service
        self._address = address
        self._tls = tls
        self._count_calls = metrics.rpc_calls(service).inc
        self._count_frames = metrics.rpc_frames(service).inc
        self._ids = count(1)
        self._waiting: dict[int, Pending] = {}
        """Calls not sent yet, by id, in order; one that nobody waits for any more is gone."""
        self._cancelled: list[Cancel] = []
        self._wake = asyncio.Event()
        self._talking: asyncio.Task[None] | None = None
        self._listening: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, operation: str, body: bytes) -> msgspec.Raw:
        """Send one call and wait for its answer."""
        pending = self._enqueue(operation, body)
        answer = pending.answer
        expiry = answer.get_loop().call_later(
            pending.call.remaining_ms / 1000, _expire, answer, self._service
        )
        try:
            return await answer
        except asyncio.CancelledError:
            self._cancel(pending)
            raise
        finally:
            self._waiting.pop(pending.call.id, None)
            expiry.cancel()

    async def check(self) -> None:
        """Raise unless the neighbour says now, over a connection of its own, that it serves."""
        async with transport.channel(self._service, self._address, self._tls) as channel:
            serves = await transport.serves(channel, self._service, _CHECK_S)
        if not serves:
            raise Unavailable(f"{self._service} does not serve now")

    async def close(self) -> None:
        """Stop talking; whoever still waits gets ``Unavailable``."""
        self._closed = True
        tasks = [*self._listening, *filter(None, [self._talking])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for pending in self._waiting.values():
            if not pending.answer.done():
                pending.answer.set_exception(Unavailable(f"{self._service} was not reached"))

    def _enqueue(self, operation: str, body: bytes) -> Pending:
        remaining_ms = int(deadline.remaining_s() * 1000)
        if remaining_ms <= 0:
            raise DeadlineExceeded(f"no time was left to ask {self._service}")
        if self._closed or len(self._waiting) >= WAITING_MAX:
            raise Unavailable(f"{self._service} cannot be asked now")
        assert len(body) <= frames.BODY_BYTES_MAX, f"{operation}: {len(body)} bytes"
        loop = asyncio.get_running_loop()
        if self._talking is None:
            self._talking = loop.create_task(self._talk(), name=f"rpc to {self._service}")
        call = Call(next(self._ids), operation, remaining_ms, trace.current(), msgspec.Raw(body))
        pending = Pending(call, loop.create_future())
        self._waiting[call.id] = pending
        self._wake.set()
        return pending

    def _cancel(self, pending: Pending) -> None:
        if pending.call.id not in self._waiting:
            self._cancelled.append(Cancel(pending.call.id))
            self._wake.set()

    async def _talk(self) -> None:
        async with transport.channel(self._service, self._address, self._tls) as channel:
            rest = pauses(_PAUSE_S, _PAUSE_S_MAX)
            while True:
                stream = transport.open_stream(channel, self._service)
                conversation = Conversation(stream, self._service, self._wake)
                await self._hold(conversation)
                if conversation.was_heard:
                    rest = pauses(_PAUSE_S, _PAUSE_S_MAX)
                if conversation.failure is not None:
                    await self._recover(conversation.failure, next(rest))

    async def _hold(self, conversation: Conversation) -> None:
        """Write on the conversation until it ends or retires."""
        listening = asyncio.create_task(conversation.listen())
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)
        try:
            await self._connect(conversation)
            while conversation.is_open:
                await self._empty(conversation)
                await self._wake.wait()
                self._wake.clear()
            await conversation.finish()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await asyncio.wait([listening])

    async def _connect(self, conversation: Conversation) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await conversation.connected()
        except TimeoutError:
            log.warning("rpc_not_connected", neighbour=self._service, address=self._address)
            await conversation.connected()

    async def _empty(self, conversation: Conversation) -> None:
        while conversation.is_open and (self._waiting or self._cancelled):
            calls, cancelled = self._take(), self._cancelled
            self._cancelled = []
            self._count_frames()
            self._count_calls(len(calls))
            await conversation.write(calls, cancelled)

    def _take(self) -> list[Pending]:
        """The calls of the next frame."""
        calls = frames.fill(self._waiting.values(), lambda pending: pending.call.body)
        for pending in calls:
            del self._waiting[pending.call.id]
        return calls

    async def _recover(self, failure: str, pause_s: float) -> None:
        log.warning(
            "rpc_connection_broken",
            neighbour=self._service,
            address=self._address,
            failure=failure,
        )
        await asyncio.sleep(pause_s)


def _expire(answer: asyncio.Future[msgspec.Raw], service: str) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded(f"{service} did not answer in time"))
