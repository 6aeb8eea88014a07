"""Accounts and transfers as records of 128 bytes, for the journal and for the tables in memory.

The layout is TigerBeetle's, so that a record can hold every legal event and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct, error

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    BATCH_MAX,
    Account,
    AccountId,
    BatchTooLarge,
    FieldOutOfRange,
    Records,
    RecordsMisshapen,
    Transfer,
    TransferId,
)
from sycee.services.ledger.domain.bits import ACCOUNT_IMPORTED, IMPORTED

_LAYOUT = Struct("<16s16s16s16s16s16sQIIIHHQ")
"""Six 128-bit numbers, user_data_64, user_data_32, timeout, ledger, code, flags, timestamp."""

RECORD_BYTES = _LAYOUT.size
TIMESTAMP_OFFSET = RECORD_BYTES - 8
TIMESTAMP = Struct("<Q")
_FLAGS_OFFSET = TIMESTAMP_OFFSET - 2
_NO_TIMESTAMP = bytes(8)

_u128 = U128.from_bytes


def encode_transfer(transfer: Transfer) -> bytes:
    """The record of a transfer; ``FieldOutOfRange`` when a number does not fit its field."""
    try:
        return _LAYOUT.pack(
            transfer.id.to_bytes(16, "little"),
            transfer.debit_account_id.to_bytes(16, "little"),
            transfer.credit_account_id.to_bytes(16, "little"),
            transfer.amount.to_bytes(16, "little"),
            transfer.pending_id.to_bytes(16, "little"),
            transfer.user_data_128.to_bytes(16, "little"),
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
        TransferId(_u128(fields[0], "little")),
        AccountId(_u128(fields[1], "little")),
        AccountId(_u128(fields[2], "little")),
        _u128(fields[3], "little"),
        fields[9],
        fields[10],
        fields[11],
        TransferId(_u128(fields[4], "little")),
        fields[8],
        _u128(fields[5], "little"),
        fields[6],
        fields[7],
        fields[12],
    )


def encode_account(account: Account) -> bytes:
    """The record of an account; ``FieldOutOfRange`` when a number does not fit its field."""
    try:
        return _LAYOUT.pack(
            account.id.to_bytes(16, "little"),
            account.debits_pending.to_bytes(16, "little"),
            account.debits_posted.to_bytes(16, "little"),
            account.credits_pending.to_bytes(16, "little"),
            account.credits_posted.to_bytes(16, "little"),
            account.user_data_128.to_bytes(16, "little"),
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
            id=AccountId(_u128(fields[0], "little")),
            debits_pending=_u128(fields[1], "little"),
            debits_posted=_u128(fields[2], "little"),
            credits_pending=_u128(fields[3], "little"),
            credits_posted=_u128(fields[4], "little"),
            user_data_128=_u128(fields[5], "little"),
            user_data_64=fields[6],
            user_data_32=fields[7],
            ledger=fields[9],
            code=fields[10],
            flags=fields[11],
            timestamp=fields[12],
        )


def check_size(events: int) -> None:
    """Refuse more events in one call than are allowed."""
    if events > BATCH_MAX:
        raise BatchTooLarge(f"{events} at once; {BATCH_MAX} are allowed")


def check_records(command: Records) -> None:
    """Refuse what is not a batch of records."""
    events, rest = divmod(len(command.records), RECORD_BYTES)
    if rest:
        raise RecordsMisshapen(f"{len(command.records)} bytes; a record has {RECORD_BYTES}")
    check_size(events)


def encode_accounts(accounts: Iterable[Account]) -> bytes:
    """The records of accounts, laid end to end."""
    return b"".join(map(encode_account, accounts))


def encode_transfers(transfers: Iterable[Transfer]) -> bytes:
    """The records of transfers, laid end to end."""
    return b"".join(map(encode_transfer, transfers))


def unstamped(is_transfer: bool, record: bytes) -> bytes:
    """The record as its caller gave it: the time is the ledger's, but of an imported event."""
    flags = int.from_bytes(record[_FLAGS_OFFSET:TIMESTAMP_OFFSET], "little")
    if flags & (IMPORTED if is_transfer else ACCOUNT_IMPORTED):
        return record
    return record[:TIMESTAMP_OFFSET] + _NO_TIMESTAMP
