"""Keeps the contract about statements, trial balances and changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sycee.kernel.clock import Instant
from sycee.services.accounting.contract import (
    Balance,
    GetAccount,
    GetStatement,
    GetTrialBalance,
    ListOwnChanges,
    NamedAccount,
    OwnChange,
    OwnChanges,
    Owner,
    OwnTrialBalance,
    Statement,
    StatementLine,
    TimeInvalid,
    Transaction,
)
from sycee.services.accounting.domain import entries, movements, names
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.marks import Marks
from sycee.services.accounting.service.parts import PAGE_MAX, Parts, within
from sycee.services.accounting.store import entries as rows
from sycee.services.ledger.contract import (
    BATCH_MAX,
    AccountId,
    Change,
    ListChanges,
    ListTransfers,
    Transfer,
    TransferId,
)

PAGES_MAX = 20
"""Pages of the ledger looked through in one call for what is an owner's own."""


class ReportsService:
    """What the ledger knows, told in an owner's names."""

    def __init__(self, parts: Parts, accounts: AccountsService, marks: Marks) -> None:
        self._parts = parts
        self._accounts = accounts
        self._marks = marks

    async def get_statement(self, query: GetStatement) -> Statement:
        names.check_instant(query.start, "start")
        names.check_instant(query.end, "end")
        if query.end < query.start:
            raise TimeInvalid("The span ends before it begins.", param="end")
        account = await self._accounts.get_account(
            GetAccount(query.owner, query.account, query.currency)
        )
        begin = query.start - 1
        place = max(_place(query.after), begin)
        transfers, place_after = await self._movements(
            account, place, query.end, within(query.limit)
        )
        opening, before, closing = [
            (await self._accounts.balances([account], at))[0]
            for at in (begin, place, query.end - 1)
        ]
        lines = await self._lines(query.owner, account, before, transfers)
        return Statement(opening, lines, closing, str(place_after) if place_after else "")

    async def get_trial_balance(self, query: GetTrialBalance) -> OwnTrialBalance:
        accounts = await self._accounts.all(query.owner)
        at = query.at
        if at is None and len(accounts) > BATCH_MAX:
            at = await self._marks.now(query.owner)
        balances: list[Balance] = []
        for first in range(0, len(accounts), BATCH_MAX):
            balances += await self._accounts.balances(accounts[first : first + BATCH_MAX], at)
        if at is None:
            at = self._parts.clock.now()
        return OwnTrialBalance(at, movements.totals(balances), tuple(balances))

    async def list_own_changes(self, query: ListOwnChanges) -> OwnChanges:
        limit, after = within(query.limit), max(query.after, 0)
        found: list[OwnChange] = []
        for _ in range(PAGES_MAX):
            page = await self._parts.ledger.list_changes(ListChanges(after, PAGE_MAX))
            for change in await self._own(query.owner, page.changes):
                found.append(change)
                if len(found) == limit:
                    return OwnChanges(tuple(found), change.sequence, False)
            after = page.changes[-1].sequence if page.changes else after
            if len(page.changes) < PAGE_MAX:
                return OwnChanges(tuple(found), after, True)
        return OwnChanges(tuple(found), after, False)

    async def _own(self, owner: Owner, changes: Sequence[Change]) -> list[OwnChange]:
        transfers = [each.transfer for each in changes if each.transfer is not None]
        ids = {each.account.id for each in changes if each.account is not None}
        accounts = await self._accounts.by_ids(owner, ids | _accounts(transfers))
        key, recorded = names.owner_key(owner), [transfer.id for transfer in transfers]
        # Known from before the ledger was asked: a change that is seen at once has its transaction.
        known = await self._parts.database.read(
            lambda session: rows.transactions_of(session, key, recorded)
        )
        own = (movements.own_change(change, accounts, known) for change in changes)
        return [change for change in own if change is not None]

    async def _movements(
        self, account: NamedAccount, after: int, end: Instant, limit: int
    ) -> tuple[list[Transfer], int]:
        """Up to ``limit`` movements before ``end``, and where to go on; 0 when that was all."""
        found: list[Transfer] = []
        while True:
            page = await self._parts.ledger.list_transfers(
                ListTransfers(account.id, after, PAGE_MAX)
            )
            for transfer in page.transfers:
                if transfer.timestamp >= end:
                    return found, 0
                after = transfer.timestamp
                if movements.is_movement(transfer):
                    found.append(transfer)
                if len(found) == limit:
                    return found, after
            if len(page.transfers) < PAGE_MAX:
                return found, 0

    async def _lines(
        self, owner: Owner, account: NamedAccount, balance: Balance, transfers: Sequence[Transfer]
    ) -> tuple[StatementLine, ...]:
        accounts = await self._accounts.by_ids(owner, _accounts(transfers))
        transactions = await self._transactions(owner, transfers)
        lines: list[StatementLine] = []
        for transfer in transfers:
            balance = movements.after(balance, account, transfer)
            transaction = transactions[transfer.id]
            lines.append(movements.line(transfer, account, balance, accounts, transaction))
        return tuple(lines)

    async def _transactions(
        self, owner: Owner, transfers: Sequence[Transfer]
    ) -> Mapping[TransferId, Transaction | None]:
        """The transactions that transfers belong to, as far as they are known and posted."""
        key = names.owner_key(owner)
        ids = [transfer.id for transfer in transfers]
        known = await self._parts.database.read(lambda s: rows.transactions_of(s, key, ids))
        wanted = list(dict.fromkeys(known.values()))
        found = await self._parts.database.read(lambda s: rows.by_ids(s, key, wanted))
        posted = {
            id: entries.answer(entry)
            for id, entry in found.items()
            if entry.state is entries.State.POSTED
        }
        return {id: posted.get(known[id]) if id in known else None for id in ids}


def _accounts(transfers: Iterable[Transfer]) -> set[AccountId]:
    return {id for each in transfers for id in (each.debit_account_id, each.credit_account_id)}


def _place(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
