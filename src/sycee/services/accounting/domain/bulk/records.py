"""What a text of books consists of, whatever its format."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.currencies import BY_CODE
from sycee.kernel.money import Currency, exponent
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    NO_METADATA,
    AccountKind,
    AccountName,
    Leg,
    Metadata,
    Side,
    Transaction,
)
from sycee.services.accounting.domain import dates

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,38})(?:\.([0-9]+))?")


class AccountRecord(msgspec.Struct, frozen=True):
    """An account to be opened."""

    name: AccountName
    currency: Currency
    kind: AccountKind
    lower_minor: int | None = None
    upper_minor: int | None = None
    metadata: Metadata = NO_METADATA


class TransactionRecord(msgspec.Struct, frozen=True):
    """A transaction to be posted. Without an id of its own it is named by its import and line."""

    id: str | None
    legs: tuple[Leg, ...]
    effective: Instant | None
    metadata: Metadata = NO_METADATA


Record: TypeAlias = AccountRecord | TransactionRecord


class Placed(msgspec.Struct, frozen=True):
    """A record and the lines that it stands on."""

    first_line: int
    last_line: int
    record: Record


class BadLine(Exception):
    """A line that says nothing that could be imported."""

    def __init__(self, line: int, field: str, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.field = field
        self.why = why


class Reading(msgspec.Struct, frozen=True):
    """What was read of a part: records, up to the first line that is wrong, if one is."""

    records: tuple[Placed, ...]
    lines: int
    """The last line of what was read whole, counted from the beginning of the text."""
    heading: str
    bad: tuple[int, str, str] | None = None
    """Line, field and what is wrong."""


class Lines:
    """Gathers records while lines are read, and stops at the first that is wrong."""

    def __init__(self, before: int, heading: str) -> None:
        self.heading = heading
        self.records: list[Placed] = []
        self.done = before
        """Everything up to this line is read whole."""

    def add(self, first_line: int, last_line: int, record: Record) -> None:
        """A record that is complete."""
        self.records.append(Placed(first_line, last_line, record))
        self.done = last_line

    def read(self, everything: Callable[[], None]) -> Reading:
        """What ``everything`` read."""
        bad = None
        try:
            everything()
        except BadLine as found:
            bad = (found.line, found.field, found.why)
        return Reading(tuple(self.records), self.done, self.heading, bad)


def minor_units(text: str, currency: Currency) -> int | None:
    """An amount such as ``-12.30`` in minor units; None when it is none, or has too many places."""
    found = _AMOUNT.fullmatch(text)
    if not found or not text.isascii():
        return None
    sign, whole, fraction = found.groups()
    digits = exponent(currency)
    fraction = (fraction or "").rstrip("0")
    if len(fraction) > digits:
        return None
    minor = int(whole + fraction.ljust(digits, "0"))
    return -minor if sign else minor


def amount_text(minor: int, currency: Currency) -> str:
    """Minor units as ``-12.30``."""
    digits = exponent(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}" + (f".{rest:0{digits}d}" if digits else "")


def currency_of(text: str, line: int) -> Currency:
    """A currency's code."""
    if text not in BY_CODE:
        raise BadLine(line, "currency", f"{text!r} is no ISO 4217 code")
    return Currency(text)


def kind_of(text: str, line: int) -> AccountKind:
    """A kind of account."""
    try:
        return AccountKind(text)
    except ValueError:
        raise BadLine(line, "kind", f"{text!r} is no kind of account") from None


def bound_of(text: str, currency: Currency, line: int, field: str) -> int | None:
    """A bound; empty is none."""
    if not text:
        return None
    minor = minor_units(text, currency)
    if minor is None:
        raise BadLine(line, field, f"{text!r} is no amount of {currency}")
    return minor


def leg_of(account: str, side: Side, text: str, currency: Currency, line: int, field: str) -> Leg:
    """A leg whose amount is a text."""
    minor = minor_units(text, currency)
    if minor is None or minor <= 0:
        raise BadLine(line, field, f"{text!r} is no amount of {currency} above zero")
    return Leg(AccountName(account), side, U128(minor), currency)


def instant_of(text: str, line: int) -> Instant | None:
    """An effective time; empty is none."""
    if not text:
        return None
    instant = dates.read(text)
    if instant is None:
        raise BadLine(line, "effective", f"{text!r} is no date, nor a time of RFC 3339")
    return instant


def record_of(transaction: Transaction) -> TransactionRecord:
    """A transaction as it is given out. Recorded anew, it is effective when it was."""
    return TransactionRecord(
        transaction.id, transaction.legs, transaction.effective, transaction.metadata
    )


def sides(legs: Sequence[Leg]) -> list[tuple[Leg, str]]:
    """Legs with their amounts as text."""
    return [(leg, amount_text(leg.amount_minor, leg.currency)) for leg in legs]
