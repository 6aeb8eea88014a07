"""The reference model as books that a journal feeds: slow, plain, and right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sycee.services.ledger.contract import (
    Accounts,
    BalancesAt,
    Changes,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Transfers,
    TrialBalance,
    TrialBalanceLine,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.entry import Call, Entry, apply


class EngineMissing(Exception):
    """What the engine needs is not there, or is of another release; the text says what to do."""


class Reading(Protocol):
    """Books that answer as they stand. What each answers is said by the contract."""

    def lookup_accounts(self, query: LookupAccounts) -> Accounts: ...
    def lookup_transfers(self, query: LookupTransfers) -> Transfers: ...
    def list_transfers(self, query: ListTransfers) -> Transfers: ...
    def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance: ...
    def balances_at(self, query: BalancesAt) -> Accounts: ...
    def list_changes(self, query: ListChanges) -> Changes: ...


class Engine(Reading, Protocol):
    """Books that change by entries and by nothing else; the same entries give the same books."""

    @property
    def timestamp(self) -> int:
        """The last nanosecond that was given away."""
        ...

    def apply(self, begin: int, calls: Sequence[Call]) -> Entry:
        """Apply calls together, beginning at nanosecond ``begin``, later than ``timestamp``.

        First expires what is due by then. The entry's body is the journal's."""
        ...

    def is_due(self, timestamp: int) -> bool:
        """Whether a pending transfer expires by ``timestamp``."""
        ...

    def breaches(self) -> list[str]:
        """What must always hold, and does not: looked at often, so it takes little time."""
        ...


def unequal(lines: Sequence[TrialBalanceLine]) -> list[str]:
    """Which ledgers' debits do not equal their credits."""
    return [
        f"ledger {line.ledger}: debits are not equal to credits"
        for line in lines
        if line.debits_pending != line.credits_pending or line.debits_posted != line.credits_posted
    ]


class ReferenceEngine:
    """Keeps ``Engine`` by the reference model."""

    def __init__(self, books: Books) -> None:
        self.books = books

    @property
    def timestamp(self) -> int:
        return self.books.timestamp

    def apply(self, begin: int, calls: Sequence[Call]) -> Entry:
        return apply(self.books, begin, calls)

    def is_due(self, timestamp: int) -> bool:
        return self.books.next_due(timestamp) is not None

    def breaches(self) -> list[str]:
        return unequal(self.trial_balance(TrialBalanceQuery()).lines)

    def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        return read.lookup_accounts(self.books, query)

    def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        return read.lookup_transfers(self.books, query)

    def list_transfers(self, query: ListTransfers) -> Transfers:
        return read.list_transfers(self.books, query)

    def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return read.trial_balance(self.books, query)

    def balances_at(self, query: BalancesAt) -> Accounts:
        return read.balances_at(self.books, query)

    def list_changes(self, query: ListChanges) -> Changes:
        return read.list_changes(self.books, query)
