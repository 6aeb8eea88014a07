"""Keeps the contract about accounts: their names, their bounds, their balances."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from sycee.kernel.money import Currency, currency
from sycee.kernel.refusal import NotFound
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    AccountDiffers,
    AccountName,
    Balance,
    Balances,
    GetAccount,
    GetBalances,
    ListAccounts,
    NamedAccount,
    NamedAccounts,
    OpenAccount,
    Owner,
)
from sycee.services.accounting.domain import canonical, chains, chart, names
from sycee.services.accounting.domain.chains import Subject
from sycee.services.accounting.service.parts import PAGE_MAX, Parts, WrongBooks, within
from sycee.services.accounting.store import accounts as rows
from sycee.services.ledger.contract import (
    Account,
    AccountId,
    Accounts,
    BalancesAt,
    CreateAccountResult,
    CreateTransferResult,
    LookupAccounts,
    Transfers,
)

_OPENED = (CreateAccountResult.OK, CreateAccountResult.EXISTS)

Key = tuple[AccountName, Currency]


class AccountsService:
    """Names over the ledger's accounts, with a memory: what is open never changes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._known: dict[AccountId, NamedAccount] = {}

    async def open_account(self, command: OpenAccount) -> NamedAccount:
        owner = names.owner_key(command.owner)
        account = self._wanted(command)
        database = self._parts.database
        found = await database.read(
            lambda session: rows.find(session, owner, account.name, account.currency)
        )
        if found is None:
            await database.write(lambda session: rows.add(session, owner, account))
            found = await database.read(
                lambda session: rows.find(session, owner, account.name, account.currency)
            )
        assert found is not None, "it was just written"
        kept, is_open = found
        _compare(account, kept)
        if not is_open:
            await self._open(command.owner, kept)
            await database.write(lambda session: rows.mark_open(session, kept.id))
        return kept

    async def get_account(self, query: GetAccount) -> NamedAccount:
        found = await self.named(query.owner, [(query.name, query.currency)], "name")
        return found[query.name, query.currency]

    async def list_accounts(self, query: ListAccounts) -> NamedAccounts:
        limit = within(query.limit)
        owner, after = names.owner_key(query.owner), _cursor(query.after)
        if not names.is_prefix(query.prefix):
            return NamedAccounts((), "")
        found = await self._parts.database.read(
            lambda session: rows.page(session, owner, query.prefix, after, limit)
        )
        following = f"{found[-1].name} {found[-1].currency}" if len(found) == limit else ""
        return NamedAccounts(tuple(found), following)

    async def get_balances(self, query: GetBalances) -> Balances:
        wanted = [(each.name, each.currency) for each in query.accounts[:PAGE_MAX]]
        found = await self.named(query.owner, wanted, "accounts")
        balances = await self.balances([found[key] for key in wanted], query.at)
        return Balances(tuple(balances))

    async def balances(self, accounts: Sequence[NamedAccount], at: int | None) -> list[Balance]:
        """How accounts stand, or stood right after an instant."""
        ids = tuple(account.id for account in accounts)
        ledger = self._parts.ledger
        if at is None:
            found = await ledger.lookup_accounts(LookupAccounts(ids))
        else:
            found = await ledger.balances_at(BalancesAt(ids, at))
        by_id = {account.id: account for account in found.accounts}
        return [_balance(account, by_id.get(account.id)) for account in accounts]

    async def named(
        self, owner: Owner, wanted: Collection[Key], param: str
    ) -> Mapping[Key, NamedAccount]:
        """The accounts of these names; ``NotFound`` names the first that is not there."""
        ids = {key: chart.account_id(owner, *key) for key in wanted if _is_possible(key)}
        known = await self.by_ids(owner, ids.values())
        found: dict[Key, NamedAccount] = {}
        for key in wanted:
            account = known.get(ids[key]) if key in ids else None
            if account is None:
                name, code = key
                text = f"No such account: {name[:60]} in {code[:3]}"
                raise NotFound(text, param=param)
            found[key] = account
        return found

    async def by_ids(
        self, owner: Owner, ids: Iterable[AccountId]
    ) -> Mapping[AccountId, NamedAccount]:
        """Those of these accounts of the ledger that are this owner's and have names."""
        wanted = dict.fromkeys(ids)
        found = {id: self._known[id] for id in wanted if id in self._known}
        missing = [id for id in wanted if id not in found]
        if missing:
            read = await self._parts.database.read(lambda session: rows.by_ids(session, missing))
            found.update((account.id, account) for _, account in read)
            self._remember(account for _, account in read)
        # An account's id is derived from its owner and name, so this tells whose it is.
        return {
            id: account
            for id, account in found.items()
            if chart.account_id(owner, account.name, account.currency) == id
        }

    async def all(self, owner: Owner) -> list[NamedAccount]:
        """Every account of an owner."""
        found: list[NamedAccount] = []
        after = ""
        while True:
            page = await self.list_accounts(ListAccounts(owner, after=after, limit=PAGE_MAX))
            found += page.accounts
            after = page.next
            if not after:
                return found

    def _remember(self, accounts: Iterable[NamedAccount]) -> None:
        if len(self._known) >= self._parts.settings.accounts_remembered_max:
            self._known.clear()
        self._known.update((account.id, account) for account in accounts)

    def _wanted(self, command: OpenAccount) -> NamedAccount:
        names.check_account_name(command.name, "name")
        code = currency(command.currency)
        chart.check_bounds(command)
        return NamedAccount(
            id=chart.account_id(command.owner, command.name, code),
            name=command.name,
            currency=code,
            kind=command.kind,
            lower_minor=command.lower_minor,
            upper_minor=command.upper_minor,
            metadata=canonical.metadata(command.metadata),
            opened=self._parts.clock.now(),
        )

    async def _open(self, owner: Owner, account: NamedAccount) -> None:
        """Give it its place in the ledger, with its control accounts; safely again."""
        ledger = self._parts.ledger
        results = await ledger.create_accounts(Accounts(chart.opening(owner, account)))
        if any(code not in _OPENED for code in results.codes):
            raise WrongBooks(f"account {account.name}: {results.codes}")
        steps = chains.funding(owner, account)
        if not steps:
            return
        subject = Subject(owner, f"funding {account.id}", 1, None, account.metadata)
        chain = chains.chain(subject, steps)
        codes = (await ledger.create_transfers(Transfers(chain))).codes
        if any(codes) and codes[0] != CreateTransferResult.EXISTS:
            raise WrongBooks(f"bounds of account {account.name}: {codes}")


def _is_possible(key: Key) -> bool:
    name, code = key
    return names.is_account_name(name) and code in chart.CODES


def _compare(wanted: NamedAccount, kept: NamedAccount) -> None:
    if replace(wanted, opened=kept.opened) == kept:
        return
    for field in ("kind", "lower_minor", "upper_minor", "metadata"):
        if getattr(wanted, field) != getattr(kept, field):
            text = f"{kept.name} is open in {kept.currency} with another {field}."
            raise AccountDiffers(text, param=field)


def _cursor(text: str) -> tuple[str, str]:
    name, _, code = text.partition(" ")
    return (name, code) if names.is_account_name(name) and code in chart.CODES else ("", "")


def _balance(account: NamedAccount, read: Account | None) -> Balance:
    zero = U128(0)
    return Balance(
        account.name,
        account.currency,
        account.kind,
        read.debits_posted if read else zero,
        read.credits_posted if read else zero,
        read.debits_pending if read else zero,
        read.credits_pending if read else zero,
    )
