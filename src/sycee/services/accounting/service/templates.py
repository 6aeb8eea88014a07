"""Keeps the contract about templates and their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sycee.kernel.refusal import NotFound
from sycee.services.accounting.contract import (
    DefineTemplate,
    GetTemplate,
    ListTemplates,
    Owner,
    RunTemplate,
    Template,
    TemplateDiffers,
    Templates,
    Transaction,
)
from sycee.services.accounting.domain import canonical, chains, contents, names
from sycee.services.accounting.domain.chains import Subject
from sycee.services.accounting.domain.entries import Draft, Entry
from sycee.services.accounting.domain.legs import Found
from sycee.services.accounting.domain.names import owner_key, owner_of
from sycee.services.accounting.domain.templates.binding import Run, bound
from sycee.services.accounting.domain.templates.definition import check_template
from sycee.services.accounting.domain.templates.steps import steps
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.parts import Parts, within
from sycee.services.accounting.service.posting import Posting
from sycee.services.accounting.store import templates as rows
from sycee.services.ledger.contract import Account, AccountId, LookupAccounts, Transfer


class TemplatesService:
    """Templates, kept for ever, and transactions made by them."""

    def __init__(self, parts: Parts, accounts: AccountsService, posting: Posting) -> None:
        self._parts = parts
        self._accounts = accounts
        self._posting = posting
        posting.rebuilds(self._rebuild)

    async def define_template(self, command: DefineTemplate) -> Template:
        check_template(command)
        owner, digest = owner_key(command.owner), contents.template_digest(command)
        template = Template(
            command.name,
            command.version,
            command.currency,
            command.parameters,
            command.moves,
            command.description,
            self._parts.clock.now(),
        )
        await self._parts.database.write(lambda s: rows.add(s, owner, digest, template))
        found = await self._parts.database.read(
            lambda session: rows.find(session, owner, command.name, command.version)
        )
        assert found is not None, "it was just written"
        kept, kept_digest = found
        if kept_digest != digest:
            text = f"Version {kept.version} of {kept.name} has other contents; take a new version."
            raise TemplateDiffers(text, param="version")
        return kept

    async def get_template(self, query: GetTemplate) -> Template:
        return await self._template(query.owner, query.name, query.version)

    async def list_templates(self, query: ListTemplates) -> Templates:
        limit = within(query.limit)
        owner, after = owner_key(query.owner), _cursor(query.after)
        found = await self._parts.database.read(lambda s: rows.page(s, owner, after, limit))
        following = f"{found[-1].name} {found[-1].version}" if len(found) == limit else ""
        return Templates(tuple(found), following)

    async def run_template(self, command: RunTemplate) -> Transaction:
        names.check_transaction_id(command.id)
        names.check_instant(command.effective, "effective")
        metadata = canonical.metadata(command.metadata)
        digest = contents.run_digest(command, metadata)

        async def prepare() -> Draft:
            template = await self._template(command.owner, command.name, command.version)
            run = bound(template, command.arguments)
            entry = Entry(
                owner_key(command.owner),
                command.id,
                digest,
                command.effective,
                metadata,
                template.name,
                template.version,
                dict(command.arguments) if run.moves[0].by_balance else None,
            )
            return Draft(entry, await self._chain(entry, run))

        return await self._posting.post(command.owner, command.id, digest, prepare)

    async def _rebuild(self, entry: Entry) -> Sequence[Transfer]:
        """The chain of a run's next attempt, over the balances of now."""
        assert entry.template is not None and entry.arguments is not None, "only runs come again"
        template = await self._template(owner_of(entry.owner), entry.template, entry.version)
        return await self._chain(entry, bound(template, entry.arguments))

    async def _chain(self, entry: Entry, run: Run) -> tuple[Transfer, ...]:
        owner = owner_of(entry.owner)
        wanted = dict.fromkeys((name, run.currency) for name in run.names())
        found = await self._accounts.named(owner, wanted, "arguments")
        read = await self._read(run, found)
        subject = Subject(owner, entry.id, entry.attempt, entry.effective, entry.metadata)
        return chains.chain(subject, steps(owner, run, found, read))

    async def _read(self, run: Run, found: Found) -> Mapping[AccountId, Account]:
        """Balances of sources whose percentages are to be known before."""
        first = run.moves[0]
        if not first.by_balance:
            return {}
        ids = tuple(found[source.account, run.currency].id for source in first.sources)
        answer = await self._parts.ledger.lookup_accounts(LookupAccounts(ids))
        return {account.id: account for account in answer.accounts}

    async def _template(self, owner: Owner, name: str, version: int | None) -> Template:
        key = owner_key(owner)
        found = None
        if names.is_plain_name(name):
            found = await self._parts.database.read(lambda s: rows.find(s, key, name, version))
        if found is None:
            raise NotFound(f"No such template: {name[:60]}", param="name")
        return found[0]


def _cursor(text: str) -> tuple[str, int]:
    name, _, version = text.partition(" ")
    is_one = names.is_plain_name(name) and version.isascii() and version.isdigit()
    return (name, int(version)) if is_one else ("", 0)
