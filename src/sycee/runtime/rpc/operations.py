"""What a contract can be asked, read from its Protocol."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import NamedTuple, get_type_hints

import msgspec

from sycee.kernel.refusal import Refusal


class Operation(NamedTuple):
    """One operation of a contract: one Struct in, one Struct out, and when it says no."""

    name: str
    request: type[msgspec.Struct]
    reply: type[msgspec.Struct]
    doc: str
    refusals: tuple[type[Refusal], ...]


def operations(contract: type) -> Iterator[Operation]:
    """List a contract's operations, inherited ones after its own, each in order of declaration."""
    seen: set[str] = set()
    for kind in contract.__mro__:
        for name, function in vars(kind).items():
            if name in seen or name.startswith("_") or not inspect.iscoroutinefunction(function):
                continue
            seen.add(name)
            hints = get_type_hints(function)
            reply = hints.pop("return")
            (request,) = hints.values()
            refusals = function.__dict__.get("refusals", ())
            yield Operation(name, request, reply, inspect.getdoc(function) or "", refusals)
