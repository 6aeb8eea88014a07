"""JSON in the one form in which it is hashed and signed (RFC 8785)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import AccountingMetadataInvalid, Metadata

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"

KEYS_MAX: Final = 50
BYTES_MAX: Final = 4096
_DEPTH_MAX: Final = 16
_EXACT_MAX: Final = 2**53 - 1
_KEY_BYTES: Final = 16

_ESCAPES: Final = {
    **{chr(code): f"\\u{code:04x}" for code in range(0x20)},
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_TABLE: Final = str.maketrans(_ESCAPES)


class NotCanonical(ValueError):
    """A value that readers of JSON would not agree on."""


def canonical(value: object) -> str:
    """A value as JSON text: keys in order of their UTF-16 code units, no spaces, no fractions."""
    return "".join(_parts(value, _DEPTH_MAX))


def _parts(value: object, depth: int) -> Iterator[str]:
    if depth < 0:
        raise NotCanonical(f"It is nested deeper than {_DEPTH_MAX} levels.")
    if value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str):
        yield _text(value)
    elif isinstance(value, int):
        if abs(value) > _EXACT_MAX:
            raise NotCanonical("A number is beyond ±(2^53-1): write it as text.")
        yield str(value)
    elif isinstance(value, Mapping):
        yield "{"
        for place, key in enumerate(sorted(value, key=_utf_16)):
            yield f"{',' if place else ''}{_text(key)}:"
            yield from _parts(value[key], depth - 1)
        yield "}"
    elif isinstance(value, Sequence):
        yield "["
        for place, each in enumerate(value):
            yield "," if place else ""
            yield from _parts(each, depth - 1)
        yield "]"
    else:
        raise NotCanonical("Numbers are integers: write others as text.")


def _text(value: str) -> str:
    return f'"{value.translate(_TABLE)}"'


def _utf_16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def metadata(text: str) -> Metadata:
    """Metadata in canonical form; ``AccountingMetadataInvalid`` when it may not be kept."""
    if len(text) > 4 * BYTES_MAX:
        raise _refused(f"It is longer than {BYTES_MAX} bytes.")
    try:
        value: object = msgspec.json.decode(text)
        if not isinstance(value, dict):
            raise _refused("It is not a JSON object.")
        if len(value) > KEYS_MAX:
            raise _refused(f"It has more than {KEYS_MAX} keys.")
        written = canonical(value)
        size = len(written.encode())
    except (msgspec.DecodeError, NotCanonical, UnicodeError, RecursionError) as cause:
        raise _refused(str(cause)) from cause
    if size > BYTES_MAX:
        raise _refused(f"It is longer than {BYTES_MAX} bytes.")
    return Metadata(written)


def _refused(why: str) -> AccountingMetadataInvalid:
    return AccountingMetadataInvalid(f"The metadata cannot be kept. {why}", param="metadata")


def digest(value: object) -> bytes:
    """SHA-256 of a value's canonical form."""
    return sha256(canonical(value).encode()).digest()


def metadata_key(text: Metadata) -> U128:
    """What a transfer bears to name its metadata: the first 16 bytes of its SHA-256."""
    return U128.from_bytes(sha256(text.encode()).digest()[:_KEY_BYTES], "big")
