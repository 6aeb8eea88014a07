"""Prefixed, time-ordered identifiers, and numbers derived from them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from sycee.kernel.clock import Clock, Instant

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: sorts as its numbers do, and has no letters that look alike."""
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_MILLISECOND_NS = 1_000_000
_ENTROPY_BYTES = 8
_STEP_BYTES = 4


def encode(prefix: str, instant: Instant, entropy: bytes) -> str:
    """Write ``prefix_`` and 24 characters: 56 bits of milliseconds, then 64 bits of entropy.

    Ids made at later milliseconds sort after earlier ones, as text and as numbers.
    """
    assert len(entropy) == _ENTROPY_BYTES, "an id takes 8 bytes of entropy"
    number = (instant // _MILLISECOND_NS) << 64 | int.from_bytes(entropy, "big")
    pairs = _PAIRS
    text = "".join([pairs[number >> shift & 1023] for shift in range(110, -1, -10)])
    return f"{prefix}_{text}"


class Ids:
    """Makes fresh ids from an injected clock and an injected source of entropy.

    Ids of one maker sort in the order in which they were made, as long as the clock does not go
    back: within a millisecond each is a random step above the one before.
    """

    def __init__(self, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self._now = clock.now
        self._entropy = entropy
        self._millisecond = -1
        self._head = ""
        self._rest = 0

    def new(self, prefix: str) -> str:
        """A fresh id such as ``pi_01J…``; 63 random bits keep makers of one millisecond apart."""
        millisecond = self._now() // _MILLISECOND_NS
        if millisecond != self._millisecond:
            self._begin(millisecond)
        else:
            self._rest += 1 + int.from_bytes(self._entropy(_STEP_BYTES), "big")
        rest, pairs = self._rest, _PAIRS
        return (
            f"{prefix}_{self._head}{_ALPHABET[rest >> 60]}"
            f"{pairs[rest >> 50 & 1023]}{pairs[rest >> 40 & 1023]}{pairs[rest >> 30 & 1023]}"
            f"{pairs[rest >> 20 & 1023]}{pairs[rest >> 10 & 1023]}{pairs[rest & 1023]}"
        )

    def _begin(self, millisecond: int) -> None:
        """Write the first 55 bits as 11 characters; the last bit goes with the entropy.

        The entropy's first bit stays 0: two thousand million steps fit above it.
        """
        self._millisecond = millisecond
        self._head = encode("", Instant(millisecond * _MILLISECOND_NS), bytes(_ENTROPY_BYTES))[1:12]
        entropy = int.from_bytes(self._entropy(_ENTROPY_BYTES), "big") >> 1
        self._rest = (millisecond & 1) << 64 | entropy


def derived_number(*parts: str) -> int:
    """A 128-bit number that is always the same for the same parts, and never zero.

    Lets a step of a payment name its ledger transfer without remembering it: after a crash the
    same step derives the same id, and the ledger recognises the repetition.
    """
    digest = blake2b("\x1f".join(parts).encode(), digest_size=16).digest()
    return int.from_bytes(digest, "big") or 1
