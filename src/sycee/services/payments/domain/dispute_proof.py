"""Proof of disputes: each must agree with its charge, its moves, its bookings and the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sycee.services.ledger.contract import TransferId
from sycee.services.payments.contract.disputes import DisputeStatus
from sycee.services.payments.domain import proof
from sycee.services.payments.domain.disputes import DisputeMove, Step, transfers
from sycee.services.payments.domain.proof import Disputed, Finding, Found, Record


def ids_of(disputes: Iterable[Disputed]) -> Iterator[TransferId]:
    """Every transfer that disputes have, or are about to have."""
    for disputed in disputes:
        for move, _ in disputed.moves:
            for transfer in transfers(move):
                yield transfer.id


def wrong_transfers(move: DisputeMove, is_due: bool, found: Found) -> Iterator[Finding]:
    """Where a move and the ledger differ; one that is due has all of its transfers."""
    row = f"dispute move {move.id} of payment {move.payment}"
    for owed in transfers(move):
        transfer = found.get(owed.id)
        if transfer is None and is_due:
            yield Finding(row, f"the ledger has no transfer {owed.id}")
        if transfer is not None and not proof.is_same(owed, transfer):
            yield Finding(row, f"transfer {owed.id} in the ledger is another")


def wrong_disputes(record: Record) -> Iterator[Finding]:
    """Where disputes do not agree with themselves or their charge."""
    for disputed in record.disputes:
        yield from _wrong_dispute(disputed, record)
    for charged in record.charges:
        charge = charged.charge
        taken = sum(
            each.amount
            for each in record.disputes
            if each.dispute.charge == charge.id and _takes(each)
        )
        row = f"charge {charge.id}"
        if charge.amount_disputed_minor != taken:
            problem = f"disputed {charge.amount_disputed_minor}, its disputes take {taken}"
            yield Finding(row, problem)
        if charged.refunded + taken > charged.captured:
            yield Finding(row, f"refunds and disputes take more than {charged.captured}")


def _wrong_dispute(disputed: Disputed, record: Record) -> Iterator[Finding]:
    dispute, row = disputed.dispute, f"dispute {disputed.dispute.id}"
    if (dispute.amount.minor, dispute.status.value) != (disputed.amount, disputed.status):
        yield Finding(row, "its columns say otherwise than its body")
    moves = [(move.step, move.is_won) for move, _ in disputed.moves]
    if moves != _wanted(disputed):
        yield Finding(row, f"is {disputed.status} and moves {moves}")
    if any(move.amount != dispute.amount for move, _ in disputed.moves):
        yield Finding(row, "its moves are of another amount")
    due = sorted(
        _net(move) for move, closing in disputed.moves if closing is not None and _net(move)
    )
    booked = sorted(each.net for each in record.booked if each.transaction.source == dispute.id)
    if booked != due:
        yield Finding(row, f"changed the balance by {booked}, its moves are {due}")


def _takes(disputed: Disputed) -> bool:
    """Whether the dispute holds its amount back, or has taken it."""
    won = disputed.dispute.status is DisputeStatus.WON
    return not won and not disputed.dispute.is_inquiry


def _wanted(disputed: Disputed) -> list[tuple[Step, bool]]:
    if disputed.dispute.is_inquiry:
        return []
    withdrawn, status = (Step.WITHDRAW, False), disputed.dispute.status
    if status not in (DisputeStatus.WON, DisputeStatus.LOST):
        return [withdrawn]
    return [withdrawn, (Step.END, status is DisputeStatus.WON)]


def _net(move: DisputeMove) -> int:
    """What a move changes in the merchant's balance."""
    if move.step is Step.WITHDRAW:
        return -move.amount.minor - move.fee_minor
    return move.amount.minor if move.is_won else 0
