"""Structs as MessagePack, 128-bit integers as 16 bytes: how contracts look between processes."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sycee.kernel.u128 import U128

Shape = TypeVar("Shape")

_U128_BYTES = 16


def decoder(shape: type[Shape]) -> msgspec.msgpack.Decoder[Shape]:
    """Reads one ``shape``; anything else raises ``msgspec.ValidationError``."""
    return msgspec.msgpack.Decoder(shape, dec_hook=_read)


def _write(value: object) -> bytes:
    if isinstance(value, U128):
        return value.encode()
    raise TypeError(f"{type(value).__name__} does not cross the wire")


def _read(wanted: type, value: object) -> object:
    if wanted is U128 and isinstance(value, bytes) and len(value) == _U128_BYTES:
        return U128.decode(value)
    raise ValueError(f"Expected `{wanted.__name__}`")


encode = msgspec.msgpack.Encoder(enc_hook=_write).encode
