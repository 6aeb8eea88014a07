"""Accounts and transfers: what the books hold (TigerBeetle, reference: Account, Transfer)."""

from __future__ import annotations

from enum import IntFlag
from typing import NewType

import msgspec

from sycee.kernel.u128 import U128, U128_MAX

AccountId = NewType("AccountId", U128)
TransferId = NewType("TransferId", U128)

ZERO = U128(0)
ALL = U128(U128_MAX)
"""As an amount: all there is. Of a posting transfer the whole pending amount, of a balancing one
as much as its account's balance allows."""


class AccountFlags(IntFlag):
    """What an account enforces. ``HISTORY`` is kept and compared, and has no effect yet."""

    NONE = 0
    LINKED = 1
    DEBITS_MUST_NOT_EXCEED_CREDITS = 2
    CREDITS_MUST_NOT_EXCEED_DEBITS = 4
    HISTORY = 8
    IMPORTED = 16
    CLOSED = 32


class TransferFlags(IntFlag):
    """What kind of transfer it is."""

    NONE = 0
    LINKED = 1
    PENDING = 2
    POST_PENDING = 4
    VOID_PENDING = 8
    BALANCING_DEBIT = 16
    BALANCING_CREDIT = 32
    CLOSING_DEBIT = 64
    CLOSING_CREDIT = 128
    IMPORTED = 256


class Account(msgspec.Struct, frozen=True):
    """A place where value is counted. Immutable but for its balances and its ``CLOSED`` flag.

    Ids, amounts and ``user_data_128`` have 128 bits, ``user_data_64`` and ``timestamp`` 64,
    ``user_data_32`` and ``ledger`` 32, ``code`` and ``flags`` 16; all unsigned.
    """

    id: AccountId
    ledger: int
    code: int
    """What kind of account; never zero. Payments' chart is in its own contract."""
    flags: int = 0
    user_data_128: U128 = ZERO
    user_data_64: int = 0
    user_data_32: int = 0
    debits_pending: U128 = ZERO
    debits_posted: U128 = ZERO
    credits_pending: U128 = ZERO
    credits_posted: U128 = ZERO
    timestamp: int = 0
    """Set by the ledger: nanoseconds, strictly increasing over all that it records."""


class Transfer(msgspec.Struct, frozen=True):
    """Move ``amount`` minor units from the debit account to the credit account, once per ``id``.

    Field widths are those of ``Account``; ``timeout_s`` has 32 bits. A transfer that posts or
    voids may leave zero whatever it takes over from its pending transfer.
    """

    id: TransferId
    debit_account_id: AccountId = AccountId(ZERO)
    credit_account_id: AccountId = AccountId(ZERO)
    amount: U128 = ZERO
    ledger: int = 0
    code: int = 0
    flags: int = 0
    pending_id: TransferId = TransferId(ZERO)
    timeout_s: int = 0
    """Only of a pending transfer: seconds until it is voided by itself; 0 means never."""
    user_data_128: U128 = ZERO
    user_data_64: int = 0
    user_data_32: int = 0
    timestamp: int = 0
    """Set by the ledger, as of an account; given by the caller only with ``IMPORTED``."""
