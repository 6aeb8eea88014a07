"""A run as steps of one chain, which the ledger does whole or not at all.

The sources of a move cannot be read first and written later: others move money too. So the chain
itself tries them. For a complete move the owner's pool account gives the amount away to begin with,
and owes it; each source in order then fills the pool with as much as the source has and the pool
still lacks (balancing transfers); and a transfer out of an empty account that may not be overdrawn,
of what the pool lacks in the end, fails the chain unless that is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sycee.kernel.money import Currency
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import AccountName, NamedAccount, Owner
from sycee.services.accounting.domain import chart
from sycee.services.accounting.domain.chains import (
    PENDING,
    UP_TO_CREDIT,
    UP_TO_DEBIT,
    Step,
    StepCode,
    checks,
    give_back,
)
from sycee.services.accounting.domain.chart import Inner
from sycee.services.accounting.domain.legs import Found
from sycee.services.accounting.domain.templates.binding import (
    BoundMove,
    BoundSource,
    Run,
    split,
)
from sycee.services.ledger.contract import ALL, Account, AccountId


class Taken(NamedTuple):
    """What was read of a move that splits what is there: the whole, and the sources it empties."""

    whole: int
    emptied: tuple[AccountName, ...]


def taken(
    move: BoundMove, found: Found, currency: Currency, read: Mapping[AccountId, Account]
) -> Taken:
    """What the sources of a move would give if nothing changed since they were read."""
    left = move.amount
    emptied: list[AccountName] = []
    whole = 0
    for source in move.sources:
        account = found[source.account, currency]
        there = _there(account, read[account.id])
        limits = [limit for limit in (source.up_to, left) if limit is not None]
        given = min([there, *limits])
        if all(given < limit for limit in limits):
            emptied.append(source.account)
        whole += given
        left = None if left is None else left - given
    return Taken(whole, tuple(emptied))


def _there(account: NamedAccount, read: Account) -> int:
    kept = max(chart.bounds(account).lower or 0, 0)
    held = int(read.credits_posted) - int(read.debits_posted) - int(read.debits_pending)
    return max(held - kept, 0)


def steps(owner: Owner, run: Run, found: Found, read: Mapping[AccountId, Account]) -> list[Step]:
    """All steps of a run. ``read`` holds the balances of sources that are split by percentages;
    when they have changed, the chain fails with ``COMPLETE`` or ``EXHAUSTED``."""
    compiler = _Compiler(owner, run.currency, found)
    for move in run.moves:
        compiler.add(move, read)
    return [*compiler.steps, *checks(owner, compiler.unchecked())]


class _Compiler:
    """Gathers steps, and the accounts whose bounds they may break."""

    def __init__(self, owner: Owner, currency: Currency, found: Found) -> None:
        self.steps: list[Step] = []
        self._within: Inner = chart.inner(owner, currency)
        self._currency = currency
        self._found = found
        self._touched: dict[AccountName, None] = {}
        self._held: list[int] = []

    def unchecked(self) -> Iterator[NamedAccount]:
        """Accounts whose bounds must be checked at the end."""
        return (self._account(name) for name in self._touched)

    def add(self, move: BoundMove, read: Mapping[AccountId, Account]) -> None:
        """The steps of one move."""
        if move.by_balance:
            there = taken(move, self._found, self._currency, read)
            self._hold(move)
            self._complete(move, there.whole)
            self._exhaust(there)
            self._release(move)
        elif move.complete and _is_plain(move):
            self._plain(move)
        else:
            self._hold(move)
            if move.complete:
                self._complete(move, move.amount or 0)
            else:
                self._partial(move)
            self._release(move)

    def _plain(self, move: BoundMove) -> None:
        """One source that gives whatever is wanted."""
        source = self._touch(move.sources[0].account)
        for share, part in zip(move.shares, split(move, move.amount or 0), strict=True):
            if part:
                self._step(source, self._touch(share.account), part)

    def _complete(self, move: BoundMove, whole: int) -> None:
        within = self._within
        self._step(within.pool, within.transit, whole, StepCode.SEED)
        for source in move.sources:
            self._fill(source, whole)
        self._step(within.floor, within.pool, ALL, StepCode.COMPLETE, UP_TO_DEBIT)
        for share, part in zip(move.shares, split(move, whole), strict=True):
            if part:
                self._step(within.transit, self._touch(share.account), part)

    def _partial(self, move: BoundMove) -> None:
        within = self._within
        if move.amount is None:
            for source in move.sources:
                limit = ALL if source.up_to is None else source.up_to
                self._step(self._source(source), within.transit, limit, flags=UP_TO_CREDIT)
        else:
            self._step(within.pool, within.transit, move.amount, StepCode.SEED)
            for source in move.sources:
                self._fill(source, move.amount)
            self._step(within.transit, within.pool, ALL, StepCode.REFUND, UP_TO_DEBIT)
        for share in sorted(move.shares, key=lambda share: share.fixed is None):
            limit = ALL if share.fixed is None else share.fixed
            self._step(within.transit, self._touch(share.account), limit, flags=UP_TO_CREDIT)

    def _fill(self, source: BoundSource, whole: int) -> None:
        """As much as the pool lacks and the source has."""
        limit = whole if source.up_to is None else min(source.up_to, whole)
        flags = UP_TO_DEBIT if source.unlimited else UP_TO_DEBIT | UP_TO_CREDIT
        self._step(self._source(source), self._within.pool, limit, flags=flags)

    def _exhaust(self, there: Taken) -> None:
        """Fail if a source that was to be emptied has got more since it was read."""
        for name in there.emptied:
            account, flags = self._account(name).id, PENDING | UP_TO_CREDIT
            self._step(account, self._within.ceiling, ALL, StepCode.EXHAUSTED, flags)
            self.steps.append(give_back(self.steps[-1]))

    def _hold(self, move: BoundMove) -> None:
        """Keep out of reach what a source must keep. It gives no more than what is there beyond, so
        its bounds need no check afterwards."""
        for source in move.sources:
            account = self._account(source.account)
            kept = chart.bounds(account).lower or 0
            if kept > 0 and not source.unlimited:
                flags = PENDING | UP_TO_CREDIT
                self._step(account.id, self._within.world, kept, StepCode.HOLD, flags)
                self._held.append(len(self.steps) - 1)

    def _release(self, move: BoundMove) -> None:
        for place in self._held:
            self.steps.append(give_back(self.steps[place], len(self.steps) - place))
        self._held.clear()

    def _source(self, source: BoundSource) -> AccountId:
        return self._touch(source.account) if source.unlimited else self._account(source.account).id

    def _touch(self, name: AccountName) -> AccountId:
        self._touched[name] = None
        return self._account(name).id

    def _account(self, name: AccountName) -> NamedAccount:
        return self._found[name, self._currency]

    def _step(
        self,
        debit: AccountId,
        credit: AccountId,
        amount: int,
        code: StepCode = StepCode.MOVE,
        flags: int = 0,
    ) -> None:
        self.steps.append(Step(debit, credit, U128(amount), self._within.ledger, code, flags))


def _is_plain(move: BoundMove) -> bool:
    only = move.sources[0]
    return len(move.sources) == 1 and only.unlimited and only.up_to is None
