"""Unsigned 128-bit integers: ids and amounts of the ledger."""

from __future__ import annotations

U128_MAX = 2**128 - 1


class U128(int):
    """An int that crosses the wire as 16 big-endian bytes; plain arithmetic gives plain ints."""

    __slots__ = ()

    def encode(self) -> bytes:
        """The sixteen bytes; ``OverflowError`` outside 0…2¹²⁸-1."""
        return self.to_bytes(16, "big")

    @classmethod
    def decode(cls, octets: bytes) -> U128:
        """Read sixteen bytes."""
        return cls.from_bytes(octets, "big")
