"""What runs beside the calls: deliveries, woken by what is queued and by what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

from sycee.kernel.clock import SECOND_NS, Clock, Instant, after
from sycee.runtime.database import Database
from sycee.services.notify.service.courier import Courier
from sycee.services.notify.store import attempts

FORGET_EVERY_S = 3_600.0
NAP_S_MAX = 60.0
"""The longest wait without a look at the clock, which somebody may have set meanwhile."""


async def keep_delivering(courier: Courier, clock: Clock, patience_s: float) -> None:
    """Deliver until drain; then finish what is under way, or hand it back."""
    try:
        await courier.begin()
        while True:
            due = await _undisturbed(courier.start_due())
            with suppress(TimeoutError):
                async with asyncio.timeout(_nap_s(clock.now(), due)):
                    await courier.changed()
    finally:
        await courier.drain(patience_s)


async def keep_forgetting(database: Database, clock: Clock, kept_s: float) -> None:
    """Remove attempts whose time is over, at the start and every hour."""
    while True:
        await forget(database, after(clock.now(), -kept_s))
        await asyncio.sleep(FORGET_EVERY_S)


async def forget(database: Database, before: Instant) -> None:
    """Remove the attempts that began before an instant, slice by slice."""
    while await database.write(lambda session: attempts.drop(session, before)):
        pass


def _nap_s(now: Instant, due: Instant | None) -> float:
    return NAP_S_MAX if due is None else min(max((due - now) / SECOND_NS, 0.0), NAP_S_MAX)


async def _undisturbed(step: Awaitable[Instant | None]) -> Instant | None:
    """Let a step finish before its cancellation shows, so that no lease is left lying about."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
