"""CSV (RFC 4180): a heading of column names, then a row per account and per leg.

Rows of legs that follow each other with the same id are one transaction; its effective time and
metadata are those of its first row. No field goes over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sycee.services.accounting.contract import AccountName, Leg, Metadata, Side
from sycee.services.accounting.domain import dates
from sycee.services.accounting.domain.bulk.records import (
    AccountRecord,
    BadLine,
    Lines,
    Reading,
    Record,
    TransactionRecord,
    amount_text,
    bound_of,
    currency_of,
    instant_of,
    kind_of,
    leg_of,
    sides,
)

COLUMNS: Final = (
    "record",
    "id",
    "effective",
    "account",
    "currency",
    "debit",
    "credit",
    "kind",
    "lower",
    "upper",
    "metadata",
)
HEADING: Final = ",".join(COLUMNS) + "\n"
_FIELD: Final = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|$)')
_NEEDED: Final = ("record", "account", "currency")

Row = dict[str, str]


def read(lines: Iterable[str], before: int, heading: str, is_last: bool) -> Reading:
    """The records of these lines, which follow line ``before``."""
    reader = _Reader(before, heading)

    def everything() -> None:
        for number, line in enumerate(lines, before + 1):
            reader.take(number, line)
        if is_last:
            reader.flush()

    return reader.gathered.read(everything)


class _Reader:
    def __init__(self, before: int, heading: str) -> None:
        self.gathered = Lines(before, heading)
        self._columns = heading.split(",") if heading else []
        self._legs: list[Leg] = []
        self._first_row: Row = {}
        self._first_line = 0
        self._last_line = before

    def take(self, number: int, line: str) -> None:
        """The next line."""
        fields = _fields(line, number)
        if not self._columns:
            self._begin(fields, number)
        elif any(fields):
            self._row(fields, number)
        self._last_line = number
        if not self._legs:
            self.gathered.done = number

    def flush(self) -> None:
        """Whatever transaction is being gathered is complete."""
        if self._legs:
            row, legs = self._first_row, tuple(self._legs)
            record = TransactionRecord(
                row.get("id") or None,
                legs,
                instant_of(row.get("effective", ""), self._first_line),
                Metadata(row.get("metadata") or "{}"),
            )
            self.gathered.add(self._first_line, self._last_line, record)
            self._legs = []

    def _begin(self, fields: list[str], number: int) -> None:
        for name in fields:
            if name not in COLUMNS or fields.count(name) > 1:
                raise BadLine(number, name, "the heading has a column that is unknown, or twice")
        for name in _NEEDED:
            if name not in fields:
                raise BadLine(number, name, "the heading lacks this column")
        self._columns = fields
        self.gathered.heading = ",".join(fields)

    def _row(self, fields: list[str], number: int) -> None:
        if len(fields) != len(self._columns):
            text = f"the row has {len(fields)} fields, the heading {len(self._columns)}"
            raise BadLine(number, "record", text)
        row = dict(zip(self._columns, fields, strict=True))
        if row["record"] == "account":
            self.flush()
            self.gathered.add(number, number, _account(row, number))
        elif row["record"] == "leg":
            self._leg(row, number)
        else:
            raise BadLine(number, "record", "it is neither account nor leg")

    def _leg(self, row: Row, number: int) -> None:
        if self._legs and row.get("id") != self._first_row.get("id"):
            self.flush()
        leg = _leg(row, number)
        if not self._legs:
            self._first_row, self._first_line = row, number
        self._legs.append(leg)


def _fields(line: str, number: int) -> list[str]:
    fields: list[str] = []
    place = 0
    while found := _FIELD.match(line, place):
        quoted, plain, end = found.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        place = found.end()
        if not end:
            return fields
    raise BadLine(number, "record", "a quotation mark stands where none may be")


def _account(row: Row, number: int) -> AccountRecord:
    currency = currency_of(row["currency"], number)
    return AccountRecord(
        AccountName(row["account"]),
        currency,
        kind_of(row.get("kind", ""), number),
        bound_of(row.get("lower", ""), currency, number, "lower"),
        bound_of(row.get("upper", ""), currency, number, "upper"),
        Metadata(row.get("metadata") or "{}"),
    )


def _leg(row: Row, number: int) -> Leg:
    currency = currency_of(row["currency"], number)
    debit, credit = row.get("debit", ""), row.get("credit", "")
    if bool(debit) == bool(credit):
        raise BadLine(number, "debit", "a leg has either a debit or a credit")
    side = Side.DEBIT if debit else Side.CREDIT
    return leg_of(row["account"], side, debit or credit, currency, number, side.value)


def write(record: Record) -> str:
    """A record as its rows."""
    if isinstance(record, AccountRecord):
        lower, upper = record.lower_minor, record.upper_minor
        return _row(
            record="account",
            account=record.name,
            currency=record.currency,
            kind=record.kind.value,
            lower="" if lower is None else amount_text(lower, record.currency),
            upper="" if upper is None else amount_text(upper, record.currency),
            metadata=record.metadata,
        )
    rows: list[str] = []
    for leg, text in sides(record.legs):
        is_first = not rows
        rows.append(
            _row(
                record="leg",
                id=record.id or "",
                effective=dates.written(record.effective) if is_first and record.effective else "",
                account=leg.account,
                currency=leg.currency,
                metadata=record.metadata if is_first else "",
                **{leg.side.value: text},
            )
        )
    return "".join(rows)


def _row(**fields: str) -> str:
    return ",".join(_written(fields.get(name, "")) for name in COLUMNS) + "\n"


def _written(field: str) -> str:
    if not any(letter in field for letter in ',"'):
        return field
    escaped = field.replace('"', '""')
    return f'"{escaped}"'
