"""The short way for the common batch: transfers without flags between known accounts.

What is plain here is recorded with code 0 by the reference rules too. Anything else (a flag, a
known id, a limit in the way, a field that is wrong) is not decided here: the whole batch then goes
by the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from sycee.kernel.u128 import U128_MAX
from sycee.services.ledger.adapters.postgresql.rows import plain_row
from sycee.services.ledger.contract import Account
from sycee.services.ledger.domain.bits import CLOSED, CREDITS_LIMITED, DEBITS_LIMITED
from sycee.services.ledger.domain.record import RECORD_BYTES

SLICE: Final = 256
"""Records after which others may use the event loop."""

_RECORD: Final = Struct("<16s16s16sQQ16s16sQIIIHHQ")
_ZERO: Final = bytes(16)
_NO_IDS: Final = (_ZERO, b"\xff" * 16)


class Standing:
    """An account as far as the plain way asks: where it stands after all that is under way."""

    __slots__ = (
        "credits_limited",
        "credits_pending",
        "credits_posted",
        "debits_limited",
        "debits_pending",
        "debits_posted",
        "is_closed",
        "ledger",
    )

    def __init__(self, account: Account) -> None:
        self.ledger = account.ledger
        self.is_closed = bool(account.flags & CLOSED)
        self.debits_limited = bool(account.flags & DEBITS_LIMITED)
        self.credits_limited = bool(account.flags & CREDITS_LIMITED)
        self.debits_pending: int = account.debits_pending
        self.debits_posted: int = account.debits_posted
        self.credits_pending: int = account.credits_pending
        self.credits_posted: int = account.credits_posted


Standings = dict[bytes, Standing]
"""By the account's id as it stands in a record."""


def accounts_of(records: bytes) -> set[bytes]:
    """The accounts that records name."""
    named = {records[place + 16 : place + 32] for place in range(0, len(records), RECORD_BYTES)}
    named |= {records[place + 32 : place + 48] for place in range(0, len(records), RECORD_BYTES)}
    return named


class PlainBatch:
    """Takes in records, moving the standings; gives their rows, or puts the standings back."""

    def __init__(self, standings: Standings, timestamp: int, sequence: int) -> None:
        self.rows: list[bytes] = []
        self._standings = standings
        self._timestamp = timestamp
        self._sequence = sequence
        self._moved: list[tuple[Standing, Standing, int]] = []
        self._ids: set[bytes] = set()

    def take(self, records: bytes) -> Iterator[bool]:
        """Take records in, slice by slice; False, once, as soon as one is not plain."""
        for begin in range(0, len(records), SLICE * RECORD_BYTES):
            yield self._take_slice(records[begin : begin + SLICE * RECORD_BYTES])

    def undo(self) -> None:
        """Put the standings back."""
        for debit, credit, amount in self._moved:
            debit.debits_posted -= amount
            credit.credits_posted -= amount
        self._moved.clear()

    def _take_slice(self, records: bytes) -> bool:
        standings, ids, moved, rows = self._standings.get, self._ids, self._moved, self.rows
        place = len(rows)
        timestamp, sequence = self._timestamp, self._sequence
        for (
            number,
            debit_id,
            credit_id,
            low,
            high,
            pending_id,
            wide,
            middle,
            narrow,
            timeout_s,
            ledger,
            code,
            flags,
            stamp,
        ) in _RECORD.iter_unpack(records):
            if flags or stamp or timeout_s or not code or pending_id != _ZERO:
                return False
            if number in ids or number in _NO_IDS:
                return False
            debit, credit = standings(debit_id), standings(credit_id)
            if debit is None or credit is None or debit is credit:
                return False
            if debit.ledger != ledger or credit.ledger != ledger:
                return False
            amount = high << 64 | low
            debits, credits_ = debit.debits_posted + amount, credit.credits_posted + amount
            if not _has_room(debit, credit, debits, credits_):
                return False
            debit.debits_posted, credit.credits_posted = debits, credits_
            moved.append((debit, credit, amount))
            ids.add(number)
            place += 1
            rows.append(
                plain_row(
                    sequence + place,
                    timestamp + place,
                    (number, debit_id, credit_id),
                    (wide, middle, narrow),
                    ledger,
                    code,
                    amount,
                )
            )
        return True


def _has_room(debit: Standing, credit: Standing, debits: int, credits_: int) -> bool:
    """Whether two accounts are open and may stand at these posted debits and credits."""
    debits += debit.debits_pending
    credits_ += credit.credits_pending
    return not (
        debit.is_closed
        or credit.is_closed
        or debits > U128_MAX
        or credits_ > U128_MAX
        or (debit.debits_limited and debits > debit.credits_posted)
        or (credit.credits_limited and credits_ > credit.debits_posted)
    )
