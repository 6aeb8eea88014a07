"""Instants as text, to the nanosecond (RFC 3339)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from sycee.kernel.clock import SECOND_NS, Instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FORM: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2}))?"
)


def written(instant: Instant) -> str:
    """As ``2026-01-31T12:00:00.000000001Z``; a fraction only where there is one."""
    seconds, rest = divmod(instant, SECOND_NS)
    fraction = f".{rest:09d}" if rest else ""
    return f"{(_EPOCH + timedelta(seconds=seconds)):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def day(instant: Instant) -> str:
    """The date in UTC."""
    return written(instant)[:10]


def read(text: str) -> Instant | None:
    """The instant that a text names; a date alone is its midnight in UTC. None when it is none."""
    found = _FORM.fullmatch(text)
    if not found or not text.isascii():
        return None
    date, time, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time or '00:00:00'}{_offset(zone)}")
    except ValueError:
        return None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return Instant(seconds * SECOND_NS + int((fraction or "").ljust(9, "0")))


def _offset(zone: str | None) -> str:
    return "+00:00" if zone in (None, "Z", "z") else str(zone)
