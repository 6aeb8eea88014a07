"""What can be asked of the books, and the answers."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract.records import Account, AccountId, Transfer, TransferId


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
    """One line per ledger, in order of ledger number, at one instant."""

    lines: tuple[TrialBalanceLine, ...]


class BalancesAt(msgspec.Struct, frozen=True):
    """Ask for accounts as they stood right after nanosecond ``timestamp``.

    Accounts that were opened later, and unknown ones, are left out of the answer. The books know
    when a thing was recorded: an imported transfer counts from the nanosecond it claims.
    """

    ids: tuple[AccountId, ...]
    timestamp: int


class ChangeKind(IntEnum):
    """What happened to the books."""

    ACCOUNT_OPENED = 1
    TRANSFER_RECORDED = 2
    TRANSFER_EXPIRED = 3


class Change(msgspec.Struct, frozen=True):
    """One change of the books: an account as it was opened, or a transfer as it was recorded.

    Of an expiry ``transfer`` is the pending transfer that ended, and ``timestamp`` says when.
    """

    sequence: int
    """Place in the order in which all was recorded: 1, 2, 3, …; a cursor."""
    kind: ChangeKind
    timestamp: int
    account: Account | None = None
    transfer: Transfer | None = None


class ListChanges(msgspec.Struct, frozen=True):
    """Ask for the changes that follow a sequence number; 0 begins at the beginning."""

    after: int = 0
    limit: int = 100


class Changes(msgspec.Struct, frozen=True):
    """Changes in order of ``sequence``; none when nothing more has happened yet."""

    changes: tuple[Change, ...]
