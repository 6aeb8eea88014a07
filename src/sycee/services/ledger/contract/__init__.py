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
    "BatchTooLarge",
    "CreateAccountResult",
    "CreateTransferResult",
    "FieldOutOfRange",
    "Ledger",
    "ListTransfers",
    "LookupAccounts",
    "LookupTransfers",
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
