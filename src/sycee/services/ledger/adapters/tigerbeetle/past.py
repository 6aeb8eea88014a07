"""An account as it stood at an instant, from the change events that carry every balance.

Each event holds both accounts as it left them. So the last event of an account up to an instant
tells its balances, but events are found by account only through transfers, and an expiry is none.
Where one may lie between, what the account is like before its next transfer says whether it did,
and only then is it searched for, from the time at which it was due.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.tigerbeetle.messages import RECORDS_MAX, Event, Kind
from sycee.services.ledger.adapters.tigerbeetle.reads import Reads
from sycee.services.ledger.contract import Account, Transfer, TransferId
from sycee.services.ledger.domain.bits import (
    CLOSED,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    HISTORY,
    PENDING,
    expires_at,
)


async def account_at(reads: Reads, now: Account, at: int) -> Account:
    """An account that exists, as it stood right after nanosecond ``at``."""
    if now.flags & HISTORY:
        last = await reads.last_balance_of(now.id, at)
        return (await reads.event(last)).side(now.id) if last else await as_opened(reads, now)
    latest = await reads.transfers_of(now.id, last=at, limit=1, latest=True)
    if not latest:
        return await as_opened(reads, now)
    past = (await reads.event(latest[0].timestamp)).side(now.id)
    if not _may_change_by_itself(past):
        return past
    later = await _before_next(reads, now, at)
    if _is_alike(past, later):
        return past
    return await _without_expired(reads, past, later, latest[0].timestamp, at)


async def as_opened(reads: Reads, now: Account) -> Account:
    """The account as it was opened. One that was opened closed has never had a transfer."""
    flags = now.flags
    if flags & CLOSED and await reads.transfers_of(now.id, limit=1):
        flags &= ~CLOSED
    nothing = U128(0)
    return replace(
        now,
        flags=flags,
        debits_pending=nothing,
        debits_posted=nothing,
        credits_pending=nothing,
        credits_posted=nothing,
    )


def _may_change_by_itself(account: Account) -> bool:
    return bool(account.debits_pending or account.credits_pending or account.flags & CLOSED)


def _is_alike(one: Account, other: Account) -> bool:
    """Whether no expiry lies between; they only take away, so nothing cancels out."""
    return (one.debits_pending, one.credits_pending, one.flags) == (
        other.debits_pending,
        other.credits_pending,
        other.flags,
    )


async def _before_next(reads: Reads, now: Account, at: int) -> Account:
    """The account just before its first transfer after ``at``; ``now`` when there is none."""
    following = await reads.transfers_of(now.id, first=at + 1, limit=1)
    if not following:
        return now
    event = await reads.event(following[0].timestamp)
    reserved = event.transfer
    if event.kind in (Kind.POSTED, Kind.VOIDED):
        reserved = (await reads.transfers((event.transfer.pending_id,)))[0]
    return _taken_back(event, reserved, now.id)


def _taken_back(event: Event, reserved: Transfer, account: int) -> Account:
    """One side of an event before it happened; its pending balances and flags alone."""
    after = event.side(account)
    is_debit = event.debit.id == account
    closes = reserved.flags & (CLOSING_DEBIT if is_debit else CLOSING_CREDIT)
    if event.kind == Kind.PENDING:
        flags = after.flags & ~CLOSED if closes else after.flags
        return _pending_changed(after, is_debit, -reserved.amount, flags)
    if event.kind in (Kind.POSTED, Kind.VOIDED):
        reopened = closes and event.kind == Kind.VOIDED
        flags = after.flags | CLOSED if reopened else after.flags
        return _pending_changed(after, is_debit, reserved.amount, flags)
    return after


def _pending_changed(account: Account, is_debit: bool, by: int, flags: int) -> Account:
    if is_debit:
        return replace(account, flags=flags, debits_pending=U128(account.debits_pending + by))
    return replace(account, flags=flags, credits_pending=U128(account.credits_pending + by))


class _Candidate(NamedTuple):
    """A pending transfer that may have expired, and from when."""

    transfer: Transfer
    due: int


async def _without_expired(
    reads: Reads, past: Account, later: Account, since: int, at: int
) -> Account:
    """The account less what expired after its event of ``since`` and by ``at``."""
    candidates = {
        candidate.transfer.id: candidate
        for candidate in await _candidates(reads, past, since)
        if candidate.due <= at
    }
    first = _next_due(candidates, since + 1)
    while candidates and first <= at and not _is_alike(past, later):
        page = (await reads.events(first, at)).events
        for event in page:
            if event.kind == Kind.EXPIRED and event.transfer.id in candidates:
                del candidates[event.transfer.id]
                past = _expired(past, event)
        if not page or not candidates:
            break
        first = _next_due(candidates, page[-1].timestamp + 1)
    return past


def _next_due(candidates: Mapping[TransferId, _Candidate], first: int) -> int:
    """Where to look on: before the earliest is due there is nothing to find."""
    return max(first, min((each.due for each in candidates.values()), default=first))


def _expired(account: Account, event: Event) -> Account:
    is_debit = event.debit.id == account.id
    closed = event.transfer.flags & (CLOSING_DEBIT if is_debit else CLOSING_CREDIT)
    flags = account.flags & ~CLOSED if closed else account.flags
    return _pending_changed(account, is_debit, -event.transfer.amount, flags)


async def _candidates(reads: Reads, past: Account, since: int) -> list[_Candidate]:
    """Pending transfers with a timeout that may have been open at ``since``, going back until
    those that surely were make up all that was pending then."""
    open_ = _Open(past, since)
    last = since
    while True:
        page = await reads.transfers_of(past.id, last=last, latest=True)
        for transfer in page:
            open_.take(transfer)
        if len(page) < RECORDS_MAX or open_.is_all:
            return list(open_.candidates())
        last = page[-1].timestamp - 1


class _Open:
    """What was pending of an account at an instant, found going back in time."""

    def __init__(self, account: Account, at: int) -> None:
        self._account = account
        self._at = at
        self._unexplained = account.debits_pending + account.credits_pending
        self._is_closing_known = not account.flags & CLOSED
        self._resolved: set[int] = set()
        self._found: list[_Candidate] = []

    @property
    def is_all(self) -> bool:
        """Whether nothing further back can have been pending still."""
        return not self._unexplained and self._is_closing_known

    def candidates(self) -> Iterator[_Candidate]:
        """Those that end by themselves."""
        return iter(self._found)

    def take(self, transfer: Transfer) -> None:
        """The transfer before those taken so far."""
        if not transfer.flags & PENDING:
            self._resolved.add(transfer.pending_id)
        elif transfer.id not in self._resolved:
            self._take_unresolved(transfer)

    def _take_unresolved(self, transfer: Transfer) -> None:
        due = expires_at(transfer.timestamp, transfer.timeout_s) if transfer.timeout_s else 0
        if due:
            self._found.append(_Candidate(transfer, due))
        if due and due <= self._at:
            return
        self._unexplained -= transfer.amount
        is_debit = transfer.debit_account_id == self._account.id
        if transfer.flags & (CLOSING_DEBIT if is_debit else CLOSING_CREDIT):
            self._is_closing_known = True
