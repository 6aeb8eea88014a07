"""Transfers in two phases, and what the ledger has of one account."""

from __future__ import annotations

from enum import Enum

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
    TransactionId,
)
from sycee.services.ledger.contract import TransferId

TIMEOUT_S_MAX = 2**32 - 1


class HoldTransfer(msgspec.Struct, frozen=True):
    """Promise ``amount_minor`` from the debited to the credited account, once per ``id``.

    Until it is posted or voided the amount is pending on both accounts, and counts against bounds
    that are zero; an account with another bound cannot be promised. When it is posted, it becomes
    the transaction of the same ``id``: the id is a transaction's, and shares its names.
    """

    owner: Owner
    id: TransactionId
    debit: AccountName
    credit: AccountName
    currency: Currency
    amount_minor: U128
    timeout_s: int = 0
    """Seconds until it ends by itself, at most ``TIMEOUT_S_MAX``; 0 means never."""
    metadata: Metadata = NO_METADATA


class PostTransfer(msgspec.Struct, frozen=True):
    """Move what was promised; what is not posted goes back. Repeating it answers the same."""

    owner: Owner
    id: TransactionId
    """Of the promise, and then of the transaction."""
    amount_minor: U128 | None = None
    """At most what was promised; None is all."""


class VoidTransfer(msgspec.Struct, frozen=True):
    """Give back what was promised. Repeating it answers the same."""

    owner: Owner
    id: TransactionId


class GetHeld(msgspec.Struct, frozen=True):
    """Ask for a promised transfer."""

    owner: Owner
    id: TransactionId


class TransferStatus(Enum):
    """How far a transfer is. Only pending ones change."""

    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class OwnTransfer(msgspec.Struct, frozen=True):
    """A transfer as the ledger recorded it, in an owner's names.

    Of a promise ``amount_minor`` is what was promised: what was posted of it is a transfer of its
    own, as in the ledger.
    """

    transfer: TransferId
    id: TransactionId | None
    """Of the promise, or of the transaction; None of what was not made through accounting."""
    debit: AccountName | None
    """None where it is no account with a name of this owner."""
    credit: AccountName | None
    currency: Currency
    amount_minor: U128
    status: TransferStatus
    is_promise: bool
    """Whether it was made in two phases, and this is the first."""
    recorded: Instant
    expires: Instant | None
    metadata: Metadata


class ListOwnTransfers(msgspec.Struct, frozen=True):
    """One account's transfers, promises among them, in the order of recording."""

    owner: Owner
    account: AccountName
    currency: Currency
    after: str = ""
    """``next`` of the page before."""
    limit: int = 100
    """1 to 1000."""


class OwnTransfers(msgspec.Struct, frozen=True):
    """A page of transfers; an empty ``next`` says that nothing more was recorded yet."""

    transfers: tuple[OwnTransfer, ...]
    next: str


class TransferEnded(Refusal, code="transfer_ended", status=409):
    """The promise was posted, voided or expired before; ``facts`` has ``state``."""


class BoundUnsupported(Refusal, code="bound_unsupported", status=422):
    """The account has a bound other than zero, which the ledger does not count promises against;
    ``param`` is ``debit`` or ``credit``."""
