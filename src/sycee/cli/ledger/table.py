"""What was asked for, as a table for people, as CSV or as JSON."""

from __future__ import annotations

import csv
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence

import msgspec

from sycee.kernel.money import Money, currency

Row = Sequence[str | int | None]


def add_forms(parser: ArgumentParser) -> None:
    """Let a command be asked for machines' forms."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print JSON, amounts in minor units")
    forms.add_argument("--csv", action="store_true", help="print CSV, amounts in minor units")


def show(
    options: Namespace, columns: Sequence[str], rows: Iterable[Row], code: int | None = None
) -> None:
    """Print rows; ``code`` is the column that names the currency of every ``Minor``."""
    if options.json:
        objects = [dict(zip(columns, _plain(row), strict=True)) for row in rows]
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(objects)).decode() + "\n")
    elif options.csv:
        written = csv.writer(sys.stdout, lineterminator="\n")
        written.writerow(columns)
        written.writerows(rows)
    else:
        sys.stdout.write(_table(columns, [_shown(row, code) for row in rows]))


class Minor(int):
    """An amount in minor units, which people are shown with its point."""


def _plain(row: Row) -> Row:
    return [int(each) if isinstance(each, Minor) else each for each in row]


def _shown(row: Row, code: int | None) -> list[str]:
    name = None if code is None else str(row[code])
    return [_text(each, name) for each in row]


def _text(value: str | int | None, code: str | None) -> str:
    if isinstance(value, Minor) and code is not None:
        return str(Money(value, currency(code))).partition(" ")[0]
    return "" if value is None else str(value)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Numbers to the right, words to the left."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    is_number = [_is_numbers(column) for column in zip(*rows, strict=True)] or [False] * len(widths)
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, is_number, strict=True)
        ).rstrip()
        for row in (columns, *rows)
    ]
    return "\n".join(lines) + "\n"


def _is_numbers(texts: Sequence[str]) -> bool:
    filled = [text for text in texts if text]
    return bool(filled) and all(
        text.removeprefix("-").replace(".", "").isdecimal() for text in filled
    )
