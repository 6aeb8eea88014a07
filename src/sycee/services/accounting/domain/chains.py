"""Chains of the ledger: steps that happen all or not at all, and checks of bounds at their end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.ids import derived_number
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import LegsInvalid, Metadata, NamedAccount, Owner
from sycee.services.accounting.domain import chart
from sycee.services.accounting.domain.canonical import metadata_key
from sycee.services.accounting.domain.names import owner_key
from sycee.services.ledger.contract import (
    ALL,
    BATCH_MAX,
    AccountId,
    Transfer,
    TransferFlags,
    TransferId,
)

LINKED: Final = int(TransferFlags.LINKED)
PENDING: Final = int(TransferFlags.PENDING)
POSTING: Final = int(TransferFlags.POST_PENDING)
VOIDING: Final = int(TransferFlags.VOID_PENDING)
UP_TO_CREDIT: Final = int(TransferFlags.BALANCING_DEBIT)
"""As much as the debited account holds."""
UP_TO_DEBIT: Final = int(TransferFlags.BALANCING_CREDIT)
"""As much as the credited account lacks."""


class StepCode(IntEnum):
    """What a transfer is for: ``Transfer.code``. Payments uses those below 100."""

    MOVE = 101
    """Money goes from one account to another."""
    SEED = 102
    """The pool owes a move's amount."""
    REFUND = 103
    """What the sources did not have goes back to the pool."""
    HOLD = 104
    """What a source may not give is kept out of reach for a while."""
    LOWER = 105
    """Fails when an account is below its lower bound (on credits less debits)."""
    UPPER = 106
    """Fails when an account is above its upper bound."""
    COMPLETE = 107
    """Fails when the sources gave too little."""
    EXHAUSTED = 108
    """Fails when a source that should be empty is not."""
    FUNDING = 109
    """Gives a control account its room."""
    MARK = 110
    """Moves nothing: shows how late it is in the ledger."""
    PROMISE = 111
    """Is pending until its owner posts or voids it, or its time is up."""


class Step(msgspec.Struct, frozen=True):
    """One transfer of a chain before it has its ids. ``voids`` counts back to the step that it
    gives back; then nothing else of it matters."""

    debit: AccountId
    credit: AccountId
    amount: U128
    ledger: int
    code: StepCode
    flags: int = 0
    voids: int = 0


class Subject(msgspec.Struct, frozen=True):
    """What the transfers of a chain bear and are named by."""

    owner: Owner
    id: str
    attempt: int
    effective: Instant | None
    metadata: Metadata


def transfer_id(owner: Owner, id: str, attempt: int, place: int) -> TransferId:
    """The transfer at one place of one attempt; always the same."""
    words = ("accounting", owner_key(owner), "transfer", id, str(attempt), str(place))
    return TransferId(U128(derived_number(*words)))


def chain(subject: Subject, steps: Sequence[Step]) -> tuple[Transfer, ...]:
    """Steps as linked transfers; ``LegsInvalid`` when they are more than the ledger takes."""
    if len(steps) > BATCH_MAX:
        raise LegsInvalid(f"It takes {len(steps)} transfers and checks; {BATCH_MAX} are allowed.")
    ids = [
        transfer_id(subject.owner, subject.id, subject.attempt, place)
        for place in range(len(steps))
    ]
    last = len(steps) - 1
    key, effective = metadata_key(subject.metadata), subject.effective or 0
    transfers = []
    for place, step in enumerate(steps):
        linked = LINKED if place < last else 0
        if step.voids:
            pending = ids[place - step.voids]
            transfers.append(Transfer(ids[place], flags=VOIDING | linked, pending_id=pending))
            continue
        transfers.append(
            Transfer(
                ids[place],
                step.debit,
                step.credit,
                step.amount,
                step.ledger,
                int(step.code),
                step.flags | linked,
                user_data_128=key,
                user_data_64=effective,
            )
        )
    return tuple(transfers)


def give_back(step: Step, voids: int = 1) -> Step:
    """The step that voids a pending one."""
    return msgspec.structs.replace(step, voids=voids)


def checks(owner: Owner, accounts: Iterable[NamedAccount]) -> list[Step]:
    """Steps that fail when one of these accounts is beyond a bound that is not zero."""
    return [
        step
        for account in accounts
        for check in (_lower(owner, account), _upper(owner, account))
        if check is not None
        for step in (check, give_back(check))
    ]


def _lower(owner: Owner, account: NamedAccount) -> Step | None:
    bound, within = chart.bounds(account).lower, chart.inner(owner, account.currency)
    if not bound:
        return None
    if bound > 0:
        amount = U128(bound)
        return Step(account.id, within.world, amount, within.ledger, StepCode.LOWER, PENDING)
    control, flags = chart.lower_id(owner, account), PENDING | UP_TO_DEBIT
    return Step(control, account.id, ALL, within.ledger, StepCode.LOWER, flags)


def _upper(owner: Owner, account: NamedAccount) -> Step | None:
    bound, within = chart.bounds(account).upper, chart.inner(owner, account.currency)
    if not bound:
        return None
    if bound < 0:
        amount = U128(-bound)
        return Step(within.world, account.id, amount, within.ledger, StepCode.UPPER, PENDING)
    control, flags = chart.upper_id(owner, account), PENDING | UP_TO_CREDIT
    return Step(account.id, control, ALL, within.ledger, StepCode.UPPER, flags)


def funding(owner: Owner, account: NamedAccount) -> list[Step]:
    """Steps that give an account's control accounts their room, once."""
    bounds, within = chart.bounds(account), chart.inner(owner, account.currency)
    steps = []
    if bounds.lower is not None and bounds.lower < 0:
        control, room = chart.lower_id(owner, account), U128(-bounds.lower)
        steps.append(Step(within.world, control, room, within.ledger, StepCode.FUNDING))
    if bounds.upper is not None and bounds.upper > 0:
        control, room = chart.upper_id(owner, account), U128(bounds.upper)
        steps.append(Step(control, within.world, room, within.ledger, StepCode.FUNDING))
    return steps


def is_posted(transfer: Transfer) -> bool:
    """Whether a recorded transfer changed what is posted."""
    return not transfer.flags & (PENDING | VOIDING)
