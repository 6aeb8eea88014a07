"""Logs as lines of JSON: an event with fields, and never a card number or a secret (SE6, AU5)."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from typing import TypeAlias

import msgspec

from sycee.runtime import trace

Field: TypeAlias = str | int | float | bool | None

CARD = "[card number]"
SECRET = "[secret]"  # noqa: S105 - what stands in the log instead of one


class Level(IntEnum):
    """How much it matters; what is below the configured level is not written."""

    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR


def _to_stderr(line: bytes) -> None:
    sys.stderr.buffer.write(line)
    sys.stderr.buffer.flush()


class _Sink:
    """Where this process writes, and what it writes on every line."""

    def __init__(self, process: str, level: Level, write: Callable[[bytes], None]) -> None:
        self.process = process
        self.level = level
        self.write = write


_sink = _Sink("sycee", Level.INFO, _to_stderr)
_encode = msgspec.json.Encoder().encode


def configure(
    process: str, level: Level = Level.INFO, write: Callable[[bytes], None] = _to_stderr
) -> None:
    """Name the process on every line, and take in what libraries log through ``logging``."""
    _sink.process, _sink.level, _sink.write = process, level, write
    root = logging.getLogger()
    root.handlers[:] = [_Libraries()]
    root.setLevel(max(level, Level.WARNING))


class Logger:
    """Writes the events of one area of the code."""

    def __init__(self, area: str) -> None:
        self._area = area

    def debug(self, event: str, **fields: Field) -> None:
        """Something that only a developer asks for."""
        self._write(Level.DEBUG, event, fields)

    def info(self, event: str, **fields: Field) -> None:
        """Something that happened as it should."""
        self._write(Level.INFO, event, fields)

    def warning(self, event: str, **fields: Field) -> None:
        """Something that an operator may want to look at."""
        self._write(Level.WARNING, event, fields)

    def fault(self, event: str, **fields: Field) -> None:
        """Something that must be mended: the exception in hand, with its stack."""
        fields["fault"] = traceback.format_exc()
        self._write(Level.ERROR, event, fields)

    def _write(self, level: Level, event: str, fields: dict[str, Field]) -> None:
        if level < _sink.level:
            return
        line: dict[str, Field] = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "level": level.name.lower(),
            "process": _sink.process,
            "area": self._area,
            "event": redact(event),
        }
        if trace_id := trace.trace_id():
            line["trace"] = trace_id
        for name, value in fields.items():
            line[name] = _guard(value)
        _sink.write(_encode(line) + b"\n")


def logger(area: str) -> Logger:
    """The logger of an area, such as ``rpc`` or ``payments``."""
    return Logger(area)


_SECRETS = re.compile(
    r"\b((?:[spr]k_(?:live|test)|whsec)_|[a-z]+_\w+?_secret_)[A-Za-z0-9+/=_-]{6,}"
)
_DIGITS = re.compile(r"\d[\d -]{11,}\d")
_CARD_DIGITS = range(13, 20)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def redact(text: str) -> str:
    """The text with secrets, and digits that could be a card number, taken out."""
    return _DIGITS.sub(_mask_cards, _SECRETS.sub(rf"\1{SECRET}", text))


def _guard(value: Field) -> Field:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, int) and redact(str(value)) == CARD:
        return CARD
    return value


def _mask_cards(match: re.Match[str]) -> str:
    """Mask a run of digit groups when neighbouring groups of it make up a card number."""
    groups = re.split("[ -]+", match.group())
    for start in range(len(groups)):
        digits = ""
        for group in groups[start:]:
            digits += group
            if len(digits) in _CARD_DIGITS and _passes_luhn(digits):
                return CARD
    return match.group()


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: the check digit of card numbers."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


class _Libraries(logging.Handler):
    """Turns what libraries log into our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Field] = {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0] is not None:
            fields["fault"] = "".join(traceback.format_exception(*record.exc_info))
        level = Level(min(record.levelno // 10 * 10 or 10, Level.ERROR))
        Logger(record.name)._write(level, "library_says", fields)
