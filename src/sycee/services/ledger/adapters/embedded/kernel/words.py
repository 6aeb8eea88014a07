"""Where things are in a record of sixteen 64-bit words, and in the rows that the kernel keeps.

A 128-bit number is two words, the lower one first (TigerBeetle, reference: Account, Transfer).
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.kernel.jit import part

Words: TypeAlias = npt.NDArray[np.uint64]
U = np.uint64

RECORD: Final = 16
"""Words of a record."""

ID: Final = 0
DEBIT: Final = 2
CREDIT: Final = 4
AMOUNT: Final = 6
PENDING_ID: Final = 8

DEBITS_PENDING: Final = 2
DEBITS_POSTED: Final = 4
CREDITS_PENDING: Final = 6
CREDITS_POSTED: Final = 8

USER_128: Final = 10
USER_64: Final = 12
USER_32_AND_TIMEOUT: Final = 13
LEDGER_CODE_FLAGS: Final = 14
TIMESTAMP: Final = 15

ZERO: Final = U(0)
ONE: Final = U(1)
MAX: Final = U(0xFFFF_FFFF_FFFF_FFFF)
LOW_32: Final = U(0xFFFF_FFFF)
LOW_16: Final = U(0xFFFF)
CODE_SHIFT: Final = U(32)
FLAGS_SHIFT: Final = U(48)
HIGH_SHIFT: Final = U(32)
LEDGER_AND_CODE: Final = U(0x0000_FFFF_FFFF_FFFF)


@part
def flags(rows: Words, row: int) -> np.uint64:
    return rows[row, LEDGER_CODE_FLAGS] >> FLAGS_SHIFT


@part
def ledger(rows: Words, row: int) -> np.uint64:
    return rows[row, LEDGER_CODE_FLAGS] & LOW_32


@part
def code(rows: Words, row: int) -> np.uint64:
    return (rows[row, LEDGER_CODE_FLAGS] >> CODE_SHIFT) & LOW_16


@part
def timeout_s(rows: Words, row: int) -> np.uint64:
    return rows[row, USER_32_AND_TIMEOUT] >> HIGH_SHIFT


@part
def user_32(rows: Words, row: int) -> np.uint64:
    return rows[row, USER_32_AND_TIMEOUT] & LOW_32


@part
def is_zero(rows: Words, row: int, word: int) -> bool:
    """Whether a 128-bit number is 0."""
    return rows[row, word] == ZERO and rows[row, word + 1] == ZERO


@part
def is_max(rows: Words, row: int, word: int) -> bool:
    """Whether a 128-bit number is 2¹²⁸-1."""
    return rows[row, word] == MAX and rows[row, word + 1] == MAX


@part
def same(rows: Words, row: int, others: Words, other: int, word: int) -> bool:
    """Whether two records agree in a 128-bit number."""
    return rows[row, word] == others[other, word] and rows[row, word + 1] == others[other, word + 1]


@part
def copy(rows: Words, row: int, others: Words, other: int) -> None:
    """Copy a whole record."""
    for word in range(RECORD):
        others[other, word] = rows[row, word]


@part
def add(
    low: np.uint64, high: np.uint64, low_2: np.uint64, high_2: np.uint64
) -> tuple[np.uint64, np.uint64, bool]:
    """The sum of two 128-bit numbers, and whether it overflowed."""
    total = low + low_2
    carry = ONE if total < low else ZERO
    top = high + high_2
    over = top < high
    topped = top + carry
    return total, topped, over or topped < top


@part
def subtract(
    low: np.uint64, high: np.uint64, low_2: np.uint64, high_2: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """The difference of two 128-bit numbers, of which the first is not the smaller."""
    borrow = ONE if low < low_2 else ZERO
    return low - low_2, high - high_2 - borrow


@part
def is_less(low: np.uint64, high: np.uint64, low_2: np.uint64, high_2: np.uint64) -> bool:
    return high < high_2 or (high == high_2 and low < low_2)


@part
def increase(rows: Words, row: int, word: int, low: np.uint64, high: np.uint64) -> None:
    """Add to a balance; that it does not overflow is known."""
    rows[row, word], rows[row, word + 1], _ = add(rows[row, word], rows[row, word + 1], low, high)


@part
def decrease(rows: Words, row: int, word: int, low: np.uint64, high: np.uint64) -> None:
    """Take from a balance; that it holds as much is known."""
    rows[row, word], rows[row, word + 1] = subtract(rows[row, word], rows[row, word + 1], low, high)


@part
def first_from(rows: Words, count: int, word: int, value: np.uint64) -> int:
    """The first of ``count`` rows, which ascend by a word, that is not below a value there."""
    first, after = 0, count
    while first < after:
        middle = (first + after) // 2
        if rows[middle, word] < value:
            first = middle + 1
        else:
            after = middle
    return first
