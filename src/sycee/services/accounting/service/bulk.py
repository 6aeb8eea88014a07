"""Keeps the contract about imports and exports."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from sycee.kernel.refusal import NotFound, Refusal, Unavailable
from sycee.services.accounting.contract import (
    PART_BYTES_MAX,
    Exported,
    ExportPart,
    GetImport,
    ImportDiffers,
    ImportGap,
    ImportPart,
    ImportProgress,
    LineInvalid,
    ListAccounts,
    ListTransactions,
    NamedAccount,
    OpenAccount,
    Owner,
    PostTransaction,
    Transaction,
    TransactionId,
)
from sycee.services.accounting.domain.bulk import formats
from sycee.services.accounting.domain.bulk.beancount import Kinds
from sycee.services.accounting.domain.bulk.records import (
    AccountRecord,
    Placed,
    Reading,
    record_of,
)
from sycee.services.accounting.domain.names import check_plain_name, is_plain_name, owner_key
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.parts import Parts, within
from sycee.services.accounting.service.transactions import TransactionsService
from sycee.services.accounting.store import imports as rows
from sycee.services.accounting.store.imports import Import

KEEP_EVERY = 100
"""Records between two notes of how far an import is. What is done again after a crash is
recognised by its ids."""

_TRANSACTIONS = "transactions "


class BulkService:
    """Takes text in line by line, and gives out what can be taken in."""

    def __init__(
        self, parts: Parts, accounts: AccountsService, transactions: TransactionsService
    ) -> None:
        self._database = parts.database
        self._accounts = accounts
        self._transactions = transactions

    async def import_part(self, command: ImportPart) -> ImportProgress:
        check_plain_name(command.id, "id")
        owner = owner_key(command.owner)
        known = await self._known(owner, command)
        lines = _lines(command, known.progress.lines)
        before, heading = known.progress.lines, known.heading
        reading = formats.read(command.format, lines, before, heading, command.is_last)
        for place, placed in enumerate(reading.records, 1):
            try:
                await self._take(command, placed)
            except Unavailable:
                raise
            except Refusal as refusal:
                await self._keep(owner, known)
                raise _refused(placed, refusal) from refusal
            known = _counted(known, placed, reading)
            if place % KEEP_EVERY == 0:
                await self._keep(owner, known)
        is_done = known.progress.is_done or (command.is_last and reading.bad is None)
        progress = replace(known.progress, lines=reading.lines, is_done=is_done)
        await self._keep(owner, Import(progress, reading.heading))
        if reading.bad is not None:
            line, field, why = reading.bad
            raise _invalid(line, field, "line_invalid", why)
        return progress

    async def get_import(self, query: GetImport) -> ImportProgress:
        owner = owner_key(query.owner)
        known = None
        if is_plain_name(query.id):
            known = await self._database.read(lambda session: rows.find(session, owner, query.id))
        if known is None:
            raise NotFound(f"No such import: {query.id[:60]}", param="id")
        return known.progress

    async def export_part(self, query: ExportPart) -> Exported:
        limit = within(query.limit)
        if not query.after.startswith(_TRANSACTIONS):
            return await self._accounts_part(query, limit)
        after = query.after.removeprefix(_TRANSACTIONS)
        page = await self._transactions.list_transactions(
            ListTransactions(query.owner, after, limit)
        )
        kinds = await self._kinds(query.owner, page.transactions)
        text = "".join(
            formats.write(query.format, record_of(each), kinds) for each in page.transactions
        )
        is_end = len(page.transactions) < limit
        return Exported(text, "" if is_end else _TRANSACTIONS + page.next)

    async def _accounts_part(self, query: ExportPart, limit: int) -> Exported:
        page = await self._accounts.list_accounts(
            ListAccounts(query.owner, after=query.after, limit=limit)
        )
        text = "" if query.after else formats.heading(query.format)
        text += "".join(
            formats.write(query.format, _account_record(account), {}) for account in page.accounts
        )
        return Exported(text, page.next or _TRANSACTIONS)

    async def _kinds(self, owner: Owner, transactions: Sequence[Transaction]) -> Kinds:
        keys = {(leg.account, leg.currency) for each in transactions for leg in each.legs}
        found = await self._accounts.named(owner, keys, "legs")
        return {key: account.kind for key, account in found.items()}

    async def _known(self, owner: str, command: ImportPart) -> Import:
        known = await self._database.read(lambda session: rows.find(session, owner, command.id))
        if known is None:
            known = Import(ImportProgress(command.id, command.format, 0, 0, 0, False))
        if known.progress.format is not command.format:
            text = f"The import {command.id} is one of {known.progress.format.value}."
            raise ImportDiffers(text, param="format")
        if not 1 <= command.first_line <= known.progress.lines + 1:
            facts = {"lines": str(known.progress.lines)}
            text = f"The import has come to line {known.progress.lines}: go on with the next."
            raise ImportGap(text, param="first_line", facts=facts)
        if len(command.text.encode("utf-8", "replace")) > PART_BYTES_MAX:
            text = f"A part has at most {PART_BYTES_MAX} bytes."
            raise _invalid(command.first_line, "text", "line_invalid", text)
        return known

    async def _keep(self, owner: str, known: Import) -> None:
        await self._database.write(lambda session: rows.keep(session, owner, known))

    async def _take(self, command: ImportPart, placed: Placed) -> None:
        record = placed.record
        if isinstance(record, AccountRecord):
            await self._accounts.open_account(
                OpenAccount(
                    command.owner,
                    record.name,
                    record.currency,
                    record.kind,
                    record.lower_minor,
                    record.upper_minor,
                    record.metadata,
                )
            )
            return
        id = TransactionId(record.id or f"{command.id}:{placed.first_line}")
        await self._transactions.post_transaction(
            PostTransaction(command.owner, id, record.legs, record.effective, record.metadata)
        )


def _lines(command: ImportPart, done: int) -> list[str]:
    """The lines of a part that are not imported yet."""
    lines = command.text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines[done - command.first_line + 1 :]]


def _counted(known: Import, placed: Placed, reading: Reading) -> Import:
    is_account = isinstance(placed.record, AccountRecord)
    progress = replace(
        known.progress,
        lines=placed.last_line,
        accounts=known.progress.accounts + is_account,
        transactions=known.progress.transactions + (not is_account),
    )
    return Import(progress, reading.heading)


def _refused(placed: Placed, refusal: Refusal) -> LineInvalid:
    field = refusal.param or refusal.facts.get("account", "record")
    return _invalid(placed.first_line, field, refusal.code, refusal.detail)


def _invalid(line: int, field: str, reason: str, why: str) -> LineInvalid:
    facts = {"line": str(line), "field": field, "reason": reason}
    return LineInvalid(f"Line {line}, {field}: {why}", param="text", facts=facts)


def _account_record(account: NamedAccount) -> AccountRecord:
    return AccountRecord(
        account.name,
        account.currency,
        account.kind,
        account.lower_minor,
        account.upper_minor,
        account.metadata,
    )
