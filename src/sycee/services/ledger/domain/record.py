"""Accounts and transfers as records of 128 bytes, for the journal and for the tables in memory.

The fields and their widths are TigerBeetle's, so that a record can hold every legal event and
no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct, error

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    Account,
    AccountId,
    FieldOutOfRange,
    Transfer,
    TransferId,
)

_LAYOUT = Struct(">16s16s16s16s16s16sQIIIHHQ")
"""Six 128-bit numbers, user_data_64, user_data_32, timeout, ledger, code, flags, timestamp."""

RECORD_BYTES = _LAYOUT.size
TIMESTAMP_OFFSET = RECORD_BYTES - 8
TIMESTAMP = Struct(">Q")

_u128 = U128.from_bytes


def encode_transfer(transfer: Transfer) -> bytes:
    """The record of a transfer; ``FieldOutOfRange`` when a number does not fit its field."""
    try:
        return _LAYOUT.pack(
            transfer.id.to_bytes(16, "big"),
            transfer.debit_account_id.to_bytes(16, "big"),
            transfer.credit_account_id.to_bytes(16, "big"),
            transfer.amount.to_bytes(16, "big"),
            transfer.pending_id.to_bytes(16, "big"),
            transfer.user_data_128.to_bytes(16, "big"),
            transfer.user_data_64,
            transfer.user_data_32,
            transfer.timeout_s,
            transfer.ledger,
            transfer.code,
            transfer.flags,
            transfer.timestamp,
        )
    except (error, OverflowError) as cause:
        raise FieldOutOfRange(f"transfer {transfer.id}: {cause}") from cause


def decode_transfer(record: bytes | bytearray, offset: int = 0) -> Transfer:
    """The transfer whose record begins at ``offset``."""
    return _transfer(_LAYOUT.unpack_from(record, offset))


def decode_transfers(records: bytes) -> Iterator[Transfer]:
    """The transfers of records laid end to end."""
    return map(_transfer, _LAYOUT.iter_unpack(records))


def _transfer(
    fields: tuple[bytes, bytes, bytes, bytes, bytes, bytes, int, int, int, int, int, int, int],
) -> Transfer:
    return Transfer(
        TransferId(_u128(fields[0], "big")),
        AccountId(_u128(fields[1], "big")),
        AccountId(_u128(fields[2], "big")),
        _u128(fields[3], "big"),
        fields[9],
        fields[10],
        fields[11],
        TransferId(_u128(fields[4], "big")),
        fields[8],
        _u128(fields[5], "big"),
        fields[6],
        fields[7],
        fields[12],
    )


def encode_account(account: Account) -> bytes:
    """The record of an account; ``FieldOutOfRange`` when a number does not fit its field."""
    try:
        return _LAYOUT.pack(
            account.id.to_bytes(16, "big"),
            account.debits_pending.to_bytes(16, "big"),
            account.debits_posted.to_bytes(16, "big"),
            account.credits_pending.to_bytes(16, "big"),
            account.credits_posted.to_bytes(16, "big"),
            account.user_data_128.to_bytes(16, "big"),
            account.user_data_64,
            account.user_data_32,
            0,
            account.ledger,
            account.code,
            account.flags,
            account.timestamp,
        )
    except (error, OverflowError) as cause:
        raise FieldOutOfRange(f"account {account.id}: {cause}") from cause


def decode_accounts(records: bytes) -> Iterator[Account]:
    """The accounts of records laid end to end."""
    for fields in _LAYOUT.iter_unpack(records):
        yield Account(
            id=AccountId(_u128(fields[0], "big")),
            debits_pending=_u128(fields[1], "big"),
            debits_posted=_u128(fields[2], "big"),
            credits_pending=_u128(fields[3], "big"),
            credits_posted=_u128(fields[4], "big"),
            user_data_128=_u128(fields[5], "big"),
            user_data_64=fields[6],
            user_data_32=fields[7],
            ledger=fields[9],
            code=fields[10],
            flags=fields[11],
            timestamp=fields[12],
        )
