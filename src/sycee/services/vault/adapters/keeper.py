"""What the vault asks of a keeper of keys: wrap, unwrap, and have a newer key do it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from sycee.kernel.clock import Instant


class Wrapped(msgspec.Struct, frozen=True):
    """A data key that only its keeper can open."""

    version: int
    """Of the key encryption key."""
    text: bytes


class Ring(msgspec.Struct, frozen=True):
    """Which key encryption keys there are."""

    current: int
    rotated: Instant
    """When the current one was made."""
    versions: tuple[int, ...]


class KeyMissing(Exception):
    """The key encryption key is gone, or is not the one that wrapped; nothing can be opened."""


class Keeper(Protocol):
    """Keeps the key encryption keys, which never leave it."""

    name: str

    async def ring(self) -> Ring:
        """Which keys there are."""
        ...

    async def wrap(self, key: bytes, bound: bytes) -> Wrapped:
        """Wrap by the current key, to ``bound``."""
        ...

    async def unwrap(self, wrapped: Wrapped, bound: bytes) -> bytes:
        """What was wrapped; ``KeyMissing`` when it was by no key of ours, or to something else."""
        ...

    async def rotate(self) -> Ring:
        """Have a fresh key wrap from now on; the former ones still unwrap."""
        ...

    async def retire(self) -> Ring:
        """Give up all keys but the current one, for good."""
        ...
