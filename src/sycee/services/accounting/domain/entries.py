"""What is remembered of a transaction, from before the ledger is asked until it is settled."""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Refusal
from sycee.services.accounting.contract import (
    BoundExceeded,
    FundsInsufficient,
    Leg,
    Metadata,
    Transaction,
    TransactionFailed,
    TransactionId,
)
from sycee.services.ledger.contract import Transfer, TransferId


class State(Enum):
    """How far a transaction is."""

    OPEN = "open"
    """The ledger is to be asked, perhaps again."""
    POSTED = "posted"
    REFUSED = "refused"


class Recorded(msgspec.Struct, frozen=True):
    """What became of a transaction that the ledger took."""

    legs: tuple[Leg, ...]
    transfers: tuple[TransferId, ...]


class Refused(msgspec.Struct, frozen=True):
    """Why the ledger did not take it."""

    code: str
    detail: str
    facts: dict[str, str]


_KEPT: dict[str, type[Refusal]] = {
    kind.code: kind for kind in (BoundExceeded, FundsInsufficient, TransactionFailed)
}


class Entry(msgspec.Struct, frozen=True):
    """One row of transactions."""

    owner: str
    id: TransactionId
    digest: bytes
    effective: Instant | None
    metadata: Metadata
    template: str | None = None
    version: int | None = None
    arguments: dict[str, str] | None = None
    """Of a run whose shares depend on balances: what it takes to try again."""
    attempt: int = 1
    state: State = State.OPEN
    recorded: Instant | None = None
    result: Recorded | Refused | None = None


class Draft(msgspec.Struct, frozen=True):
    """An entry that is not kept yet, and its first chain."""

    entry: Entry
    chain: tuple[Transfer, ...]


def refused(refusal: Refusal) -> Refused:
    """A refusal as it is kept."""
    return Refused(refusal.code, refusal.detail, refusal.facts)


def answer(entry: Entry) -> Transaction:
    """The answer of a settled entry: the transaction, or the refusal that was told before."""
    if isinstance(entry.result, Refused):
        told = entry.result
        raise _KEPT[told.code](told.detail, facts=told.facts)
    assert entry.result is not None and entry.recorded is not None, "it is settled"
    return Transaction(
        id=entry.id,
        recorded=entry.recorded,
        effective=entry.effective if entry.effective is not None else entry.recorded,
        legs=entry.result.legs,
        transfers=entry.result.transfers,
        metadata=entry.metadata,
        template=entry.template,
        version=entry.version,
    )
