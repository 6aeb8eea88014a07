"""Does requests that must ask others before their unit, once per idempotency key."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from sycee.kernel.refusal import Refusal, Unavailable
from sycee.runtime.database import Session
from sycee.services.payments.contract.shared import (
    IdempotencyConflict,
    IdempotencyInFlight,
    Origin,
)
from sycee.services.payments.service import outcomes
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
    if origin.idempotency_key is not None:
        earlier = await parts.database.read(lambda session: parts.once.earlier(session, origin))
        if earlier is not None:
            return outcomes.replayed(earlier, shape)
    try:
        result = await _done(parts, origin, shape, prepare)
    except (IdempotencyConflict, IdempotencyInFlight):
        raise
    except Refusal as refusal:
        kept = await parts.once.keep_refusal(origin, refusal)
        if kept is None:
            raise
        return outcomes.replayed(kept, shape)
    if isinstance(result, Refusal):
        raise result
    return result


async def _done(
    parts: Parts,
    origin: Origin,
    shape: type[Shape],
    prepare: Callable[[], Awaitable[Callable[[Session], Shape | Refusal]]],
) -> Shape | Refusal:
    for _ in range(ROUNDS_MAX):
        unit = _keyed(parts, origin, shape, await prepare())
        with contextlib.suppress(Stale):
            return await parts.database.write(unit)
    raise Unavailable("Other requests keep changing this object; try again in a moment.")


def _keyed(
    parts: Parts,
    origin: Origin,
    shape: type[Shape],
    unit: Callable[[Session], Shape | Refusal],
) -> Callable[[Session], Shape | Refusal]:
    def keyed(session: Session) -> Shape | Refusal:
        earlier = parts.once.earlier(session, origin)
        if earlier is not None:
            return outcomes.replayed(earlier, shape)
        result = unit(session)
        parts.once.keep(session, origin, _outcome(result))
        return result

    return keyed


def _outcome(result: msgspec.Struct | Refusal) -> bytes:
    if isinstance(result, Refusal):
        return outcomes.refused(result)
    return outcomes.answered(result)
