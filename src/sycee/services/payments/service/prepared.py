"""Does requests that must ask others before their unit, once per idempotency key."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from sycee.kernel.refusal import Refusal, Unavailable
from sycee.runtime.database import Session
from sycee.services.payments.contract.shared import Origin
from sycee.services.payments.service.parts import Parts

Shape = TypeVar("Shape", bound=msgspec.Struct)

ROUNDS_MAX = 5
"""How often a request is prepared before it gives way to those that keep being faster."""


class Stale(Exception):
    """What was prepared no longer holds, because another request was faster."""


async def prepared(
    parts: Parts,
    origin: Origin,
    shape: type[Shape],
    prepare: Callable[[], Awaitable[Callable[[Session], Shape | Refusal]]],
) -> Shape:
    """Run ``prepare``, which keeps nothing, then the one unit that it makes.

    A unit that *returns* a refusal has changed something: change and refusal become durable
    together. The key is not claimed while others are asked, so it can never stay in flight; a
    crash before the unit leaves nothing behind, and the repetition is judged afresh. Of twins the
    first to reach its unit wins, and the other is answered with that outcome. For this,
    ``prepare`` must not move money.
    """

    async def done() -> Shape | Refusal:
        for _ in range(ROUNDS_MAX):
            unit = parts.once.keyed(origin, shape, await prepare())
            with contextlib.suppress(Stale):
                return await parts.database.write(unit)
        raise Unavailable("Other requests keep changing this object; try again in a moment.")

    result = await parts.once.first(origin, shape, done)
    if isinstance(result, Refusal):
        raise result
    return result
