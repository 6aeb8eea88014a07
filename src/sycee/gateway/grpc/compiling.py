"""Which decoder reads batches: the compiled one costs a second and 140 MiB to load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from sycee.gateway.grpc import wire
from sycee.runtime import logs
from sycee.runtime.config import ConfigurationInvalid
from sycee.services.ledger.contract import BATCH_MAX

if TYPE_CHECKING:
    from sycee.gateway.grpc.compiled import Compiled

Decode: TypeAlias = Callable[[bytes], bytes | wire.Fault]

LARGE_BYTES = 16_384
"""A batch of about 200 transfers: for less, nothing is loaded."""

log = logs.logger("grpc")


class Decoder(Enum):
    """How the batches of the ledger are decoded."""

    AUTO = "auto"
    COMPILED = "compiled"
    PLAIN = "plain"


class Compiler:
    """Loads the compiled decoder: before the first call, at the first large batch, or never."""

    def __init__(self, wanted: Decoder) -> None:
        self._wanted = wanted
        self._make: type[Compiled] | None = None
        self._made: dict[tuple[int, ...], Compiled] = {}
        self._loading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Be ready; ``ConfigurationInvalid`` when what is wanted cannot be had."""
        if self._wanted is not Decoder.COMPILED:
            return
        try:
            self._make = await asyncio.to_thread(_load)
        except ImportError as absent:
            text = f"gateway.ledger_decoder is compiled, but: {absent}; pip install 'sycee[engine]'"
            raise ConfigurationInvalid(text) from absent

    def decoder(self, fields: tuple[int, ...], size: int) -> Decode | None:
        """The compiled decoder, if it is there; a large batch makes it come."""
        if self._make is None:
            if size >= LARGE_BYTES and self._wanted is Decoder.AUTO and self._loading is None:
                self._loading = asyncio.create_task(self._load())
            return None
        if fields not in self._made:
            self._made[fields] = self._make(fields, BATCH_MAX)
        return self._made[fields].decode

    async def loaded(self) -> None:
        """Wait for what is being loaded."""
        if self._loading is not None:
            await self._loading

    async def _load(self) -> None:
        try:
            self._make = await asyncio.to_thread(_load)
        except ImportError as absent:
            log.info("decoder_plain", why=str(absent))
        except Exception:  # noqa: BLE001 - the plain decoder goes on; the log says why it is slow
            log.fault("decoder_not_compiled")


def _load() -> type[Compiled]:
    compiled: type[Compiled] = import_module("sycee.gateway.grpc.compiled").Compiled
    return compiled
