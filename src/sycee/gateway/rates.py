"""How often one key, and one merchant with all its keys, may ask: exact token buckets (AE7)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from sycee.gateway.asgi import Header
from sycee.gateway.refusals import RateLimited
from sycee.gateway.routes import Priority
from sycee.services.identity.contract import Caller

Bucket: TypeAlias = tuple[str, str]
"""The id of a key or a merchant, and a class of requests."""

BUCKETS_MAX = 10_000
"""Above this many, those that are full are let go; a full one need not be remembered."""


class Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often one API key may ask; 0 sets no limit. A second's worth may come at once."""

    reads_per_s: int = 0
    """Requests that only read."""
    writes_per_s: int = 0
    """Requests that create; captures, refunds and cancellations have as many of their own."""

    def __post_init__(self) -> None:
        if self.reads_per_s < 0 or self.writes_per_s < 0:
            raise ValueError("reads_per_s and writes_per_s must be 0 or more")


class Turnstile:
    """Lets requests through at their rates (generic cell rate algorithm, ITU-T I.371, annex A).

    A bucket is one number: when it will be full again. In a fresh process every bucket begins
    empty, as if all that it holds had just been used, so a restart gives nobody a second burst.
    """

    def __init__(self, monotonic_s: Callable[[], float], per_key: Rates) -> None:
        self._monotonic_s = monotonic_s
        self._per_key = per_key
        self._began_s = monotonic_s()
        self._full_at: dict[Bucket, float] = {}

    def pass_through(self, caller: Caller, priority: Priority) -> tuple[Header, ...]:
        """Count a request; the header fields that tell where its caller stands.

        A request counts in the key's bucket and in the merchant's, or in none when it is refused.
        """
        if priority is Priority.ALWAYS:
            return ()
        limits, key = caller.merchant.limits, self._per_key
        reads = priority is Priority.READ
        of_key = key.reads_per_s if reads else key.writes_per_s
        of_merchant = limits.reads_per_s if reads else limits.writes_per_s
        if not of_key and not of_merchant:
            return ()
        kind = "read" if reads else "settle" if priority is Priority.SETTLE else "create"
        asked: list[tuple[Bucket, int]] = []
        if of_key:
            asked.append(((caller.key, kind), of_key))
        if of_merchant:
            asked.append(((caller.merchant.id, kind), of_merchant))
        return self._taken(asked)

    def _taken(self, asked: list[tuple[Bucket, int]]) -> tuple[Header, ...]:
        now = self._monotonic_s()
        narrowest, least = 0, math.inf
        after: list[tuple[Bucket, float]] = []
        for bucket, per_s in asked:
            before = self._full_at.get(bucket, self._began_s + 1 - 1 / per_s)
            full_at = max(before, now) + 1 / per_s
            room = (now + 1 - full_at) * per_s
            if room < -1e-6:
                raise _refusal(per_s, full_at - 1 - now, before - now)
            after.append((bucket, full_at))
            if room < least:
                narrowest, least = per_s, room
        if len(self._full_at) >= BUCKETS_MAX:
            self._let_go(now)
        self._full_at.update(after)
        return _standing(narrowest, least)

    def _let_go(self, now: float) -> None:
        if now - self._began_s < 1:
            return  # A bucket that is not known would be taken for an empty one.
        self._full_at = {key: then for key, then in self._full_at.items() if then > now}


def _standing(per_s: int, room: float) -> tuple[Header, ...]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-06, of the narrowest bucket."""
    reset_s = math.ceil(1 - room / per_s - 1e-9)
    return (
        (b"ratelimit-limit", b"%d" % per_s),
        (b"ratelimit-remaining", b"%d" % int(room + 1e-6)),
        (b"ratelimit-reset", b"%d" % reset_s),
    )


def _refusal(per_s: int, wait_s: float, reset_s: float) -> RateLimited:
    return RateLimited(
        f"Too many requests: {per_s} a second are allowed here. Try again in a moment.",
        facts={
            "retry_after_s": str(math.ceil(wait_s)),
            "limit": str(per_s),
            "reset_s": str(math.ceil(max(reset_s, wait_s))),
        },
    )
