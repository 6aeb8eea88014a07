"""A consumer that remembers what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from sycee.runtime.host import Message
from tests.runtime.until import WAIT_S


class Inbox:
    """Remembers the keys in order, and may be told to fail first."""

    def __init__(self, failures: int = 0) -> None:
        self.keys: list[str] = []
        self.failures = failures
        self.was_asked = asyncio.Event()
        self._came = asyncio.Condition()

    async def handle(self, messages: Sequence[Message]) -> None:
        """Take a batch, or fail."""
        self.was_asked.set()
        if self.failures:
            self.failures -= 1
            raise OSError("the consumer's disk is away")
        async with self._came:
            self.keys.extend(message.key for message in messages)
            self._came.notify_all()

    async def holds(self, *keys: str) -> None:
        """Wait until all these have come."""
        async with asyncio.timeout(WAIT_S), self._came:
            await self._came.wait_for(lambda: set(keys) <= set(self.keys))


@asynccontextmanager
async def going(run: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Keep a job going for the length of a block."""
    task = asyncio.ensure_future(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
