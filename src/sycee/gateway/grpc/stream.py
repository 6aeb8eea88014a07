"""A stream of messages both ways: many under way at once, answered in the order they came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import NamedTuple, TypeAlias

import grpc
import msgspec

from sycee.kernel.refusal import Unavailable

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"

UNANSWERED_BYTES_MAX = 1 << 20
"""Messages are read while fewer bytes than this wait for their answers; one always is."""
MESSAGE_BYTES_MIN = 1 << 10
"""What a smaller message counts for: a thousand of them may be under way."""


class _UnderWay(NamedTuple):
    """A message whose answer has not left yet."""

    size: int
    answer: asyncio.Task[bytes]


class Stream:
    """One caller's stream, from its opening until its last answer.

    A message is read, and its work begun, before the next one is looked at. With the first no the
    stream ends: what came before is answered, what came after a message that ``read`` refuses is
    never begun, and what was under way when ``do`` refused another has an unknown outcome.
    """

    def __init__(
        self,
        context: Context,
        read: Callable[[bytes], Awaitable[msgspec.Struct]],
        do: Callable[[msgspec.Struct], Coroutine[None, None, bytes]],
    ) -> None:
        self._context = context
        self._read = read
        self._do = do
        self._queue: asyncio.Queue[_UnderWay | None] = asyncio.Queue()
        self._unanswered_bytes = 0
        self._room = asyncio.Event()
        self._work: set[asyncio.Task[bytes]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._is_closing = False

    async def hold(self) -> None:
        """Answer until the caller has no more; raises the first no."""
        self._reading = asyncio.create_task(self._read_all())
        try:
            while (under_way := await self._queue.get()) is not None:
                await self._context.write(await under_way.answer)
                self._unanswered_bytes -= under_way.size
                self._room.set()
            if self._is_closing:
                raise Unavailable("the door closes; send what was not answered again")
            await self._reading
        finally:
            self._reading.cancel()
            for task in self._work:
                task.cancel()

    def close(self) -> None:
        """Read no more; ``hold`` answers what is under way and then says that the door closes."""
        self._is_closing = True
        if self._reading is not None:
            self._reading.cancel()

    async def _read_all(self) -> None:
        try:
            while not self._is_closing and isinstance(body := await self._context.read(), bytes):
                self._begin(len(body), await self._read(body))
                await self._wait_for_room()
        finally:
            self._queue.put_nowait(None)

    def _begin(self, size: int, command: msgspec.Struct) -> None:
        task = asyncio.create_task(self._do(command))
        self._work.add(task)
        task.add_done_callback(self._finish)
        counted = max(size, MESSAGE_BYTES_MIN)
        self._unanswered_bytes += counted
        self._queue.put_nowait(_UnderWay(counted, task))

    def _finish(self, task: asyncio.Task[bytes]) -> None:
        self._work.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it is told; when nobody does, that is no fault

    async def _wait_for_room(self) -> None:
        while self._unanswered_bytes >= UNANSWERED_BYTES_MAX:
            self._room.clear()
            await self._room.wait()
