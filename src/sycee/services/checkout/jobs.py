"""What runs beside the calls: forgetting old idempotency keys."""

from __future__ import annotations

import asyncio

from sycee.kernel.clock import after
from sycee.services.checkout.service.parts import Parts
from sycee.services.checkout.store import keys

SLICE = 100
"""How many rows are dropped at once."""
RARELY_S = 60.0


async def keep_forgetting(parts: Parts) -> None:
    """Drop idempotency keys that are old enough, in small slices."""
    while True:
        await forget_keys(parts)
        await asyncio.sleep(RARELY_S)


async def forget_keys(parts: Parts) -> None:
    """Drop old idempotency keys."""
    before = after(parts.clock.now(), -parts.settings.keep_keys_s)
    while await parts.database.write(lambda session: keys.forget(session, before, SLICE)):
        pass
