"""Moving the books from one engine into another, and the proof that they are equal.

The source's change feed is recorded in the target as imported events, so that every account and
transfer keeps its id and its nanosecond. Two things cannot be imported, because an imported pending
transfer never ends by itself: an expiry is recorded as a transfer that voids, and what is pending
with a timeout at the end is renewed: recorded last, as of now, with the time that it has left. What
closed an account of those is renewed too, or the account would be closed to them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from sycee.kernel.clock import SECOND_NS, Clock
from sycee.kernel.ids import derived_number
from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    BATCH_MAX,
    Account,
    AccountFlags,
    AccountId,
    Accounts,
    Change,
    ChangeKind,
    CreateAccountResult,
    CreateTransferResult,
    Ledger,
    ListChanges,
    LookupAccounts,
    LookupTransfers,
    Transfer,
    TransferFlags,
    TransferId,
    Transfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.bits import CLOSING, IMPORTED, LINKED, expires_at
from sycee.services.ledger.domain.proof import Finding
from sycee.services.ledger.jobs import Progress

Event = TypeVar("Event", Account, Transfer)

_OPENED_IMPORTED: Final = int(AccountFlags.IMPORTED)
_ACCOUNT_IS_THERE: Final = frozenset(
    {
        CreateAccountResult.OK,
        CreateAccountResult.EXISTS,
        # When moved again: it was closed since. The proof compares the flags at the end.
        CreateAccountResult.EXISTS_WITH_DIFFERENT_FLAGS,
    }
)
_TRANSFER_IS_THERE: Final = frozenset({CreateTransferResult.OK, CreateTransferResult.EXISTS})


class MoveRefused(Exception):
    """The books cannot be moved as they are; the text says what stands in the way."""


class Moved(msgspec.Struct, frozen=True):
    """What a move did. No findings: the books are equal."""

    accounts: int
    transfers: int
    expiries: int
    """Recorded in the target as transfers that void."""
    renewed: int
    """Pending transfers, mostly with a timeout, that were recorded as of now."""
    findings: tuple[Finding, ...]


async def move(source: Ledger, target: Ledger, clock: Clock, progress: Progress) -> Moved:
    """Record all of the source in the target, then compare.

    The source must not be written meanwhile, and the target must hold nothing else. A move that
    broke off is taken up by moving again. ``MoveRefused`` leaves off where the target says no.
    ``progress`` hears of the changes done and the changes there are.
    """
    survey = await _survey(source)
    done = 0
    async for page in _pages(source):
        await _import(target, survey, page)
        done += len(page)
        progress(done, survey.changes)
    if await _has_more(source, survey):
        raise MoveRefused("the books went on being written: stop what writes, and move again")
    await _renew(target, survey, clock)
    found = [finding async for finding in _differences(source, target, survey)]
    open_ = len(survey.held)
    return Moved(len(survey.accounts), survey.transfers, survey.expiries, open_, tuple(found))


class _Survey:
    """What is in the feed: a first reading of it."""

    def __init__(self) -> None:
        self.accounts: list[AccountId] = []
        self.held: dict[TransferId, Transfer] = {}
        self.changes = self.transfers = self.expiries = self.last = 0

    def take(self, change: Change) -> None:
        self.changes += 1
        self.last = change.sequence
        if change.account is not None:
            self.accounts.append(change.account.id)
        if change.transfer is not None:
            self._take_transfer(change.kind, change.transfer)

    def _take_transfer(self, kind: ChangeKind, transfer: Transfer) -> None:
        if kind is ChangeKind.TRANSFER_EXPIRED:
            self.expiries += 1
            self.held.pop(transfer.id, None)
            return
        self.transfers += 1
        self.held.pop(transfer.pending_id, None)
        if transfer.timeout_s or transfer.flags & CLOSING:
            self.held[transfer.id] = transfer

    def settle(self) -> None:
        """All was taken: of what closes accounts, hold only what would stand in the way."""
        timed = {
            account
            for transfer in self.held.values()
            if transfer.timeout_s
            for account in (transfer.debit_account_id, transfer.credit_account_id)
        }
        self.held = {
            number: transfer
            for number, transfer in self.held.items()
            if transfer.timeout_s
            or not timed.isdisjoint((transfer.debit_account_id, transfer.credit_account_id))
        }


async def _survey(source: Ledger) -> _Survey:
    survey = _Survey()
    async for page in _pages(source):
        for change in page:
            survey.take(change)
    survey.settle()
    return survey


async def _pages(source: Ledger) -> AsyncIterator[Sequence[Change]]:
    """The feed, in pages that begin and end between chains."""
    after = 0
    rest: list[Change] = []
    while page := (await source.list_changes(ListChanges(after, BATCH_MAX))).changes:
        after = page[-1].sequence
        whole, rest = _cut([*rest, *page])
        if whole:
            yield whole
    assert not rest, "what was recorded holds whole chains"


def _cut(changes: list[Change]) -> tuple[list[Change], list[Change]]:
    """Up to the last chain's end, and what is left."""
    end = len(changes)
    while end and _is_linked(changes[end - 1]):
        end -= 1
    return changes[:end], changes[end:]


def _is_linked(change: Change) -> bool:
    if change.kind is ChangeKind.TRANSFER_EXPIRED:
        return False
    event = change.account or change.transfer
    return event is not None and bool(event.flags & LINKED)


async def _import(target: Ledger, survey: _Survey, page: Iterable[Change]) -> None:
    """First the accounts: a transfer refers to none that was opened after it."""
    accounts: list[Account] = []
    transfers: list[Transfer] = []
    for change in page:
        if change.account is not None:
            accounts.append(_imported_account(change.account))
        elif change.transfer is not None and change.transfer.id not in survey.held:
            transfers.append(_imported_transfer(change))
        elif transfers and not (change.transfer and change.transfer.flags & LINKED):
            # It was the end of a chain, which now ends before it.
            transfers[-1] = replace(transfers[-1], flags=transfers[-1].flags & ~LINKED)
    for some in _batches(accounts):
        opened = await target.create_accounts(Accounts(some))
        _check(some, opened.codes, _ACCOUNT_IS_THERE)
    for moved in _batches(transfers):
        results = await target.create_transfers(Transfers(moved))
        _check(moved, results.codes, _TRANSFER_IS_THERE)


def _imported_account(account: Account) -> Account:
    return replace(account, flags=account.flags | _OPENED_IMPORTED)


def _imported_transfer(change: Change) -> Transfer:
    transfer = change.transfer
    assert transfer is not None, "a change of this kind has its transfer"
    if change.kind is ChangeKind.TRANSFER_EXPIRED:
        return Transfer(
            id=TransferId(U128(derived_number(str(transfer.id), "expired"))),
            flags=int(TransferFlags.VOID_PENDING) | IMPORTED,
            pending_id=transfer.id,
            timestamp=change.timestamp,
        )
    return replace(transfer, flags=transfer.flags | IMPORTED, timeout_s=0)


def _batches(events: list[Event]) -> Iterable[tuple[Event, ...]]:
    """As large as may be, and never cutting a chain."""
    begin = 0
    while begin < len(events):
        end = min(begin + BATCH_MAX, len(events))
        while end < len(events) and events[end - 1].flags & LINKED:
            end -= 1
        yield tuple(events[begin:end])
        begin = end


def _check(events: Sequence[Event], codes: Sequence[int], good: frozenset[int]) -> None:
    for event, code in zip(events, codes, strict=True):
        if code not in good:
            name = _name(event, code)
            raise MoveRefused(f"the target answers {name} to {_kind(event)} {event.id}")


def _kind(event: Account | Transfer) -> str:
    return "account" if isinstance(event, Account) else "transfer"


def _name(event: Account | Transfer, code: int) -> str:
    kind = CreateAccountResult if isinstance(event, Account) else CreateTransferResult
    return kind(code).name.lower()


async def _has_more(source: Ledger, survey: _Survey) -> bool:
    return bool((await source.list_changes(ListChanges(survey.last, 1))).changes)


async def _renew(target: Ledger, survey: _Survey, clock: Clock) -> None:
    """Record what was held back; what an earlier move renewed stays as it is."""
    for some in _batches([*survey.held.values()]):
        known = await target.lookup_transfers(LookupTransfers(tuple(each.id for each in some)))
        there = {each.id for each in known.transfers}
        missing = [_renewed(each, clock.now()) for each in some if each.id not in there]
        results = await target.create_transfers(Transfers(tuple(missing)))
        _check(missing, results.codes, _TRANSFER_IS_THERE)


def _renewed(pending: Transfer, now: int) -> Transfer:
    flags = pending.flags & ~(LINKED | IMPORTED)
    if not pending.timeout_s:
        return replace(pending, flags=flags, timestamp=0)
    left_ns = expires_at(pending.timestamp, pending.timeout_s) - now
    timeout_s = max(1, -(-left_ns // SECOND_NS))
    return replace(pending, flags=flags, timeout_s=timeout_s, timestamp=0)


async def _differences(source: Ledger, target: Ledger, survey: _Survey) -> AsyncIterator[Finding]:
    """What is not the same in both: the sums of each ledger, and each account."""
    ours = await source.trial_balance(TrialBalanceQuery())
    theirs = await target.trial_balance(TrialBalanceQuery())
    for number, line, other in _unequal(
        {one.ledger: one for one in ours.lines}, {one.ledger: one for one in theirs.lines}
    ):
        yield Finding(f"ledger {number}", f"{line} became {other}")
    for begin in range(0, len(survey.accounts), BATCH_MAX):
        query = LookupAccounts(tuple(survey.accounts[begin : begin + BATCH_MAX]))
        before, after = await source.lookup_accounts(query), await target.lookup_accounts(query)
        for number, old, new in _unequal(_by_id(before), _by_id(after)):
            yield Finding(f"account {number}", f"{old} became {new}")


def _by_id(found: Accounts) -> dict[int, Account]:
    return {one.id: replace(one, flags=one.flags & ~_OPENED_IMPORTED) for one in found.accounts}


_Thing = TypeVar("_Thing")


def _unequal(
    ours: Mapping[int, _Thing], theirs: Mapping[int, _Thing]
) -> Iterable[tuple[int, _Thing | None, _Thing | None]]:
    """What differs, or is on one side alone."""
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key), theirs.get(key)
        if one != other:
            yield key, one, other
