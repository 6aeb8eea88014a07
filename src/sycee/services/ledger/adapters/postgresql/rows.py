"""Rows as PostgreSQL's binary COPY takes them, and events made of rows that it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from struct import Struct
from typing import Final

import asyncpg

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    Account,
    AccountId,
    Change,
    ChangeKind,
    Transfer,
    TransferId,
    TrialBalanceLine,
)
from sycee.services.ledger.domain.bits import CLOSED, expires_at

Row = asyncpg.Record
Uuid = Callable[[bytes], object]

COPY_HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL: Final = b"\xff\xff"
"""Before and after the rows (PostgreSQL documentation, COPY, binary format)."""

_PLAIN: Final = Struct(">hiqiqi16si16si16sii16siqiqiqiqiiii").pack
_RESOLVING: Final = Struct(">hiqiqi16si16si16si16si16siqiqiqiqiiii").pack
_ACCOUNT: Final = Struct(">hiqiqi16si16siqiqiqiiiii?").pack
_EXPIRY: Final = Struct(">hiqiqi16si16si16s").pack
_ID_ALONE: Final = Struct(">hi16s").pack
_NUMERIC_HEAD: Final = Struct(">ihhhh").pack
_ONE_DIGIT: Final = Struct(">ihhhhh").pack
_TWO_DIGITS: Final = Struct(">ihhhhhh").pack
_NULL: Final = -1
_DIGIT: Final = 10_000

TRANSFER_COLUMNS: Final = (
    "sequence, timestamp, id, debit_account_id, credit_account_id, pending_id, user_data_128,"
    " user_data_64, user_data_32, timeout_s, ledger, code, flags, amount"
)
ACCOUNT_COLUMNS: Final = (
    "sequence, timestamp, id, user_data_128, user_data_64, user_data_32, ledger, code, flags,"
    " is_closed"
)
EXPIRY_COLUMNS: Final = (
    "sequence, timestamp, pending_id, debit_account_id, credit_account_id, amount"
)
ID_COLUMN: Final = "id"


def numeric(amount: int) -> bytes:
    """An amount as a field of a row: digits of base 10,000, the highest first."""
    if amount < _DIGIT:
        return _ONE_DIGIT(10, 1, 0, 0, 0, amount)
    if amount < _DIGIT * _DIGIT:
        return _TWO_DIGITS(12, 2, 1, 0, 0, *divmod(amount, _DIGIT))
    digits = []
    while amount:
        amount, digit = divmod(amount, _DIGIT)
        digits.append(digit.to_bytes(2, "big"))
    head = _NUMERIC_HEAD(8 + 2 * len(digits), len(digits), len(digits) - 1, 0, 0)
    return head + b"".join(reversed(digits))


def plain_row(
    sequence: int,
    timestamp: int,
    ids: tuple[bytes, bytes, bytes],
    user_data: tuple[bytes, int, int],
    ledger: int,
    code: int,
    amount: int,
) -> bytes:
    """The row of a transfer without flags, whose wide numbers come as little-endian bytes."""
    number, debit, credit = ids
    wide, middle, narrow = user_data
    return _PLAIN(
        14,
        8,
        sequence,
        8,
        timestamp,
        16,
        number[::-1],
        16,
        debit[::-1],
        16,
        credit[::-1],
        _NULL,
        16,
        wide[::-1],
        8,
        signed(middle),
        8,
        narrow,
        8,
        0,
        8,
        ledger,
        4,
        code,
        4,
        0,
    ) + numeric(amount)


def transfer_row(sequence: int, transfer: Transfer) -> bytes:
    """The row of any transfer."""
    before = (14, 8, sequence, 8, transfer.timestamp, 16, _wide(transfer.id))
    accounts = (16, _wide(transfer.debit_account_id), 16, _wide(transfer.credit_account_id))
    rest = (
        16,
        _wide(transfer.user_data_128),
        8,
        signed(transfer.user_data_64),
        8,
        transfer.user_data_32,
        8,
        transfer.timeout_s,
        8,
        transfer.ledger,
        4,
        transfer.code,
        4,
        int(transfer.flags),
    )
    amount = numeric(transfer.amount)
    if transfer.pending_id:
        return _RESOLVING(*before, *accounts, 16, _wide(transfer.pending_id), *rest) + amount
    return _PLAIN(*before, *accounts, _NULL, *rest) + amount


def account_row(sequence: int, account: Account) -> bytes:
    """The row of an account that is opened."""
    return _ACCOUNT(
        10,
        8,
        sequence,
        8,
        account.timestamp,
        16,
        _wide(account.id),
        16,
        _wide(account.user_data_128),
        8,
        signed(account.user_data_64),
        8,
        account.user_data_32,
        8,
        account.ledger,
        4,
        account.code,
        4,
        int(account.flags),
        1,
        bool(account.flags & CLOSED),
    )


def expiry_row(sequence: int, timestamp: int, pending: Transfer) -> bytes:
    """The row of an expiry."""
    return _EXPIRY(
        6,
        8,
        sequence,
        8,
        timestamp,
        16,
        _wide(pending.id),
        16,
        _wide(pending.debit_account_id),
        16,
        _wide(pending.credit_account_id),
    ) + numeric(pending.amount)


def id_row(number: int) -> bytes:
    """A row that is an id and nothing else."""
    return _ID_ALONE(1, 16, _wide(number))


def copied(rows: Iterable[bytes]) -> bytes:
    """Rows as one stream of COPY."""
    return b"".join((COPY_HEAD, *rows, COPY_TAIL))


def signed(number: int) -> int:
    """An unsigned number of 64 bits as the signed one of the same bits."""
    return number - (1 << 64) if number >> 63 else number


def account_of(row: Row) -> Account:
    """An account with its balances."""
    flags = row["flags"] & ~CLOSED | (CLOSED if row["is_closed"] else 0)
    return Account(
        id=AccountId(_u128(row["id"])),
        ledger=row["ledger"],
        code=row["code"],
        flags=flags,
        user_data_128=_u128(row["user_data_128"]),
        user_data_64=row["user_data_64"] & 0xFFFF_FFFF_FFFF_FFFF,
        user_data_32=row["user_data_32"],
        debits_pending=amount_of(row["debits_pending"]),
        debits_posted=amount_of(row["debits_posted"]),
        credits_pending=amount_of(row["credits_pending"]),
        credits_posted=amount_of(row["credits_posted"]),
        timestamp=row["timestamp"],
    )


def transfer_of(row: Row) -> Transfer:
    """A transfer as it was recorded."""
    pending_id = row["pending_id"]
    return Transfer(
        TransferId(_u128(row["id"])),
        AccountId(_u128(row["debit_account_id"])),
        AccountId(_u128(row["credit_account_id"])),
        amount_of(row["amount"]),
        row["ledger"],
        row["code"],
        row["flags"],
        TransferId(U128(0) if pending_id is None else _u128(pending_id)),
        row["timeout_s"],
        _u128(row["user_data_128"]),
        row["user_data_64"] & 0xFFFF_FFFF_FFFF_FFFF,
        row["user_data_32"],
        row["timestamp"],
    )


def line_of(row: Row) -> TrialBalanceLine:
    """A ledger's sums."""
    return TrialBalanceLine(
        ledger=row["ledger"],
        accounts=row["accounts"],
        debits_pending=amount_of(row["debits_pending"]),
        credits_pending=amount_of(row["credits_pending"]),
        debits_posted=amount_of(row["debits_posted"]),
        credits_posted=amount_of(row["credits_posted"]),
    )


def opening_of(row: Row) -> Change:
    """The change that an account's opening was: nothing is on it."""
    zero = U128(0)
    opened = Account(
        id=AccountId(_u128(row["id"])),
        ledger=row["ledger"],
        code=row["code"],
        flags=row["flags"],
        user_data_128=_u128(row["user_data_128"]),
        user_data_64=row["user_data_64"] & 0xFFFF_FFFF_FFFF_FFFF,
        user_data_32=row["user_data_32"],
        debits_pending=zero,
        debits_posted=zero,
        credits_pending=zero,
        credits_posted=zero,
        timestamp=row["timestamp"],
    )
    return Change(row["sequence"], ChangeKind.ACCOUNT_OPENED, row["timestamp"], account=opened)


def recording_of(row: Row) -> Change:
    """The change that a transfer was."""
    return Change(
        row["sequence"],
        ChangeKind.TRANSFER_RECORDED,
        row["timestamp"],
        transfer=transfer_of(row),
    )


def expiry_of(row: Row) -> Change:
    """The change that an expiry was: of a row of the pending transfer with both of the expiry's."""
    return Change(
        row["expiry_sequence"],
        ChangeKind.TRANSFER_EXPIRED,
        row["expired_at"],
        transfer=transfer_of(row),
    )


def amount_of(number: Decimal) -> U128:
    """An amount."""
    return U128(int(number))


def due_of(transfer: Transfer) -> int:
    """When a pending transfer with a timeout expires."""
    return expires_at(transfer.timestamp, transfer.timeout_s)


def _u128(uuid: object) -> U128:
    number: int = uuid.int  # type: ignore[attr-defined]
    return U128(number)


def _wide(number: int) -> bytes:
    return number.to_bytes(16, "big")
