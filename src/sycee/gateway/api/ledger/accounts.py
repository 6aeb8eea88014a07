"""``/api/ledger/accounts`` and ``/balances``: accounts with names, and how they stand."""

from __future__ import annotations

import msgspec

from sycee.gateway.api.ledger.shapes import (
    PATH,
    SCOPE,
    SEERS,
    Bound,
    Code,
    MetadataGiven,
    Name,
    Owned,
    Paged,
    When,
    code_of,
    metadata,
    owner,
    paged,
    shown,
)
from sycee.gateway.api.ledger.times import instant_or_none, written
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.shapes import Public, answer
from sycee.kernel.money import Currency
from sycee.services.accounting.contract import (
    Accounting,
    AccountKind,
    AccountName,
    AccountRef,
    Balance,
    GetAccount,
    GetBalances,
    ListAccounts,
    NamedAccount,
    OpenAccount,
)

ACCOUNTS = f"{PATH}/accounts"
ONE = f"{ACCOUNTS}/{{account}}/{{currency}}"
BALANCES = f"{PATH}/balances"


class OpeningAccount(msgspec.Struct, frozen=True):
    """A new account; the same again answers the one that exists."""

    name: Name
    """Parts joined by colons: ``merchants:acme:available``."""
    currency: Code
    kind: AccountKind
    lower: Bound | None = None
    """The balance never falls below it, in minor units."""
    upper: Bound | None = None
    """The balance never rises above it, in minor units."""
    metadata: MetadataGiven | None = None


class ListingAccounts(Paged, frozen=True, kw_only=True):
    """Which accounts."""

    prefix: Name = ""


class ListingBalances(ListingAccounts, frozen=True, kw_only=True):
    """Which accounts, and when."""

    at: When | None = None


class AskingBalance(Owned, frozen=True, kw_only=True):
    """When; left out, now."""

    at: When | None = None


class LedgerAccounts:
    """Opening accounts and reading them."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        one, sums, who, scope = "ledger_account", "ledger_balance", SEERS, SCOPE
        many, all_sums = f"page of {one}", f"page of {sums}"
        return [
            route(f"POST {ACCOUNTS}", self.open, OpeningAccount, answers=one, scope=scope),
            route(
                f"GET {ACCOUNTS}",
                self.list_page,
                ListingAccounts,
                answers=many,
                roles=who,
                scope=scope,
            ),
            route(f"GET {ONE}", self.retrieve, Owned, answers=one, roles=who, scope=scope),
            route(
                f"GET {ONE}/balance",
                self.balance,
                AskingBalance,
                answers=sums,
                roles=who,
                scope=scope,
            ),
            route(
                f"GET {BALANCES}",
                self.list_balances,
                ListingBalances,
                answers=all_sums,
                roles=who,
                scope=scope,
            ),
        ]

    async def open(self, request: Request, given: OpeningAccount) -> Answer:
        """Open an account, once per name and currency."""
        command = OpenAccount(
            owner(request),
            AccountName(given.name),
            code_of(given.currency),
            given.kind,
            given.lower,
            given.upper,
            metadata(given.metadata),
        )
        return answer(render_named(await self._accounting.open_account(command)))

    async def list_page(self, request: Request, given: ListingAccounts) -> Answer:
        """List accounts in order of name and currency."""
        query = ListAccounts(owner(request, given), given.prefix, given.after, given.limit)
        found = await self._accounting.list_accounts(query)
        has_more = bool(found.next)
        return answer(paged(ACCOUNTS, found.accounts, found.next, has_more, render_named))

    async def retrieve(self, request: Request, given: Owned) -> Answer:
        """Retrieve an account."""
        name, code = asked_account(request)
        query = GetAccount(owner(request, given), name, code)
        return answer(render_named(await self._accounting.get_account(query)))

    async def balance(self, request: Request, given: AskingBalance) -> Answer:
        """Retrieve a balance, now or at an instant of the past."""
        name, code = asked_account(request)
        at = instant_or_none(given.at, "at")
        query = GetBalances(owner(request, given), (AccountRef(name, code),), at)
        (found,) = (await self._accounting.get_balances(query)).balances
        return answer(render_sums(found))

    async def list_balances(self, request: Request, given: ListingBalances) -> Answer:
        """List balances of accounts, now or at an instant of the past."""
        whose, at = owner(request, given), instant_or_none(given.at, "at")
        page = await self._accounting.list_accounts(
            ListAccounts(whose, given.prefix, given.after, given.limit)
        )
        refs = tuple(AccountRef(each.name, each.currency) for each in page.accounts)
        found = await self._accounting.get_balances(GetBalances(whose, refs, at))
        has_more = bool(page.next)
        return answer(paged(BALANCES, found.balances, page.next, has_more, render_sums))


def asked_account(request: Request) -> tuple[AccountName, Currency]:
    """The account that a path names."""
    return AccountName(request.arguments["account"]), code_of(request.arguments["currency"])


def render_named(account: NamedAccount) -> Public:
    """An account."""
    return {
        "id": str(int(account.id)),
        "object": "ledger_account",
        "name": account.name,
        "currency": account.currency.lower(),
        "kind": account.kind.value,
        "lower": account.lower_minor,
        "upper": account.upper_minor,
        "metadata": shown(account.metadata),
        "opened": written(account.opened),
    }


def render_sums(balance: Balance) -> Public:
    """An account's balance, and the sums behind it."""
    return {
        "object": "ledger_balance",
        "account": balance.name,
        "currency": balance.currency.lower(),
        "kind": balance.kind.value,
        "balance": balance.balance_minor,
        "debits": int(balance.debits),
        "credits": int(balance.credits),
        "debits_pending": int(balance.debits_pending),
        "credits_pending": int(balance.credits_pending),
    }
