"""Which request the work in hand belongs to: W3C Trace Context, level 1 (``traceparent``)."""

from __future__ import annotations

import re
from contextvars import ContextVar

from sycee.runtime import entropy

_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Version, trace id, parent id, flags; all zeros and version ff are invalid (section 3.2)."""
_LENGTH = 55
_TRACE_ID = slice(3, 35)

_current: ContextVar[str] = ContextVar("traceparent", default="")


def new() -> str:
    """A fresh, sampled ``traceparent``."""
    octets = entropy.take(24).hex()
    return f"00-{octets[:32]}-{octets[32:]}-01"


def parse(header: str) -> str:
    """The ``traceparent`` in a caller's header, or a fresh one when it is missing or invalid."""
    return header if len(header) == _LENGTH and _VALID.fullmatch(header) else new()


def begin(traceparent: str) -> None:
    """Set the trace of the current task; an empty one leaves it without."""
    _current.set(traceparent)


def current() -> str:
    """The ``traceparent`` to pass on, empty when there is none."""
    return _current.get()


def trace_id() -> str:
    """The 32 hexadecimal digits that join up all logs of one request, empty when there are none."""
    return _current.get()[_TRACE_ID]
