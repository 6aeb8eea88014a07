"""Instants in requests and answers: RFC 3339 to the nanosecond, in which the ledger counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sycee.gateway.refusals import ParameterInvalid
from sycee.kernel.clock import SECOND_NS, Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d))?", re.A
)
_SECONDS = re.compile(r"\d{1,10}", re.A)


def written(instant: int) -> str:
    """As ``2026-01-31T12:00:00.000000001Z``; a fraction only where there is one."""
    seconds, rest = divmod(instant, SECOND_NS)
    fraction = f".{rest:09d}" if rest else ""
    return f"{(_EPOCH + timedelta(seconds=seconds)):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def instant(text: str, param: str) -> Instant:
    """The instant that a request names; a date alone is its midnight in UTC."""
    if _SECONDS.fullmatch(text):
        return Instant(int(text) * SECOND_NS)
    found = _FORM.fullmatch(text)
    moment = None if found is None else _moment(*found.group(1, 2, 4))
    if found is None or moment is None:
        wanted = "2026-01-31T12:00:00Z, 2026-01-31 or Unix seconds"
        raise ParameterInvalid(f"{param} is an instant such as {wanted}.", param=param)
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return Instant(seconds * SECOND_NS + int((found[3] or "").ljust(9, "0")))


def instant_or_none(text: str | None, param: str) -> Instant | None:
    """As above, of a parameter that may be left out."""
    return None if text is None else instant(text, param)


def _moment(date: str, time: str | None, zone: str | None) -> datetime | None:
    offset = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        return datetime.fromisoformat(f"{date}T{time or '00:00:00'}{offset}")
    except ValueError:
        return None
