"""Beancount's text (beancount.github.io, language syntax): ``open`` directives and transactions.

What is given out begins with a mark, by which it is known when it comes back: then the first part
of an account is its kind, the last its currency, and those between are a name as ``_part`` writes
it. In any other text an account's name is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    NO_METADATA,
    AccountKind,
    AccountName,
    Leg,
    Metadata,
    Side,
)
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
    minor_units,
)

Kinds = Mapping[tuple[AccountName, Currency], AccountKind]
"""The kinds of accounts."""

HEADING: Final = 'option "title" "Sycee"\n'

_MARK: Final = "sycee"
_ROOTS: Final = {
    "Assets": AccountKind.ASSET,
    "Expenses": AccountKind.EXPENSE,
    "Liabilities": AccountKind.LIABILITY,
    "Equity": AccountKind.EQUITY,
    "Income": AccountKind.INCOME,
}
_KINDS: Final = {kind: root for root, kind in _ROOTS.items()}
_IGNORED: Final = re.compile(r"(option|\*|;)|\d{4}-\d{2}-\d{2}\s+commodity\s|\s*(;.*)?$")
_DIRECTIVE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\s+(\S+)\s*(.*)")
_PAIR: Final = re.compile(r"\s+([a-z][A-Za-z0-9_-]*):\s*(.*)")
_POSTING: Final = re.compile(
    r"\s+([A-Z][A-Za-z0-9:-]*)(?:\s+([+-]?[0-9,]+(?:\.[0-9]+)?)\s+([A-Z]{3}))?\s*"
)
_STRING: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BEFORE_COMMENT: Final = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*"|")*')
_TRANSACTION: Final = ("*", "!", "txn")
_PLAIN: Final = re.compile(r"[a-z0-9](?:[A-Za-z0-9]|-(?!-)|_(?![-_]))*(?<![-_])")


def read(lines: Sequence[str], before: int, heading: str, is_last: bool) -> Reading:
    """The records of these lines, which follow line ``before``."""
    reader = _Reader(before, heading)

    def everything() -> None:
        for number, line in enumerate(lines, before + 1):
            reader.take(number, line)
        if is_last:
            reader.flush()

    return reader.gathered.read(everything)


class _Reader:
    """Gathers one directive with its indented lines at a time."""

    def __init__(self, before: int, heading: str) -> None:
        self.gathered = Lines(before, heading)
        self._head: tuple[int, str, str, str] | None = None
        self._pairs: dict[str, tuple[int, str]] = {}
        self._postings: list[tuple[int, str, str, str]] = []
        self._last_line = before

    def take(self, number: int, line: str) -> None:
        """The next line."""
        line = _without_comment(line)
        if line[:1].isspace() and line.strip():
            self._indented(number, line)
            self._last_line = number
            return
        if line.strip():
            self.flush()
            self._begin(number, line)
        if self._head is None:
            self.gathered.done = number
        self._last_line = number

    def flush(self) -> None:
        """The directive that is being gathered is complete."""
        if self._head is None:
            return
        number, date, word, rest = self._head
        if word == "open":
            for record in self._accounts(number, rest):
                self.gathered.add(number, self._last_line, record)
        else:
            self.gathered.add(number, self._last_line, self._transaction(number, date, rest))
        self._head, self._pairs, self._postings = None, {}, []

    def _begin(self, number: int, line: str) -> None:
        if line.strip() == HEADING.strip():
            self.gathered.heading = _MARK
        if _IGNORED.match(line):
            return
        found = _DIRECTIVE.fullmatch(line.rstrip())
        if not found or found[2] not in ("open", *_TRANSACTION):
            raise BadLine(number, "directive", "only open directives and transactions are taken in")
        self._head = (number, found[1], found[2], found[3])

    def _indented(self, number: int, line: str) -> None:
        if self._head is None:
            raise BadLine(number, "directive", "an indented line belongs to no directive")
        pair = _PAIR.fullmatch(line.rstrip())
        posting = _POSTING.fullmatch(line.rstrip())
        if pair:
            self._pairs[pair[1]] = (number, _value(pair[2]))
        elif posting and self._head[2] != "open":
            self._postings.append((number, posting[1], posting[2] or "", posting[3] or ""))
        else:
            raise BadLine(number, "posting", "it is neither a posting of one amount nor metadata")

    def _accounts(self, number: int, rest: str) -> list[AccountRecord]:
        name, _, codes = rest.partition(" ")
        kind = _ROOTS.get(name.partition(":")[0])
        if kind is None:
            raise BadLine(number, "account", f"{name!r} begins with none of {', '.join(_ROOTS)}")
        wanted = [code.strip() for code in _STRING.sub("", codes).split(",") if code.strip()]
        if not wanted:
            raise BadLine(number, "currency", "an account is opened in currencies that are named")
        return [self._account(number, name, kind, code) for code in wanted]

    def _account(self, number: int, name: str, kind: AccountKind, code: str) -> AccountRecord:
        currency = currency_of(code, number)
        return AccountRecord(
            self._name(number, name),
            currency,
            kind,
            bound_of(self._pair("lower"), currency, number, "lower"),
            bound_of(self._pair("upper"), currency, number, "upper"),
            Metadata(self._pair("metadata") or NO_METADATA),
        )

    def _transaction(self, number: int, date: str, rest: str) -> TransactionRecord:
        effective = self._pairs.get("effective", (number, date))
        return TransactionRecord(
            self._pair("id") or None,
            self._legs(number),
            instant_of(effective[1], effective[0]),
            self._metadata(rest),
        )

    def _metadata(self, rest: str) -> Metadata:
        if "metadata" in self._pairs:
            return Metadata(self._pair("metadata"))
        if self.gathered.heading == _MARK:
            return NO_METADATA
        texts = [_unescaped(text) for text in _STRING.findall(rest)]
        said = dict(zip(("narration", "payee"), reversed(texts), strict=False))
        said |= {key: value for key, (_, value) in self._pairs.items()}
        for known in ("id", "effective"):
            said.pop(known, None)
        return Metadata(msgspec.json.encode(said).decode())

    def _legs(self, number: int) -> tuple[Leg, ...]:
        legs: list[Leg] = []
        sums: dict[Currency, int] = {}
        without: tuple[int, str] | None = None
        for line, account, text, code in self._postings:
            if not text:
                if without:
                    raise BadLine(line, "amount", "only one posting may go without an amount")
                without = line, account
                continue
            currency = currency_of(code, line)
            minor = minor_units(text.replace(",", "").removeprefix("+"), currency)
            if minor is None:
                raise BadLine(line, "amount", f"{text!r} is no amount of {currency}")
            sums[currency] = sums.get(currency, 0) + minor
            legs += self._leg(line, account, minor, currency)
        if without:
            for currency, minor in sums.items():
                legs += self._leg(*without, -minor, currency)
        return tuple(legs)

    def _leg(self, line: int, account: str, minor: int, currency: Currency) -> list[Leg]:
        if not minor:
            return []
        side = Side.DEBIT if minor > 0 else Side.CREDIT
        return [Leg(self._name(line, account), side, U128(abs(minor)), currency)]

    def _name(self, line: int, account: str) -> AccountName:
        if self.gathered.heading != _MARK:
            return AccountName(account)
        parts = account.split(":")[1:-1]
        try:
            return AccountName(":".join(map(_own_part, parts)))
        except ValueError:
            raise BadLine(line, "account", f"{account!r} was not given out like this") from None

    def _pair(self, key: str) -> str:
        return self._pairs.get(key, (0, ""))[1]


def _without_comment(line: str) -> str:
    found = _BEFORE_COMMENT.match(line)
    return found[0] if found else ""


def _value(text: str) -> str:
    found = _STRING.fullmatch(text.strip())
    return _unescaped(found[1]) if found else text.strip()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write(record: Record, kinds: Kinds) -> str:
    """A record as its directive."""
    if isinstance(record, AccountRecord):
        return _write_account(record)
    when = record.effective or Instant(0)
    lines = [f"{dates.day(when)} * {_quoted(record.id or '')}"]
    lines.append(f"  id: {_quoted(record.id or '')}")
    lines.append(f"  effective: {_quoted(dates.written(when))}")
    if record.metadata != NO_METADATA:
        lines.append(f"  metadata: {_quoted(record.metadata)}")
    for leg in record.legs:
        minor = int(leg.amount_minor) if leg.side is Side.DEBIT else -leg.amount_minor
        account = _account_text(leg.account, leg.currency, kinds[leg.account, leg.currency])
        lines.append(f"  {account}  {amount_text(minor, leg.currency)} {leg.currency}")
    return "\n".join(lines) + "\n\n"


def _write_account(record: AccountRecord) -> str:
    account = _account_text(record.name, record.currency, record.kind)
    lines = [f"1970-01-01 open {account} {record.currency}"]
    for key, bound in (("lower", record.lower_minor), ("upper", record.upper_minor)):
        if bound is not None:
            lines.append(f"  {key}: {_quoted(amount_text(bound, record.currency))}")
    if record.metadata != NO_METADATA:
        lines.append(f"  metadata: {_quoted(record.metadata)}")
    return "\n".join(lines) + "\n"


def _account_text(name: AccountName, currency: Currency, kind: AccountKind) -> str:
    return ":".join([_KINDS[kind], *map(_part, name.split(":")), currency])


def _part(part: str) -> str:
    """A part of a name in beancount's letters: a capital first, and no underscores.

    Most parts only get a capital, and ``--`` for ``_``. One that could be mistaken is written in
    hexadecimal digits after ``X-``.
    """
    if _PLAIN.fullmatch(part) and not part.startswith("x-"):
        return part[0].upper() + part[1:].replace("_", "--")
    return f"X-{part.encode().hex()}"


def _own_part(text: str) -> str:
    if text.startswith("X-"):
        return bytes.fromhex(text.removeprefix("X-")).decode()
    if not text:
        raise ValueError("a part is empty")
    return text[0].lower() + text[1:].replace("--", "_")
