"""Statements, the trial balance, and the feed of changes."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from sycee.gateway.api.ledger.accounts import ONE, asked_account, render_named, render_sums
from sycee.gateway.api.ledger.shapes import (
    LONG_S,
    PATH,
    SCOPE,
    SEERS,
    Owned,
    Paged,
    When,
    owner,
    paged,
    shown,
)
from sycee.gateway.api.ledger.times import instant, instant_or_none, written
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.shapes import Public, answer
from sycee.kernel.clock import SECOND_NS, Instant
from sycee.runtime import deadline
from sycee.services.accounting.contract import (
    Accounting,
    GetStatement,
    GetTrialBalance,
    ListOwnChanges,
    OwnChange,
    OwnTrialBalance,
    Side,
    Statement,
    StatementLine,
    TrialTotal,
)

CHANGES = f"{PATH}/changes"
CSV = b"text/csv; charset=utf-8"
COLUMNS = (
    "recorded",
    "effective",
    "transaction",
    "transfer",
    "counterpart",
    "debit",
    "credit",
    "balance",
    "currency",
)
PAGE = 500
"""Lines of a statement that are asked for at a time, when all are wanted."""
LOOK_EVERY_S = 0.5
WAIT_S_MAX = 20
_EARLIEST = Instant(1)
_LATEST = Instant(7_000_000_000 * SECOND_NS)


class AskingStatement(Paged, frozen=True, kw_only=True):
    """From when (inclusive) to when (exclusive); left out, everything."""

    start: When | None = None
    end: When | None = None
    format: Literal["json", "csv"] = "json"
    """``csv`` answers the whole statement at once, without pages."""


class AskingTrialBalance(Owned, frozen=True, kw_only=True):
    """When; left out, now."""

    at: When | None = None


class ListingChanges(Owned, frozen=True, kw_only=True):
    """What happened after a cursor, and how long to wait for it."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    wait: Annotated[int, Meta(ge=0, le=WAIT_S_MAX)] = 0
    """Seconds to wait when nothing has happened yet."""


class LedgerReports:
    """What the books say."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        who, scope, sums = SEERS, SCOPE, "ledger_trial_balance"
        trial = f"GET {PATH}/trial_balance"
        return [
            route(
                f"GET {ONE}/statement",
                self.statement,
                AskingStatement,
                answers="ledger_statement",
                roles=who,
                scope=scope,
                also=frozenset({b"text/csv"}),
            ),
            route(
                trial, self.trial_balance, AskingTrialBalance, answers=sums, roles=who, scope=scope
            ),
            route(
                f"GET {CHANGES}",
                self.changes,
                ListingChanges,
                answers="page of ledger_change",
                roles=who,
                scope=scope,
            ),
        ]

    async def statement(self, request: Request, given: AskingStatement) -> Answer:
        """Retrieve an account's statement: a page as JSON, or the whole of it as CSV."""
        name, code = asked_account(request)
        start = _EARLIEST if given.start is None else instant(given.start, "start")
        end = _LATEST if given.end is None else instant(given.end, "end")
        whose = owner(request, given)
        query = GetStatement(whose, name, code, start, end, given.after, given.limit)
        if given.format == "json":
            return answer(render_statement(await self._accounting.get_statement(query)))
        query = replace(query, after="", limit=PAGE)
        first = await self._accounting.get_statement(query)
        head = [COLUMNS, _sums_row("opening", first.opening.balance_minor, code.lower())]
        return Answer(200, _rows(head), CSV, (_attachment(name, code),), self._lines(query, first))

    async def _lines(self, query: GetStatement, page: Statement) -> AsyncIterator[bytes]:
        code = query.currency.lower()
        while True:
            yield _rows(_line_row(line, code) for line in page.lines)
            if not page.next:
                yield _rows([_sums_row("closing", page.closing.balance_minor, code)])
                return
            page = await self._accounting.get_statement(replace(query, after=page.next))

    async def trial_balance(self, request: Request, given: AskingTrialBalance) -> Answer:
        """Retrieve every account's balance at one instant, and the sums per currency."""
        query = GetTrialBalance(owner(request, given), instant_or_none(given.at, "at"))
        with deadline.within(LONG_S):
            found = await self._accounting.get_trial_balance(query)
        return answer(render_trial_balance(found))

    async def changes(self, request: Request, given: ListingChanges) -> Answer:
        """List what happened to the accounts, in order, after a cursor."""
        query = ListOwnChanges(owner(request, given), given.after, given.limit)
        loop = asyncio.get_running_loop()
        until = loop.time() + given.wait
        while True:
            found = await self._accounting.list_own_changes(query)
            query = replace(query, after=found.next)
            if found.changes or (found.is_end and loop.time() + LOOK_EVERY_S > until):
                break
            if found.is_end:
                await asyncio.sleep(LOOK_EVERY_S)
        following, has_more = str(found.next), not found.is_end
        return answer(paged(CHANGES, found.changes, following, has_more, render_change))


def render_statement(statement: Statement) -> Public:
    """A page of a statement."""
    return {
        "object": "ledger_statement",
        "opening": render_sums(statement.opening),
        "lines": [_render_line(line) for line in statement.lines],
        "closing": render_sums(statement.closing),
        "has_more": bool(statement.next),
        "next": statement.next or None,
    }


def _render_line(line: StatementLine) -> Public:
    return {
        "transfer": str(int(line.transfer)),
        "transaction": line.transaction,
        "recorded": written(line.recorded),
        "effective": written(line.effective),
        "side": line.side.value,
        "amount": int(line.amount_minor),
        "balance": int(line.balance),
        "counterpart": line.counterpart,
        "metadata": shown(line.metadata),
    }


def render_trial_balance(found: OwnTrialBalance) -> Public:
    """Every balance at one instant."""
    return {
        "object": "ledger_trial_balance",
        "at": written(found.at),
        "totals": [_render_total(total) for total in found.totals],
        "balances": [render_sums(balance) for balance in found.balances],
    }


def _render_total(total: TrialTotal) -> Public:
    return {
        "currency": total.currency.lower(),
        "accounts": total.accounts,
        "debits": int(total.debits),
        "credits": int(total.credits),
    }


def render_change(change: OwnChange) -> Public:
    """One thing that happened."""
    is_transfer = change.transfer is not None
    return {
        "object": "ledger_change",
        "sequence": change.sequence,
        "kind": change.kind.value,
        "recorded": written(change.recorded),
        "account": None if change.account is None else render_named(change.account),
        "transfer": None if change.transfer is None else str(int(change.transfer)),
        "transaction": change.transaction,
        "debit": change.debit,
        "credit": change.credit,
        "amount": int(change.amount_minor) if is_transfer else None,
        "currency": None if change.currency is None else change.currency.lower(),
        "pending": change.is_pending if is_transfer else None,
    }


def _line_row(line: StatementLine, code: str) -> tuple[object, ...]:
    is_debit = line.side is Side.DEBIT
    return (
        written(line.recorded),
        written(line.effective),
        line.transaction or "",
        int(line.transfer),
        line.counterpart or "",
        int(line.amount_minor) if is_debit else "",
        "" if is_debit else int(line.amount_minor),
        line.balance,
        code,
    )


def _sums_row(word: str, balance: int, code: str) -> tuple[object, ...]:
    return (word, "", "", "", "", "", "", balance, code)


def _rows(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _attachment(name: str, code: str) -> tuple[bytes, bytes]:
    file = f"{name.replace(':', '-')}-{code.lower()}.csv"
    return b"content-disposition", f'attachment; filename="{file}"'.encode()
