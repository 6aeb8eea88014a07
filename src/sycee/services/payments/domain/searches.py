"""What a search query says, in Stripe's query language."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from sycee.services.payments.contract.searches import QueryUnreadable

QUERY_LENGTH_MAX = 5000
CLAUSES_MAX = 10

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_COMPARISON = re.compile(r">=|<=|[:~<>]")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?![A-Za-z0-9_.])")


class Comparison(StrEnum):
    """How a field is held against a value."""

    EXACT = ":"
    SUBSTRING = "~"
    ABOVE = ">"
    BELOW = "<"
    AT_LEAST = ">="
    AT_MOST = "<="


class Clause(msgspec.Struct, frozen=True):
    """One condition; ``key`` names the entry of a map, a value of None means null."""

    field: str
    comparison: Comparison
    value: str | int | None
    key: str | None = None
    is_negated: bool = False


class Query(msgspec.Struct, frozen=True):
    """Conditions of which all must hold, or any."""

    clauses: tuple[Clause, ...]
    is_any: bool = False


def read_query(text: str) -> Query:
    """The conditions of a query; clauses that follow each other without a word mean AND."""
    if len(text) > QUERY_LENGTH_MAX:
        reason = f"A query has at most {QUERY_LENGTH_MAX} characters"
        raise _unreadable(reason, QUERY_LENGTH_MAX)
    return _Reader(text).query()


class _Reader:
    """Reads from left to right and never goes back, so time grows with the length alone."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def query(self) -> Query:
        self._take(_SPACE)
        clauses = [self._clause()]
        words: set[str] = set()
        while self._skip_to_next():
            start = self._at
            words.add(self._connective())
            if len(words) > 1:
                raise _unreadable("AND and OR cannot be mixed", start)
            if len(clauses) == CLAUSES_MAX:
                raise _unreadable(f"A query has at most {CLAUSES_MAX} clauses", self._at)
            clauses.append(self._clause())
        return Query(tuple(clauses), is_any=words == {"OR"})

    def _skip_to_next(self) -> bool:
        before = self._at
        self._take(_SPACE)
        if self._at == len(self._text):
            return False
        if self._at == before:
            raise _unreadable("A space is expected between clauses", self._at)
        return True

    def _connective(self) -> str:
        word = _NAME.match(self._text, self._at)
        if word is None or word.group().upper() not in ("AND", "OR"):
            return "AND"
        self._at = word.end()
        self._take(_SPACE)
        return word.group().upper()

    def _clause(self) -> Clause:
        is_negated = self._takes("-")
        field = self._need(_NAME, "A field's name is expected")
        key = self._key() if self._takes("[") else None
        comparison = Comparison(self._need(_COMPARISON, "One of : ~ > < >= <= is expected"))
        start = self._at
        value = self._value()
        _check_value(comparison, value, start)
        return Clause(field, comparison, value, key, is_negated)

    def _key(self) -> str:
        key = self._quoted()
        if not self._takes("]"):
            raise _unreadable("A closing ] is expected", self._at)
        return key

    def _value(self) -> str | int | None:
        if self._text[self._at : self._at + 1] in ('"', "'"):
            return self._quoted()
        word = _NAME.match(self._text, self._at)
        if word is not None and word.group().lower() == "null":
            self._at = word.end()
            return None
        return int(self._need(_NUMBER, "A quoted text, a whole number or null is expected"))

    def _quoted(self) -> str:
        start = self._at
        quote = self._text[start : start + 1]
        if quote not in ('"', "'") or not quote:
            raise _unreadable("A quoted text is expected", start)
        letters: list[str] = []
        at = start + 1
        while at < len(self._text) and self._text[at] != quote:
            at += self._text[at] == "\\"
            letters.append(self._text[at : at + 1])
            at += 1
        if at >= len(self._text):
            raise _unreadable("This quoted text has no end", start)
        self._at = at + 1
        return "".join(letters)

    def _takes(self, letter: str) -> bool:
        found = self._text.startswith(letter, self._at)
        self._at += found
        return found

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match.group()

    def _need(self, pattern: re.Pattern[str], reason: str) -> str:
        found = self._take(pattern)
        if found is None:
            raise _unreadable(reason, self._at)
        return found


def _check_value(comparison: Comparison, value: str | int | None, position: int) -> None:
    if comparison is Comparison.EXACT:
        return
    if value is None:
        raise _unreadable("null can only follow :", position)
    if comparison is Comparison.SUBSTRING and not (isinstance(value, str) and len(value) >= 3):
        raise _unreadable("~ needs a quoted text of at least 3 characters", position)


def _unreadable(reason: str, position: int) -> QueryUnreadable:
    detail = f"{reason} (at character {position + 1} of the query)."
    return QueryUnreadable(detail, param="query", facts={"position": str(position)})
