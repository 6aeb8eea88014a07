"""Waits for something that announces itself to nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

WAIT_S = 15


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again, for a bounded time."""
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 - nobody could set an event
            await asyncio.sleep(0.005)
