"""Double-entry books with two-phase transfers.

Data model and result codes are TigerBeetle's (docs.tigerbeetle.com, reference: Account, Transfer,
create_accounts, create_transfers), so that engines can be exchanged under one contract.
A ledger number is the ISO 4217 numeric code of its currency.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NewType, Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Refusal, refuses
from sycee.kernel.u128 import U128, U128_MAX

AccountId = NewType("AccountId", U128)
TransferId = NewType("TransferId", U128)

ZERO = U128(0)
ALL = U128(U128_MAX)
"""As the amount of a posting transfer: the whole pending amount."""


class AccountFlags(IntFlag):
    """What an account enforces."""

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
    """A place where value is counted. Immutable but for its balances."""

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
    """Move ``amount`` minor units from the debit account to the credit account, once per ``id``."""

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


class Accounts(msgspec.Struct, frozen=True):
    """A batch of accounts, applied in order."""

    accounts: tuple[Account, ...]


class Transfers(msgspec.Struct, frozen=True):
    """A batch of transfers, applied in order. A run of LINKED ones stands or falls together."""

    transfers: tuple[Transfer, ...]


class AccountResults(msgspec.Struct, frozen=True):
    """One ``CreateAccountResult`` code per account, in order; 0 is ok, 21 is exists."""

    codes: tuple[int, ...]


class TransferResults(msgspec.Struct, frozen=True):
    """One ``CreateTransferResult`` code per transfer, in order; 0 is ok, 46 is exists."""

    codes: tuple[int, ...]
    timestamp: Instant
    """When the batch was recorded."""


class LookupAccounts(msgspec.Struct, frozen=True):
    """Ask for accounts by id; unknown ids are left out of the answer."""

    ids: tuple[AccountId, ...]


class LookupTransfers(msgspec.Struct, frozen=True):
    """Ask for transfers by id; unknown ids are left out of the answer."""

    ids: tuple[TransferId, ...]


class ListTransfers(msgspec.Struct, frozen=True):
    """The transfers of one account, oldest first, after a timestamp."""

    account: AccountId
    after: int = 0
    limit: int = 100


class TrialBalanceQuery(msgspec.Struct, frozen=True):
    """Ask for the sums of a ledger number, or of all when None."""

    ledger: int | None = None


class TrialBalanceLine(msgspec.Struct, frozen=True):
    """Sums over all accounts of one ledger; debits equal credits, pending and posted."""

    ledger: int
    accounts: int
    debits_pending: U128
    credits_pending: U128
    debits_posted: U128
    credits_posted: U128


class TrialBalance(msgspec.Struct, frozen=True):
    """One line per ledger, at one instant."""

    lines: tuple[TrialBalanceLine, ...]


class CreateAccountResult(IntEnum):
    """TigerBeetle's result codes of ``create_accounts``."""

    OK = 0
    EXISTS = 21


class CreateTransferResult(IntEnum):
    """TigerBeetle's result codes of ``create_transfers``."""

    OK = 0
    LINKED_EVENT_FAILED = 1
    PENDING_TRANSFER_NOT_FOUND = 25
    EXCEEDS_PENDING_TRANSFER_AMOUNT = 31
    PENDING_TRANSFER_ALREADY_POSTED = 33
    PENDING_TRANSFER_ALREADY_VOIDED = 34
    PENDING_TRANSFER_EXPIRED = 35
    EXISTS = 46
    EXCEEDS_CREDITS = 54
    EXCEEDS_DEBITS = 55


class BatchTooLarge(Refusal, code="batch_too_large", status=413):
    """More events in one call than ``BATCH_MAX``."""


BATCH_MAX = 8189
"""As in TigerBeetle: a 1 MiB message less its header, in 128-byte events."""


class Ledger(Protocol):
    """The books. A call answers after its batch is on disk. Repeating a call is safe: each event
    whose id is known answers ``exists`` when the contents are the same, or says what differs."""

    @refuses(BatchTooLarge)
    async def create_accounts(self, command: Accounts) -> AccountResults:
        """Open accounts, one result code each."""
        ...

    @refuses(BatchTooLarge)
    async def create_transfers(self, command: Transfers) -> TransferResults:
        """Record transfers, one result code each."""
        ...

    @refuses(BatchTooLarge)
    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        """Accounts with their balances, seeing every write acknowledged before."""
        ...

    @refuses(BatchTooLarge)
    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        """Transfers as recorded, amounts resolved."""
        ...

    async def list_transfers(self, query: ListTransfers) -> Transfers:
        """One account's transfers, in order of time."""
        ...

    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        """Debits and credits per ledger, at one instant between two batches."""
        ...
