"""What the doctor says of one thing."""

from __future__ import annotations

from enum import Enum

import msgspec


class Grade(Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should know."""
    FAIL = "FAIL"
    """The platform does not start, or not safely."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at; ``advice`` says what to do."""

    name: str
    grade: Grade
    says: str
    advice: str = ""


def ok(name: str, says: str) -> Finding:
    """Nothing stands in the way."""
    return Finding(name, Grade.OK, says)


def warn(name: str, says: str, advice: str) -> Finding:
    """It works, and somebody should know."""
    return Finding(name, Grade.WARN, says, advice)


def fail(name: str, says: str, advice: str) -> Finding:
    """It stands in the way."""
    return Finding(name, Grade.FAIL, says, advice)
