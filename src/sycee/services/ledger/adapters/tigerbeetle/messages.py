"""Bodies of requests and replies (TigerBeetle, reference: Requests), all little-endian."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import Account, AccountId, Transfer, TransferId
from sycee.services.ledger.domain.bits import TIMESTAMP_MAX

RECORD_BYTES: Final = 128
RECORDS_MAX: Final = 8189
"""Records in one request or reply."""
EVENTS_MAX: Final = 2730
"""Change events in one reply: a mebibyte less its header, at 384 bytes each."""


class Operation(IntEnum):
    """What can be asked of a cluster, by its numbers since release 0.17."""

    GET_CHANGE_EVENTS = 137
    LOOKUP_ACCOUNTS = 140
    LOOKUP_TRANSFERS = 141
    GET_ACCOUNT_TRANSFERS = 142
    GET_ACCOUNT_BALANCES = 143
    QUERY_ACCOUNTS = 144
    QUERY_TRANSFERS = 145
    CREATE_ACCOUNTS = 146
    CREATE_TRANSFERS = 147


class UnknownAnswer(Exception):
    """The cluster answers in a way that this release of the engine does not know."""


_RESULT_BYTES: Final = 16
_STATUS: Final = 8
"""A result is timestamp u64, status u32, four reserved bytes."""
_CODES: Final = bytes((*range(255), 0))
"""The status "created" has all bits set, where the contract's code is 0; all others are equal."""


def codes(results: bytes) -> bytes:
    """The contract's codes, one byte each, from results."""
    high = results[_STATUS + 1 :: _RESULT_BYTES]
    if high.translate(None, b"\x00\xff"):
        raise UnknownAnswer("a status of more than one byte")
    return results[_STATUS::_RESULT_BYTES].translate(_CODES)


_ID_MAX: Final = 2**128 - 1


def ids(numbers: Iterable[int]) -> bytes:
    """Ids to look up; those that no record can have are left out, as unknown ones are."""
    return b"".join(number.to_bytes(16, "little") for number in numbers if 0 < number < _ID_MAX)


_ACCOUNT_FILTER = Struct("<16s88xQQII")
_DEBITS_AND_CREDITS: Final = 3
_REVERSED_OF_ACCOUNT: Final = 4


def account_filter(
    account: int, first: int = 0, last: int = 0, limit: int = RECORDS_MAX, latest: bool = False
) -> bytes:
    """One account's transfers (or balances) from a nanosecond to another, both included."""
    flags = _DEBITS_AND_CREDITS | (_REVERSED_OF_ACCOUNT if latest else 0)
    return _ACCOUNT_FILTER.pack(account.to_bytes(16, "little"), first, last, limit, flags)


_QUERY_FILTER = Struct("<28xI8xQQII")


def query_filter(first: int = 0, ledger: int = 0, limit: int = RECORDS_MAX) -> bytes:
    """Accounts of one ledger (of all when zero), from a nanosecond on."""
    return _QUERY_FILTER.pack(ledger, first, 0, limit, 0)


_EVENTS_FILTER = Struct("<QQI44x")


def events_filter(first: int, last: int = 0, limit: int = EVENTS_MAX) -> bytes:
    """Change events from a nanosecond to another, both included."""
    return _EVENTS_FILTER.pack(first, last, limit)


def is_instant(timestamp: int) -> bool:
    """Whether the cluster takes the number as a time."""
    return 0 < timestamp <= TIMESTAMP_MAX


class Kind(IntEnum):
    """What a change event tells of."""

    SINGLE_PHASE = 0
    PENDING = 1
    POSTED = 2
    VOIDED = 3
    EXPIRED = 4


class Event(NamedTuple):
    """A transfer or an expiry, with both accounts as it left them."""

    kind: int
    timestamp: int
    transfer: Transfer
    debit: Account
    credit: Account

    def side(self, account: int) -> Account:
        """The one of both accounts that has this id."""
        found = self.debit if self.debit.id == account else self.credit
        assert found.id == account, "an event is asked about its own accounts"
        return found


_EVENT = Struct("<16s16s16s16sQIIHHIB39x" + 2 * "16s16s16s16s16s16sQIHH" + "QQQQ")
_Account = tuple[bytes, bytes, bytes, bytes, bytes, bytes, int, int, int, int]


def events(body: bytes) -> Iterator[Event]:
    """The change events of a reply."""
    for row in _EVENT.iter_unpack(body):
        ledger, kind = row[9], row[10]
        timestamp, transfer_timestamp, debit_timestamp, credit_timestamp = row[31:]
        debit = _account(row[11:21], ledger, debit_timestamp)
        credit = _account(row[21:31], ledger, credit_timestamp)
        transfer = Transfer(
            id=TransferId(_u128(row[0])),
            debit_account_id=debit.id,
            credit_account_id=credit.id,
            amount=_u128(row[1]),
            ledger=ledger,
            code=row[7],
            flags=row[8],
            pending_id=TransferId(_u128(row[2])),
            timeout_s=row[6],
            user_data_128=_u128(row[3]),
            user_data_64=row[4],
            user_data_32=row[5],
            timestamp=transfer_timestamp,
        )
        yield Event(kind, timestamp, transfer, debit, credit)


def _account(row: _Account, ledger: int, timestamp: int) -> Account:
    return Account(
        id=AccountId(_u128(row[0])),
        ledger=ledger,
        code=row[8],
        flags=row[9],
        user_data_128=_u128(row[5]),
        user_data_64=row[6],
        user_data_32=row[7],
        debits_pending=_u128(row[1]),
        debits_posted=_u128(row[2]),
        credits_pending=_u128(row[3]),
        credits_posted=_u128(row[4]),
        timestamp=timestamp,
    )


def _u128(octets: bytes) -> U128:
    return U128.from_bytes(octets, "little")


_BALANCE = Struct("<64xQ56x")


def balance_timestamp(body: bytes) -> int:
    """When the first of some balances came about; 0 when there are none."""
    return int(_BALANCE.unpack_from(body)[0]) if body else 0
