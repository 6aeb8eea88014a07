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


class Standing(msgspec.Struct, frozen=True):
    """What a caller is told of the narrowest of its buckets."""

    limit: int
    """Requests per second."""
    remaining: int
    """Requests that may come at once now."""
    reset_s: int
    """Seconds until ``limit`` may come at once again."""

    def headers(self) -> tuple[Header, ...]:
        """The fields of draft-ietf-httpapi-ratelimit-headers-06."""
        return (
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset_s),
        )


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
        asked = (((caller.key, kind), of_key), ((caller.merchant.id, kind), of_merchant))
        return self._taken([each for each in asked if each[1]])

    def _taken(self, asked: list[tuple[Bucket, int]]) -> tuple[Header, ...]:
        now = self._monotonic_s()
        after = [(bucket, per_s, self._next(bucket, per_s, now)) for bucket, per_s in asked]
        _, per_s, full_at = max(after, key=_wait_s)
        wait_s = _wait_s((None, per_s, full_at)) - now
        if wait_s > 1e-9:
            raise _refusal(per_s, wait_s, full_at - 1 / per_s - now)
        if len(self._full_at) >= BUCKETS_MAX:
            self._let_go(now)
        for bucket, _, then in after:
            self._full_at[bucket] = then
        return min((_standing(each[1], each[2], now) for each in after), key=_remaining).headers()

    def _next(self, bucket: Bucket, per_s: int, now: float) -> float:
        """When the bucket would be full again after one more request."""
        empty = self._began_s + 1 - 1 / per_s
        return max(self._full_at.get(bucket, empty), now) + 1 / per_s

    def _let_go(self, now: float) -> None:
        if now - self._began_s < 1:
            return  # A bucket that is not known would be taken for an empty one.
        self._full_at = {key: then for key, then in self._full_at.items() if then > now}


def _wait_s(after: tuple[object, int, float]) -> float:
    """From when on a bucket lets the request through; it holds one second's worth."""
    return after[2] - 1


def _remaining(standing: Standing) -> int:
    return standing.remaining


def _standing(per_s: int, full_at: float, now: float) -> Standing:
    used_s = max(full_at - now, 0.0)
    return Standing(per_s, max(int((1 - used_s) * per_s + 1e-6), 0), math.ceil(used_s - 1e-9))


def _refusal(per_s: int, wait_s: float, reset_s: float) -> RateLimited:
    return RateLimited(
        f"Too many requests: {per_s} a second are allowed here. Try again in a moment.",
        facts={
            "retry_after_s": str(math.ceil(wait_s)),
            "limit": str(per_s),
            "reset_s": str(math.ceil(max(reset_s, wait_s))),
        },
    )
