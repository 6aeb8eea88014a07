"""Accounts with names, kinds and bounds, and their balances."""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency
from sycee.kernel.refusal import Refusal
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract.shared import NO_METADATA, AccountName, Metadata, Owner
from sycee.services.ledger.contract import AccountId


class AccountKind(Enum):
    """What an account stands for, which also says on which side its balance grows."""

    ASSET = "asset"
    """What the owner has; grows by debits."""
    EXPENSE = "expense"
    """What was used up; grows by debits."""
    LIABILITY = "liability"
    """What the owner owes, such as a customer's wallet; grows by credits."""
    EQUITY = "equity"
    """What the owner put in; grows by credits."""
    INCOME = "income"
    """What was earned; grows by credits."""

    @property
    def grows_by_debits(self) -> bool:
        """Whether its balance is debits less credits, and not credits less debits."""
        return self in (AccountKind.ASSET, AccountKind.EXPENSE)


class OpenAccount(msgspec.Struct, frozen=True):
    """Open an account of this name in this currency. Repeating it answers the one that exists.

    ``lower_minor`` and ``upper_minor`` bound the balance, in minor units and in the sense in which
    it grows, as it stands after each whole transaction that touches the account: at least
    ``lower_minor``, at most ``upper_minor``; None is no bound. They never change.
    """

    owner: Owner
    name: AccountName
    currency: Currency
    kind: AccountKind
    lower_minor: int | None = None
    upper_minor: int | None = None
    metadata: Metadata = NO_METADATA


class NamedAccount(msgspec.Struct, frozen=True):
    """An account of an owner: one name, one currency. Fields as of ``OpenAccount``."""

    id: AccountId
    """Where the ledger keeps it."""
    name: AccountName
    currency: Currency
    kind: AccountKind
    lower_minor: int | None
    upper_minor: int | None
    metadata: Metadata
    opened: Instant


class GetAccount(msgspec.Struct, frozen=True):
    """Ask for one account."""

    owner: Owner
    name: AccountName
    currency: Currency


class ListAccounts(msgspec.Struct, frozen=True):
    """An owner's accounts in order of name and currency, from a cursor on."""

    owner: Owner
    prefix: str = ""
    """Only names that begin so."""
    after: str = ""
    """``next`` of the page before."""
    limit: int = 100
    """1 to 1000."""


class NamedAccounts(msgspec.Struct, frozen=True):
    """A page of accounts; an empty ``next`` says that it is the last."""

    accounts: tuple[NamedAccount, ...]
    next: str


class AccountRef(msgspec.Struct, frozen=True):
    """An account by its name and currency."""

    name: AccountName
    currency: Currency


class GetBalances(msgspec.Struct, frozen=True):
    """Ask how up to 1000 accounts stand, or stood right after nanosecond ``at``."""

    owner: Owner
    accounts: tuple[AccountRef, ...]
    at: Instant | None = None


class Balance(msgspec.Struct, frozen=True):
    """The sums of one account, in minor units."""

    name: AccountName
    currency: Currency
    kind: AccountKind
    debits: U128
    """Posted."""
    credits: U128
    """Posted."""
    debits_pending: U128 = U128(0)
    credits_pending: U128 = U128(0)

    @property
    def balance_minor(self) -> int:
        """What is posted, in the sense in which an account of this kind grows."""
        return balance_minor(self.kind, self.debits, self.credits)


class Balances(msgspec.Struct, frozen=True):
    """One balance per account asked for, in order; zeros of one that was opened later."""

    balances: tuple[Balance, ...]


def balance_minor(kind: AccountKind, debits: int, credits: int) -> int:
    """Debits and credits as one number, in the sense in which an account of this kind grows."""
    return debits - credits if kind.grows_by_debits else credits - debits


class AccountDiffers(Refusal, code="account_differs", status=409):
    """An account of this name and currency exists, with another kind, bound or metadata; ``param``
    names what differs."""


class BoundsInvalid(Refusal, code="bounds_invalid", status=422):
    """The lower bound is above the upper one, both are zero, or one is beyond ±(2⁶³-1)."""
