"""What can be asked of the books, and the answers."""

from __future__ import annotations

import msgspec

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract.records import AccountId, TransferId


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
