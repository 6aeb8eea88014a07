"""Proves a data directory: the books from their journal, then payments against the books."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sycee.kernel.currencies import BY_CODE

Progress = Callable[[int, int], None]

_CODES = {number: code for code, (number, _) in BY_CODE.items()}


class Wrong(msgspec.Struct, frozen=True):
    """One row that is not as it must be."""

    row: str
    problem: str


class Line(msgspec.Struct, frozen=True):
    """The posted sums of one currency, in minor units."""

    currency: str
    debits: int
    credits: int


class Proof(msgspec.Struct, frozen=True):
    """What was proved. No findings: all is right."""

    batches: int
    accounts: int
    transfers: int
    lines: tuple[Line, ...]
    findings: tuple[Wrong, ...]
