"""Statements, trial balances, changes, and periods that are closed and sealed."""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency
from sycee.kernel.refusal import Refusal
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract.accounts import Balance, NamedAccount
from sycee.services.accounting.contract.shared import (
    AccountName,
    Metadata,
    Owner,
    Side,
    TransactionId,
)
from sycee.services.ledger.contract import TransferId


class GetStatement(msgspec.Struct, frozen=True):
    """One account's movements recorded from ``start`` (inclusive) to ``end`` (exclusive)."""

    owner: Owner
    account: AccountName
    currency: Currency
    start: Instant
    end: Instant
    after: str = ""
    """``next`` of the page before."""
    limit: int = 100
    """1 to 1000."""


class StatementLine(msgspec.Struct, frozen=True):
    """One movement, and the sums after it. Amounts in minor units."""

    transfer: TransferId
    transaction: TransactionId | None
    """None of a movement that was not made through accounting."""
    recorded: Instant
    effective: Instant
    side: Side
    amount_minor: U128
    debits: U128
    """The account's posted sum of debits after this line."""
    credits: U128
    """The account's posted sum of credits after this line."""
    balance: str
    """Their difference as the account's kind counts it, in minor units, as text."""
    counterpart: AccountName | None
    """The other account, where it is one of this owner."""
    metadata: Metadata


class Statement(msgspec.Struct, frozen=True):
    """A page of a statement. ``opening`` is as of ``start``, ``closing`` as of ``end`` or now."""

    opening: Balance
    lines: tuple[StatementLine, ...]
    closing: Balance
    next: str
    """Empty when this page is the last."""


class GetTrialBalance(msgspec.Struct, frozen=True):
    """All balances of an owner right after nanosecond ``at``, or now."""

    owner: Owner
    at: Instant | None = None


class TrialTotal(msgspec.Struct, frozen=True):
    """The posted sums of one currency over all accounts; debits equal credits."""

    currency: Currency
    accounts: int
    debits: U128
    credits: U128


class OwnTrialBalance(msgspec.Struct, frozen=True):
    """Every account's balance, and the sums per currency, at one instant."""

    at: Instant
    totals: tuple[TrialTotal, ...]
    balances: tuple[Balance, ...]


class ListOwnChanges(msgspec.Struct, frozen=True):
    """What happened to an owner's accounts after a sequence number; 0 begins at the beginning."""

    owner: Owner
    after: int = 0
    limit: int = 100
    """1 to 1000."""


class OwnChangeKind(Enum):
    """What happened."""

    ACCOUNT_OPENED = "account_opened"
    TRANSFER_RECORDED = "transfer_recorded"
    TRANSFER_EXPIRED = "transfer_expired"
    TRANSFER_VOIDED = "transfer_voided"


class OwnChange(msgspec.Struct, frozen=True):
    """One change, in the ledger's order. Of an opened account only ``account`` is set; of a
    transfer all else, names only of this owner's accounts."""

    sequence: int
    kind: OwnChangeKind
    recorded: Instant
    account: NamedAccount | None = None
    transfer: TransferId | None = None
    transaction: TransactionId | None = None
    debit: AccountName | None = None
    credit: AccountName | None = None
    amount_minor: U128 = U128(0)
    currency: Currency | None = None
    is_pending: bool = False


class OwnChanges(msgspec.Struct, frozen=True):
    """Changes in order. Go on after ``next``, also when there are none: others' were skipped."""

    changes: tuple[OwnChange, ...]
    next: int
    is_end: bool
    """Whether nothing more had happened yet."""


class ClosePeriod(msgspec.Struct, frozen=True):
    """Close and seal the period from the end of the one before (or the beginning) up to ``end``.

    Afterwards no transaction may have its effective time in it. Repeating it answers the same seal.
    """

    owner: Owner
    name: str
    end: Instant
    """Exclusive, and past."""


class SealedLine(msgspec.Struct, frozen=True):
    """One account's posted sums, of all that was effective until the period's end."""

    account: AccountName
    currency: Currency
    debits: U128
    credits: U128


class Period(msgspec.Struct, frozen=True):
    """A closed period and its seal."""

    name: str
    number: int
    """1, 2, 3, …"""
    start: Instant
    end: Instant
    sealed: Instant
    transactions: int
    balances: tuple[SealedLine, ...]
    seal: str
    """SHA-256 in hex over the seal before, the period, its balances and every change in it."""
    before: str
    """The seal of the period before; zeros of the first."""


class ListPeriods(msgspec.Struct, frozen=True):
    """An owner's closed periods, oldest first, after a number."""

    owner: Owner
    after: int = 0
    limit: int = 100
    """1 to 1000."""


class Periods(msgspec.Struct, frozen=True):
    """Closed periods."""

    periods: tuple[Period, ...]


class VerifyPeriods(msgspec.Struct, frozen=True):
    """Compare every seal of an owner with the ledger as it is now."""

    owner: Owner


class PeriodProof(msgspec.Struct, frozen=True):
    """What was compared; ``difference`` names the first thing that is not as it was sealed."""

    periods: int
    transactions: int
    difference: str | None = None
    period: str | None = None
    """The period that the difference is in."""


class PeriodInvalid(Refusal, code="period_invalid", status=422):
    """The end is not past, or not after the end of the period before."""


class PeriodDiffers(Refusal, code="period_differs", status=409):
    """A period of this name was closed with another end."""
