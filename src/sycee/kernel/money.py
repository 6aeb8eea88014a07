"""Money as an integer count of minor units in one currency."""

from __future__ import annotations

from typing import NewType

import msgspec

from sycee.kernel.currencies import BY_CODE
from sycee.kernel.refusal import Refusal

Currency = NewType("Currency", str)
"""An ISO 4217 alphabetic code in upper case, such as ``USD``."""


class CurrencyMismatch(Refusal, code="currency_mismatch", status=422):
    """Two amounts in different currencies met in one sum or comparison."""


class CurrencyUnknown(Refusal, code="currency_unknown", status=422):
    """The code is not an active ISO 4217 currency."""


class Money(msgspec.Struct, frozen=True):
    """An exact amount; ``minor`` counts the currency's smallest unit (cents, yen, fils)."""

    minor: int
    currency: Currency

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other).minor

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other).minor

    def __str__(self) -> str:
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, part = divmod(abs(self.minor), 10**digits)
        fraction = f".{part:0{digits}d}" if digits else ""
        return f"{sign}{whole}{fraction} {self.currency}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other


def currency(code: str) -> Currency:
    """The currency named by ``code`` in any case, or ``CurrencyUnknown``."""
    upper = code.upper()
    if upper not in BY_CODE:
        raise CurrencyUnknown(f"{code!r} is not an ISO 4217 currency code", param="currency")
    return Currency(upper)


def exponent(code: Currency) -> int:
    """How many decimal digits the minor unit has: JPY 0, USD 2, KWD 3 (ISO 4217)."""
    return BY_CODE[code][1]


def numeric_code(code: Currency) -> int:
    """The ISO 4217 numeric code, which is also the ledger number of the currency."""
    return BY_CODE[code][0]
