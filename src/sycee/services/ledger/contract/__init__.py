"""Double-entry books with two-phase transfers.

Data model and result codes are TigerBeetle's (docs.tigerbeetle.com, reference: Account, Transfer,
create_accounts, create_transfers), so that engines can be exchanged under one contract.
A ledger number is the ISO 4217 numeric code of its currency.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Refusal, Unavailable, refuses
from sycee.services.ledger.contract.queries import (
    BalancesAt,
    Change,
    ChangeKind,
    Changes,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    TrialBalance,
    TrialBalanceLine,
    TrialBalanceQuery,
)
from sycee.services.ledger.contract.records import (
    ALL,
    ZERO,
    Account,
    AccountFlags,
    AccountId,
    Transfer,
    TransferFlags,
    TransferId,
)
from sycee.services.ledger.contract.results import (
    TRANSIENT,
    CreateAccountResult,
    CreateTransferResult,
)

__all__ = [
    "ALL",
    "BATCH_MAX",
    "TRANSIENT",
    "ZERO",
    "Account",
    "AccountFlags",
    "AccountId",
    "AccountResults",
    "Accounts",
    "BalancesAt",
    "BatchTooLarge",
    "Change",
    "ChangeKind",
    "Changes",
    "CreateAccountResult",
    "CreateTransferResult",
    "FieldOutOfRange",
    "Ledger",
    "ListChanges",
    "ListTransfers",
    "LookupAccounts",
    "LookupTransfers",
    "RecordResults",
    "Records",
    "RecordsMisshapen",
    "Transfer",
    "TransferFlags",
    "TransferId",
    "TransferResults",
    "Transfers",
    "TrialBalance",
    "TrialBalanceLine",
    "TrialBalanceQuery",
]

BATCH_MAX = 8189
"""As in TigerBeetle: a 1 MiB message less its header, in 128-byte events."""


class Accounts(msgspec.Struct, frozen=True):
    """A batch of accounts, applied in order. A run of LINKED ones stands or falls together."""

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
    """When the batch was recorded: the timestamp of its last event."""


class Records(msgspec.Struct, frozen=True):
    """A batch of accounts or of transfers as records of 128 bytes laid end to end: the fast way in.

    A record has TigerBeetle's layout (reference: Account, Transfer): little-endian, in the order
    id, then of a transfer debit_account_id, credit_account_id, amount, pending_id and of an account
    debits_pending, debits_posted, credits_pending, credits_posted; then user_data_128 (each 16
    bytes), user_data_64 (8), user_data_32, timeout (zero of an account), ledger (4 each), code,
    flags (2 each), timestamp (8).
    """

    records: bytes


class RecordResults(msgspec.Struct, frozen=True):
    """One result code per record, one byte each, in order."""

    codes: bytes
    timestamp: Instant
    """When the batch was recorded: the timestamp of its last event."""


class RecordsMisshapen(Refusal, code="records_misshapen", status=422):
    """The bytes are not a whole number of records."""


class BatchTooLarge(Refusal, code="batch_too_large", status=413):
    """More events in one call than ``BATCH_MAX``."""


class FieldOutOfRange(Refusal, code="field_out_of_range", status=422):
    """A number of an event is negative or wider than its field; nothing of the batch is done."""


class Ledger(Protocol):
    """The books. A call answers after its batch is on disk. Repeating a call is safe: each event
    whose id is known answers ``exists`` when the contents are the same, or says what differs.

    Every call may raise ``Unavailable``: of a write the outcome is then unknown until it is
    repeated, with the same ids."""

    @refuses(BatchTooLarge, FieldOutOfRange, Unavailable)
    async def create_accounts(self, command: Accounts) -> AccountResults:
        """Open accounts, one result code each."""
        ...

    @refuses(BatchTooLarge, FieldOutOfRange, Unavailable)
    async def create_transfers(self, command: Transfers) -> TransferResults:
        """Record transfers, one result code each."""
        ...

    @refuses(BatchTooLarge, RecordsMisshapen, Unavailable)
    async def record_accounts(self, command: Records) -> RecordResults:
        """``create_accounts``, of records."""
        ...

    @refuses(BatchTooLarge, RecordsMisshapen, Unavailable)
    async def record_transfers(self, command: Records) -> RecordResults:
        """``create_transfers``, of records: the fast way to move many."""
        ...

    @refuses(BatchTooLarge, Unavailable)
    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        """Accounts with their balances, seeing every write acknowledged before and no other."""
        ...

    @refuses(BatchTooLarge, Unavailable)
    async def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        """Transfers as recorded, amounts resolved."""
        ...

    @refuses(BatchTooLarge, Unavailable)
    async def list_transfers(self, query: ListTransfers) -> Transfers:
        """One account's transfers, in order of time; none of an unknown account."""
        ...

    @refuses(Unavailable)
    async def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        """Debits and credits per ledger, at one instant between two batches."""
        ...

    @refuses(BatchTooLarge, Unavailable)
    async def balances_at(self, query: BalancesAt) -> Accounts:
        """Accounts with the balances of an instant, now or past; every account has a history."""
        ...

    @refuses(BatchTooLarge, Unavailable)
    async def list_changes(self, query: ListChanges) -> Changes:
        """All that was recorded, in order, to be followed with a cursor: the change feed."""
        ...
