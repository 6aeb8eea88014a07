"""Proof of payments: each must agree with itself, and with its transfers in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from sycee.services.ledger.contract import Account, AccountId, Transfer, TransferFlags, TransferId
from sycee.services.payments.contract.disputes import Dispute
from sycee.services.payments.contract.intents import (
    BalanceTransaction,
    Charge,
    Payment,
    PaymentStatus,
    Refund,
)
from sycee.services.payments.domain import chart
from sycee.services.payments.domain.attempts import Attempt, Kind, Result
from sycee.services.payments.domain.disputes import DisputeMove

_RESOLVING = int(TransferFlags.POST_PENDING | TransferFlags.VOID_PENDING)
_PENDING = int(TransferFlags.PENDING)
_VOID = int(TransferFlags.VOID_PENDING)

Found = Mapping[TransferId, Transfer]


class Finding(NamedTuple):
    """One thing that is wrong: which row, and what."""

    row: str
    problem: str


class Tried(NamedTuple):
    """An attempt as kept."""

    attempt: Attempt
    closing: int | None
    """Its number in the order of endings; None while it is open."""


class Charged(NamedTuple):
    """A charge as kept, with the columns that the database guards."""

    charge: Charge
    captured: int
    refunded: int


class Booked(NamedTuple):
    """A balance transaction as kept."""

    transaction: BalanceTransaction
    net: int
    is_matured: bool


class Record(NamedTuple):
    """All that is kept of a payment, as of one instant."""

    payment: Payment
    status: str
    attempt: str | None
    attempts: tuple[Tried, ...]
    charges: tuple[Charged, ...]
    refunds: tuple[tuple[Refund, int, str], ...]
    """Each with its columns ``amount`` and ``status``."""
    booked: tuple[Booked, ...]
    disputes: tuple[Disputed, ...] = ()


class Disputed(NamedTuple):
    """A dispute as kept, with its columns and what it moves."""

    dispute: Dispute
    amount: int
    status: str
    moves: tuple[tuple[DisputeMove, int | None], ...]
    """Each with how far endings of attempts had come when it ended; None while it is open."""


class Moved(NamedTuple):
    """A maturing as kept, with what its transactions come to."""

    id: str
    of: chart.Chart
    net_minor: int
    closing: int | None
    """How far endings of attempts had come when it ended; None while it is open."""
    summed_minor: int


class Purse(NamedTuple):
    """What the balance transactions of one merchant, mode and currency come to."""

    of: chart.Chart
    pending: int
    available: int


class Sums:
    """What accounts should hold, counted from the transfers that payments knows of."""

    def __init__(self) -> None:
        self.of: dict[AccountId, list[int]] = {}

    def open(self, accounts: tuple[Account, ...]) -> None:
        """Count an account, even if nothing is in it."""
        for account in accounts:
            self.of.setdefault(account.id, [0, 0, 0, 0])

    def add(self, transfer: Transfer, pending: Transfer | None) -> None:
        """Count a transfer; one that resolves also gives back what it resolves."""
        if transfer.flags & _PENDING:
            self._move(transfer, transfer.amount, 0)
            return
        if pending is not None:
            self._move(pending, -pending.amount, 0)
        if not transfer.flags & _VOID:
            self._move(transfer, transfer.amount, 2)

    def _move(self, between: Transfer, amount: int, posted: int) -> None:
        self.of.setdefault(between.debit_account_id, [0, 0, 0, 0])[posted] += amount
        self.of.setdefault(between.credit_account_id, [0, 0, 0, 0])[posted + 1] += amount


def ids_of(attempt: Attempt) -> tuple[TransferId, ...]:
    """Every transfer that an attempt can ever have, and the reservation that it goes on with."""
    steps = ("reserve", "post", "sale", "fee", "hold", "repay", "void")
    own = tuple(chart.step_id(attempt.id, step) for step in steps)
    return own if attempt.original is None else (*own, chart.reserve_id(attempt.original))


def wrong_transfers(tried: Tried, is_due: bool, found: Found) -> Iterator[Finding]:
    """Where an attempt and the ledger differ.

    One that is due has exactly the transfers of its ending. Any other may lack some, as its next
    ones may be on their way; what it has must be those of one ending.
    """
    attempt = tried.attempt
    row = f"attempt {attempt.id} of payment {attempt.payment}"
    present = {id for id in own_ids(attempt) if id in found}
    endings = [_owed(attempt, done) for done in _ways(attempt)]
    if not any(present <= owed.keys() for owed in endings):
        yield Finding(row, f"the ledger has transfers that do not go together: {sorted(present)}")
        return
    for owed in endings:
        if is_due and (missing := owed.keys() - present):
            yield Finding(row, f"the ledger has no transfers {sorted(missing)}")
        for id in sorted(present & owed.keys()):
            if not is_same(owed[id], found[id]):
                yield Finding(row, f"transfer {id} in the ledger is another")


def own_ids(attempt: Attempt) -> tuple[TransferId, ...]:
    """Every transfer that an attempt itself can ever have."""
    return ids_of(msgspec.structs.replace(attempt, original=None))


def wrong_move(moved: Moved, is_due: bool, found: Found) -> Iterator[Finding]:
    """Where a maturing and the ledger differ."""
    row = f"maturing {moved.id}"
    if moved.net_minor != moved.summed_minor:
        yield Finding(row, f"moves {moved.net_minor}, its transactions are {moved.summed_minor}")
    for owed in chart.maturing(moved.id, moved.of, moved.net_minor):
        transfer = found.get(owed.id)
        if transfer is None and is_due:
            yield Finding(row, f"the ledger has no transfer {owed.id}")
        if transfer is not None and not is_same(owed, transfer):
            yield Finding(row, f"transfer {owed.id} in the ledger is another")


def wrong_balances(sums: Sums, accounts: Mapping[AccountId, Account]) -> Iterator[Finding]:
    """Accounts whose balances are not the sum of what payments knows of."""
    for id, counted in sums.of.items():
        account = accounts.get(id)
        held = [0, 0, 0, 0] if account is None else _balances(account)
        if held != counted:
            yield Finding(f"account {id}", f"its balances are {held}, payments knows of {counted}")


def wrong_purse(purse: Purse, accounts: Mapping[AccountId, Account]) -> Iterator[Finding]:
    """Where a merchant's balance is not the sum of its balance transactions; nothing being open."""
    for id, counted in ((purse.of.pending, purse.pending), (purse.of.available, purse.available)):
        account = accounts.get(id)
        held = 0 if account is None else chart.left_minor(account)
        if held != counted:
            yield Finding(f"account {id}", f"holds {held}, balance transactions come to {counted}")


def wrong_record(record: Record) -> Iterator[Finding]:
    """Where a payment does not agree with itself."""
    yield from _wrong_payment(record)
    for charged in record.charges:
        yield from _wrong_charge(charged, record)
    for refund, amount, status in record.refunds:
        yield from _wrong_refund(refund, amount, status, record)
    for booked in record.booked:
        yield from _wrong_booking(booked)


def _wrong_payment(record: Record) -> Iterator[Finding]:
    payment, row = record.payment, f"payment {record.payment.id}"
    if payment.status.value != record.status:
        yield Finding(row, f"its status is {record.status} and {payment.status.value}")
    open_ones = {tried.attempt.id for tried in record.attempts if tried.closing is None}
    under_way = {
        tried.attempt.id
        for tried in record.attempts
        if tried.closing is None and tried.attempt.kind is not Kind.REFUND
    }
    wanted = {record.attempt} if record.attempt else set()
    if under_way != wanted or bool(wanted) != (payment.status is PaymentStatus.PROCESSING):
        yield Finding(row, f"is {payment.status.value} with open attempts {sorted(open_ones)}")
    received = sum(each.captured for each in record.charges)
    if payment.amount_received_minor != received:
        yield Finding(row, f"received {payment.amount_received_minor}, captured {received}")
    if not _may_have(payment, received):
        yield Finding(row, f"is {payment.status.value} and has received {received}")


def _wrong_charge(charged: Charged, record: Record) -> Iterator[Finding]:
    charge, row = charged.charge, f"charge {charged.charge.id}"
    if (charge.amount_captured_minor, charge.amount_refunded_minor) != charged[1:]:
        yield Finding(row, f"its columns are {charged[1:]}, its body says otherwise")
    takings = sorted(
        tried.attempt.amount.minor
        for tried in record.attempts
        if tried.attempt.charge == charge.id and _took(tried.attempt)
    )
    taken = sum(takings)
    if taken != charged.captured:
        yield Finding(row, f"captured {charged.captured}, its attempts took {taken}")
    refunded = sum(
        amount
        for refund, amount, status in record.refunds
        if refund.charge == charge.id and status in ("pending", "succeeded")
    )
    if refunded != charged.refunded:
        yield Finding(row, f"refunded {charged.refunded}, its refunds are {refunded}")
    booked = [each for each in record.booked if each.transaction.source == charge.id]
    if sorted(each.transaction.amount.minor for each in booked) != takings:
        yield Finding(row, "its balance transactions do not agree with what was captured")


def _wrong_refund(refund: Refund, amount: int, status: str, record: Record) -> Iterator[Finding]:
    row = f"refund {refund.id}"
    if (refund.amount.minor, refund.status) != (amount, status):
        yield Finding(row, f"its columns are {amount} and {status}, its body says otherwise")
    tries = [tried for tried in record.attempts if tried.attempt.refund == refund.id]
    if len(tries) != 1 or (tries[0].closing is None) != (status == "pending"):
        yield Finding(row, f"is {status} with {len(tries)} attempts")
        return
    ending = tries[0].attempt.ending
    if ending is not None and (ending.result is Result.APPROVED) != (status == "succeeded"):
        yield Finding(row, f"is {status}, its attempt was {ending.result.value}")
    booked = sum(each.net for each in record.booked if each.transaction.source == refund.id)
    was_told = refund.balance_transaction is not None
    if booked != (-amount if was_told and status in ("pending", "succeeded") else 0):
        yield Finding(row, f"is {status} and changed the balance by {booked}")


def _wrong_booking(booked: Booked) -> Iterator[Finding]:
    transaction = booked.transaction
    row = f"balance transaction {transaction.id}"
    if booked.net != transaction.amount.minor - transaction.fee_minor:
        yield Finding(row, f"its net is {booked.net}, its body says otherwise")
    if booked.is_matured != (transaction.status == "available"):
        yield Finding(row, f"is {transaction.status}, its column says otherwise")


def _may_have(payment: Payment, received: int) -> bool:
    """Whether what was received goes with where the payment stands; part of it may be held."""
    if payment.status in (PaymentStatus.REQUIRES_CAPTURE, PaymentStatus.PROCESSING):
        rest = payment.amount_capturable_minor
        return not received or (rest > 0 and received + rest <= payment.amount.minor)
    return bool(received) == (payment.status is PaymentStatus.SUCCEEDED)


def _took(attempt: Attempt) -> bool:
    ending = attempt.ending
    took = attempt.kind in (Kind.PAY, Kind.CAPTURE)
    return took and ending is not None and ending.result is Result.APPROVED


def _ways(attempt: Attempt) -> tuple[bool, ...]:
    """How an attempt may end: done or not."""
    if attempt.ending is None:
        return (True, False)
    return (attempt.ending.result is Result.APPROVED,)


def _owed(attempt: Attempt, is_done: bool) -> dict[TransferId, Transfer]:
    if not attempt.is_sent:
        return {}
    ending = chart.completion(attempt) if is_done else chart.release(attempt)
    return {transfer.id: transfer for transfer in (*chart.reservation(attempt), *ending)}


def is_same(owed: Transfer, found: Transfer) -> bool:
    """Whether a transfer was recorded as it is derived; one that resolves takes the rest over."""
    if (owed.flags, owed.pending_id) != (found.flags, found.pending_id):
        return False
    if owed.flags & _RESOLVING:
        return bool(owed.flags & _VOID) or owed.amount == found.amount
    return msgspec.structs.replace(found, timestamp=0) == owed


def _balances(account: Account) -> list[int]:
    return [
        int(account.debits_pending),
        int(account.credits_pending),
        int(account.debits_posted),
        int(account.credits_posted),
    ]
