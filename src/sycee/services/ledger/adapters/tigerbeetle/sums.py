"""The trial balance: sums over all accounts at one instant, though they take many requests."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.tigerbeetle.messages import (
    EVENTS_MAX,
    RECORDS_MAX,
    Event,
    Kind,
)
from sycee.services.ledger.adapters.tigerbeetle.reads import Page, Reads
from sycee.services.ledger.contract import (
    Account,
    TrialBalance,
    TrialBalanceLine,
    TrialBalanceQuery,
)

TRIES = 3
_LEDGER_MAX = 2**32 - 1


async def trial_balance(reads: Reads, query: TrialBalanceQuery) -> TrialBalance:
    """The sums at the instant at which the last accounts were read.

    ``Unavailable`` when they never agree because accounts or transfers of the past are being
    imported meanwhile: these are not among the changes since.
    """
    ledger = query.ledger
    if ledger is not None and not 0 < ledger <= _LEDGER_MAX:
        return TrialBalance(())
    for _ in range(TRIES):
        lines = await _Scan(reads, ledger or 0).lines()
        if all(map(_is_balanced, lines)):
            return TrialBalance(lines)
    raise Unavailable("the books are being imported; ask for the trial balance after that")


def _is_balanced(line: TrialBalanceLine) -> bool:
    return (line.debits_pending, line.debits_posted) == (line.credits_pending, line.credits_posted)


class _Sums:
    """Of one ledger."""

    def __init__(self) -> None:
        self.accounts = 0
        self.debits_pending = 0
        self.debits_posted = 0
        self.credits_pending = 0
        self.credits_posted = 0

    def add(self, account: Account) -> None:
        self.accounts += 1
        self.debits_pending += account.debits_pending
        self.debits_posted += account.debits_posted
        self.credits_pending += account.credits_pending
        self.credits_posted += account.credits_posted


class _Scan:
    """Accounts, page by page; then what happened to each between its page and the last one."""

    def __init__(self, reads: Reads, ledger: int) -> None:
        self._reads = reads
        self._ledger = ledger
        self._sums: dict[int, _Sums] = {}
        self._last_accounts: list[int] = []
        self._read_at: list[int] = []

    async def lines(self) -> tuple[TrialBalanceLine, ...]:
        """In order of ledger number."""
        page = await self._reads.opened(1, self._ledger)
        self._take(page)
        while len(page.accounts) == RECORDS_MAX:
            page = await self._reads.opened(page.accounts[-1].timestamp + 1, self._ledger)
            self._take(page)
        await self._catch_up()
        return tuple(_line(ledger, self._sums[ledger]) for ledger in sorted(self._sums))

    def _take(self, page: Page) -> None:
        for account in page.accounts:
            self._sums.setdefault(account.ledger, _Sums()).add(account)
        if page.accounts:
            self._last_accounts.append(page.accounts[-1].timestamp)
            self._read_at.append(page.read_at)

    async def _catch_up(self) -> None:
        """Add what happened to accounts after their page was read, up to the last page."""
        if len(self._read_at) < 2:
            return
        first, last = self._read_at[0] + 1, self._read_at[-1]
        while first <= last:
            events = (await self._reads.events(first, last)).events
            await self._add(each for each in events if self._ledger in (0, each.debit.ledger))
            if len(events) < EVENTS_MAX:
                return
            first = events[-1].timestamp + 1

    async def _add(self, events: Iterable[Event]) -> None:
        """The effect of each event on each side that was read before it."""
        found = tuple(events)
        posted = [each.transfer.pending_id for each in found if each.kind == Kind.POSTED]
        reserved = {each.id: each.amount for each in await self._reads.transfers(posted)}
        for event in found:
            released = reserved.get(event.transfer.pending_id, U128(0))
            pending, moved = _effect(event, released)
            sums = self._sums[event.debit.ledger]
            if self._was_read_before(event, event.debit):
                sums.debits_pending += pending
                sums.debits_posted += moved
            if self._was_read_before(event, event.credit):
                sums.credits_pending += pending
                sums.credits_posted += moved

    def _was_read_before(self, event: Event, account: Account) -> bool:
        page = bisect_left(self._last_accounts, account.timestamp)
        return page < len(self._read_at) and self._read_at[page] < event.timestamp


def _effect(event: Event, reserved: int) -> tuple[int, int]:
    """What an event adds to pending and to posted balances of both sides."""
    amount = event.transfer.amount
    if event.kind == Kind.SINGLE_PHASE:
        return 0, amount
    if event.kind == Kind.PENDING:
        return amount, 0
    if event.kind == Kind.POSTED:
        return -reserved, amount
    return -amount, 0


def _line(ledger: int, sums: _Sums) -> TrialBalanceLine:
    return TrialBalanceLine(
        ledger=ledger,
        accounts=sums.accounts,
        debits_pending=U128(sums.debits_pending),
        credits_pending=U128(sums.credits_pending),
        debits_posted=U128(sums.debits_posted),
        credits_posted=U128(sums.credits_posted),
    )
