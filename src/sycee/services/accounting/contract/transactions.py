"""Transactions of several legs, and exchanges of currency."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency
from sycee.kernel.refusal import Refusal
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract.shared import (
    NO_METADATA,
    AccountName,
    Metadata,
    Owner,
    Rounding,
    Side,
    TransactionId,
)
from sycee.services.ledger.contract import TransferId

LEGS_MAX = 1000


class Leg(msgspec.Struct, frozen=True):
    """One account debited or credited by ``amount_minor`` (minor units, at least 1)."""

    account: AccountName
    side: Side
    amount_minor: U128
    currency: Currency


class PostTransaction(msgspec.Struct, frozen=True):
    """Debit some accounts and credit others, all or nothing, once per ``id``.

    In every currency the debits equal the credits. 2 to ``LEGS_MAX`` legs. ``effective`` is when it
    counts as having happened; None is when it is recorded.
    """

    owner: Owner
    id: TransactionId
    legs: tuple[Leg, ...]
    effective: Instant | None = None
    metadata: Metadata = NO_METADATA


class Exchange(msgspec.Struct, frozen=True):
    """Change money: ``source`` is debited in the sold currency, ``target`` credited in the bought.

    ``liquidity`` names the account that stands between, which is open in both currencies: credited
    in the sold one, debited in the bought one. ``rate`` is a decimal text: whole units of the
    bought currency for one of the sold. Exactly one of the two amounts (minor units) is given; the
    other follows from the rate by ``rounding``. Rate, rounding and both amounts are recorded in
    the metadata under ``exchange``.
    """

    owner: Owner
    id: TransactionId
    source: AccountName
    sold: Currency
    target: AccountName
    bought: Currency
    liquidity: AccountName
    rate: str
    rounding: Rounding = Rounding.HALF_EVEN
    sold_minor: U128 | None = None
    bought_minor: U128 | None = None
    effective: Instant | None = None
    metadata: Metadata = NO_METADATA


class Transaction(msgspec.Struct, frozen=True):
    """A transaction as recorded."""

    id: TransactionId
    recorded: Instant
    """The ledger's nanosecond of its last transfer."""
    effective: Instant
    legs: tuple[Leg, ...]
    """What became of each account: one leg per account, side and currency."""
    transfers: tuple[TransferId, ...]
    """What moved the money in the ledger, in order."""
    metadata: Metadata
    template: str | None = None
    """Name of the template that it is a run of."""
    version: int | None = None
    """Version of the template that was used."""


class GetTransaction(msgspec.Struct, frozen=True):
    """Ask for a transaction by its id."""

    owner: Owner
    id: TransactionId


class FindTransaction(msgspec.Struct, frozen=True):
    """Ask for the transaction, and so the metadata, that a ledger's transfer belongs to."""

    owner: Owner
    transfer: TransferId


class ListTransactions(msgspec.Struct, frozen=True):
    """An owner's transactions in the order in which they were recorded, from a cursor on."""

    owner: Owner
    after: str = ""
    """``next`` of the page before."""
    limit: int = 100
    """1 to 1000."""


class Transactions(msgspec.Struct, frozen=True):
    """A page of transactions; an empty ``next`` says that nothing more was recorded yet."""

    transactions: tuple[Transaction, ...]
    next: str


class LegsInvalid(Refusal, code="legs_invalid", status=422):
    """Too few or too many legs, or more transfers and checks than one chain of the ledger holds."""


class LegsUnbalanced(Refusal, code="legs_unbalanced", status=422):
    """In one currency the debits do not equal the credits."""


class TransactionDiffers(Refusal, code="transaction_differs", status=409):
    """The id was used before for other contents, of whatever kind."""


class FundsInsufficient(Refusal, code="funds_insufficient", status=402):
    """An account would fall below its lower bound, or the sources of a template hold too little.
    Nothing was moved, and under this id nothing ever will be."""


class BoundExceeded(Refusal, code="bound_exceeded", status=422):
    """An account would rise above its upper bound. Nothing was moved, nor will be under this id."""


class TransactionFailed(Refusal, code="transaction_failed", status=409):
    """The ledger did not take it, for a reason that ``facts`` names. Nothing was moved, nor will be
    under this id."""


class RateInvalid(Refusal, code="rate_invalid", status=422):
    """The rate is no positive decimal of at most 18 digits before and after the point, or it makes
    one of the amounts zero."""


class PeriodClosed(Refusal, code="period_closed", status=409):
    """The effective date lies in a period that was closed. Date it later, and say why."""
