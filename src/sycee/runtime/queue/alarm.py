"""Wakes a background task when there is something to do, and now and then in any case."""

from __future__ import annotations

import asyncio
from contextlib import suppress

TICK_S = 30.0
"""Nothing depends on it: it bounds how long a wake-up that went astray can matter."""


class Alarm:
    """Set by whoever has work; waited for by the one task that does it."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.ring = self._rung.set

    async def wait(self, tick_s: float = TICK_S) -> None:
        """Until it rings. What rings from here on is for the next time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(tick_s):
                await self._rung.wait()
        self._rung.clear()
