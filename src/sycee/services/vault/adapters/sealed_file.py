"""Keeps key encryption keys in a file, sealed by a secret of the installation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag

from sycee.kernel.clock import Clock, Instant
from sycee.runtime import secrets
from sycee.services.vault.adapters.keeper import KeyMissing, Ring, Wrapped
from sycee.services.vault.domain import KEY_BYTES, NONCE_BYTES, open_sealed, seal

_BOUND = b"sycee vault key ring"


class _Keys(msgspec.Struct, frozen=True):
    current: int
    rotated: Instant
    keys: dict[int, bytes]


class SealedFile:
    """Every change replaces the whole file, durably, before it is in force."""

    name = "file"

    def __init__(
        self, path: Path, seal_key: bytes, clock: Clock, entropy: Callable[[int], bytes]
    ) -> None:
        self._path = path
        self._seal_key = seal_key[:KEY_BYTES]
        self._clock = clock
        self._entropy = entropy
        self._keys: _Keys | None = None

    async def open(self, may_begin: bool) -> None:
        """Read the file; only where nothing was sealed yet may it be absent."""
        if not self._path.exists():
            if not may_begin:
                raise KeyMissing(f"{self._path} is gone: without it no card number can be opened")
            await self._keep(_Keys(1, self._clock.now(), {1: self._entropy(KEY_BYTES)}))
            return
        try:
            opened = open_sealed(self._seal_key, secrets.read(self._path), _BOUND)
        except InvalidTag:
            raise KeyMissing(f"{self._path} was sealed by another vault-seal") from None
        self._keys = msgspec.msgpack.decode(opened, type=_Keys)

    async def ring(self) -> Ring:
        keys = self._held
        return Ring(keys.current, keys.rotated, tuple(sorted(keys.keys)))

    async def wrap(self, key: bytes, bound: bytes) -> Wrapped:
        keys = self._held
        nonce = self._entropy(NONCE_BYTES)
        return Wrapped(keys.current, seal(keys.keys[keys.current], nonce, key, bound))

    async def unwrap(self, wrapped: Wrapped, bound: bytes) -> bytes:
        key = self._held.keys.get(wrapped.version)
        if key is None:
            raise KeyMissing(f"key encryption key {wrapped.version} was retired")
        try:
            return open_sealed(key, wrapped.text, bound)
        except InvalidTag:
            raise KeyMissing("a data key was wrapped by or to something else") from None

    async def rotate(self) -> Ring:
        keys = self._held
        fresh = keys.current + 1
        more = {**keys.keys, fresh: self._entropy(KEY_BYTES)}
        await self._keep(_Keys(fresh, self._clock.now(), more))
        return await self.ring()

    async def retire(self) -> Ring:
        keys = self._held
        if len(keys.keys) > 1:
            await self._keep(
                _Keys(keys.current, keys.rotated, {keys.current: keys.keys[keys.current]})
            )
        return await self.ring()

    @property
    def _held(self) -> _Keys:
        assert self._keys is not None, "opened before it is asked"
        return self._keys

    async def _keep(self, keys: _Keys) -> None:
        text = seal(
            self._seal_key, self._entropy(NONCE_BYTES), msgspec.msgpack.encode(keys), _BOUND
        )
        # The disk takes its time, and payments must not wait for it.
        await asyncio.to_thread(secrets.replace, self._path, text)
        self._keys = keys
