"""Keeps the contract about transactions and exchanges."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import currency
from sycee.kernel.refusal import NotFound
from sycee.services.accounting.contract import (
    Exchange,
    FindTransaction,
    GetTransaction,
    Leg,
    ListTransactions,
    Metadata,
    Owner,
    PostTransaction,
    Transaction,
    TransactionId,
    Transactions,
)
from sycee.services.accounting.domain import canonical, chains, contents, entries, names
from sycee.services.accounting.domain.chains import Subject
from sycee.services.accounting.domain.entries import Draft, Entry, State
from sycee.services.accounting.domain.exchange import exchange_legs, exchange_note, exchanged
from sycee.services.accounting.domain.legs import check_legs, steps
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.parts import Parts, within
from sycee.services.accounting.service.posting import Posting
from sycee.services.accounting.store import entries as rows


class TransactionsService:
    """Transactions by their legs, and what is known of all."""

    def __init__(self, parts: Parts, accounts: AccountsService, posting: Posting) -> None:
        self._database = parts.database
        self._accounts = accounts
        self._posting = posting

    async def post_transaction(self, command: PostTransaction) -> Transaction:
        metadata = _checked(command.id, command.effective, command.metadata)
        check_legs(command.legs)

        async def prepare() -> Draft:
            return await self._draft(
                command.owner, command.id, digest, command.legs, command.effective, metadata
            )

        digest = contents.posting_digest(command, metadata)
        return await self._posting.post(command.owner, command.id, digest, prepare)

    async def exchange(self, command: Exchange) -> Transaction:
        metadata = _checked(command.id, command.effective, command.metadata)
        command = msgspec.structs.replace(
            command, sold=currency(command.sold), bought=currency(command.bought)
        )
        amounts = exchanged(command)
        noted = _noted(metadata, exchange_note(command, amounts))

        async def prepare() -> Draft:
            legs = exchange_legs(command, amounts)
            return await self._draft(
                command.owner, command.id, digest, legs, command.effective, noted
            )

        digest = contents.exchange_digest(command, metadata)
        return await self._posting.post(command.owner, command.id, digest, prepare)

    async def get_transaction(self, query: GetTransaction) -> Transaction:
        entry = await self._posting.find(query.owner, query.id)
        if entry is None or entry.state is not State.POSTED:
            raise NotFound(f"No such transaction: {query.id[:80]}", param="id")
        return entries.answer(entry)

    async def find_transaction(self, query: FindTransaction) -> Transaction:
        owner = names.owner_key(query.owner)
        found = await self._database.read(
            lambda session: rows.transactions_of(session, owner, [query.transfer])
        )
        if query.transfer not in found:
            raise NotFound(f"No such transfer: {query.transfer}", param="transfer")
        return await self.get_transaction(GetTransaction(query.owner, found[query.transfer]))

    async def list_transactions(self, query: ListTransactions) -> Transactions:
        limit = within(query.limit)
        owner, after = names.owner_key(query.owner), cursor(query.after)
        found = await self._database.read(lambda session: rows.page(session, owner, after, limit))
        following = f"{found[-1].recorded} {found[-1].id}" if found else query.after
        return Transactions(tuple(map(entries.answer, found)), following if found else "")

    async def _draft(
        self,
        owner: Owner,
        id: TransactionId,
        digest: bytes,
        legs: tuple[Leg, ...],
        effective: Instant | None,
        metadata: Metadata,
    ) -> Draft:
        wanted = [(leg.account, leg.currency) for leg in legs]
        found = await self._accounts.named(owner, wanted, "legs")
        entry = Entry(names.owner_key(owner), id, digest, effective, metadata)
        subject = Subject(owner, id, 1, effective, metadata)
        return Draft(entry, chains.chain(subject, steps(owner, legs, found)))


def cursor(text: str) -> tuple[int, str]:
    """A place among transactions in order of recording; what is no cursor is the beginning."""
    recorded, _, id = text.partition(" ")
    is_one = names.is_transaction_id(id) and recorded.isascii() and recorded.isdigit()
    return (int(recorded), id) if is_one else (0, "")


def _checked(id: str, effective: Instant | None, metadata: Metadata) -> Metadata:
    names.check_transaction_id(id)
    names.check_instant(effective, "effective")
    return canonical.metadata(metadata)


def _noted(metadata: Metadata, note: canonical.Json) -> Metadata:
    """Metadata with what an exchange adds; its bounds hold for both together."""
    value = msgspec.json.decode(metadata, type=dict[str, msgspec.Raw])
    value["exchange"] = msgspec.Raw(canonical.canonical(note).encode())
    return canonical.metadata(Metadata(msgspec.json.encode(value).decode()))
