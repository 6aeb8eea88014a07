"""Exact division of money: every share names its rounding, and all shares make up the whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from sycee.services.accounting.contract import Rounding

_DECIMAL: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")


def decimal(text: str) -> Fraction | None:
    """A plain decimal, exactly; None when it is none."""
    return Fraction(text) if text.isascii() and _DECIMAL.fullmatch(text) else None


def rounded(exact: Fraction, rounding: Rounding) -> int:
    """A number that is not negative as a whole one. One share alone has no remainder to give away:
    ``LARGEST_REMAINDER`` rounds it down."""
    floor, rest = divmod(exact.numerator, exact.denominator)
    twice = 2 * rest - exact.denominator
    up = {
        Rounding.FLOOR: False,
        Rounding.LARGEST_REMAINDER: False,
        Rounding.CEILING: rest > 0,
        Rounding.HALF_UP: twice >= 0,
        Rounding.HALF_EVEN: twice > 0 or (twice == 0 and floor % 2 == 1),
    }[rounding]
    return floor + up


def by_largest_remainder(whole: int, weights: Sequence[Fraction]) -> list[int]:
    """Split a whole in proportion to weights whose sum is 1; the parts sum to the whole."""
    exact = [whole * weight for weight in weights]
    parts = [share.numerator // share.denominator for share in exact]
    lost = sorted(range(len(parts)), key=lambda place: (parts[place] - exact[place], place))
    for place in lost[: whole - sum(parts)]:
        parts[place] += 1
    return parts


def limited(whole: int, wanted: Sequence[int]) -> tuple[list[int], int]:
    """What each gets in order until nothing is left, and what is left."""
    parts: list[int] = []
    for share in wanted:
        parts.append(min(share, whole))
        whole -= parts[-1]
    return parts, whole
