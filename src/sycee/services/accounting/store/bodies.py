"""Structs as the bytes of a column, and columns as what they hold."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.u128 import U128
from sycee.runtime.database import Value

Shape = TypeVar("Shape")


def decoder(shape: type[Shape]) -> msgspec.msgpack.Decoder[Shape]:
    """Reads one ``shape``."""
    return msgspec.msgpack.Decoder(shape, dec_hook=_read)


def _write(value: object) -> bytes:
    assert isinstance(value, U128), "all else is plain"
    return value.encode()


def _read(wanted: type, value: object) -> object:
    assert wanted is U128 and isinstance(value, bytes), "all else is plain"
    return U128.decode(value)


encode = msgspec.msgpack.Encoder(enc_hook=_write).encode


def number(value: Value) -> int:
    """An integer column."""
    assert isinstance(value, int), "a number column holds integers"
    return value


def number_or_none(value: Value) -> int | None:
    """An integer column that may be empty."""
    return None if value is None else number(value)


def instant(value: Value) -> Instant:
    """A time column."""
    return Instant(number(value))


def instant_or_none(value: Value) -> Instant | None:
    """A time column that may be empty."""
    return None if value is None else instant(value)


def octets(value: Value) -> bytes:
    """A column of bytes."""
    assert isinstance(value, bytes), "a body is bytes"
    return value


def text_or_none(value: Value) -> str | None:
    """A text column that may be empty."""
    return None if value is None else str(value)


def places(count: int) -> str:
    """As many placeholders, for ``IN (…)``."""
    return ", ".join("?" * count)


def sql(*parts: str) -> str:
    """A statement of parts that are words of this code, never of a request."""
    return " ".join(parts)
