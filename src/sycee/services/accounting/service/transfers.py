"""Keeps the contract about transfers in two phases, and lists an account's transfers.

A promise is kept before the ledger has it, and its transfer's id follows from its own: whatever
was interrupted is done by asking again. Posting it is a transaction like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sycee.kernel.money import Currency, currency
from sycee.kernel.refusal import NotFound
from sycee.kernel.u128 import U128
from sycee.runtime.database import Session
from sycee.services.accounting.contract import (
    NO_METADATA,
    AmountInvalid,
    GetAccount,
    GetHeld,
    HoldTransfer,
    ListOwnTransfers,
    NamedAccount,
    Owner,
    OwnTransfer,
    OwnTransfers,
    PostTransfer,
    Transaction,
    TransactionDiffers,
    TransactionFailed,
    TransactionId,
    TransferEnded,
    TransferStatus,
    VoidTransfer,
)
from sycee.services.accounting.domain import canonical, chains, entries, promises
from sycee.services.accounting.domain.entries import Draft, Entry, State
from sycee.services.accounting.domain.names import is_transaction_id, owner_key
from sycee.services.accounting.domain.promises import Promise
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.parts import PAGE_MAX, Parts, within
from sycee.services.accounting.service.posting import Posting
from sycee.services.accounting.store import entries as entry_rows
from sycee.services.accounting.store import promises as rows
from sycee.services.ledger.contract import (
    CreateTransferResult,
    ListTransfers,
    Transfer,
    TransferId,
    Transfers,
)


class TransfersService:
    """Promises, and transfers as the ledger has them."""

    def __init__(self, parts: Parts, accounts: AccountsService, posting: Posting) -> None:
        self._parts = parts
        self._accounts = accounts
        self._posting = posting

    async def hold_transfer(self, command: HoldTransfer) -> OwnTransfer:
        promises.check_hold(command)
        metadata = canonical.metadata(command.metadata)
        owner, code = owner_key(command.owner), currency(command.currency)
        debit = await self._account(command, "debit", code)
        credit = await self._account(command, "credit", code)
        promised = promises.promise(command, owner, metadata, debit.id, credit.id)
        known = await self._known(owner, command.id)
        if known is None:
            known = await self._parts.database.write(partial(_keep, promised=promised))
        if known.digest != promised.digest:
            raise _differs(command.id)
        if known.refused is not None:
            raise promises.told_before(known.refused)
        codes = (await self._parts.ledger.create_transfers(Transfers((known.transfer,)))).codes
        refusal = promises.hold_refusal(codes[0], command)
        if refusal is not None:
            why = entries.refused(refusal)
            await self._parts.database.write(partial(rows.refuse, promised=known, why=why))
            raise refusal
        return await self.get_held(GetHeld(command.owner, command.id))

    async def post_transfer(self, command: PostTransfer) -> Transaction:
        promised, transfer = await self._recorded(command.owner, command.id)
        if command.amount_minor is not None and not 0 < command.amount_minor <= transfer.amount:
            text = f"What may be posted is 1 to {transfer.amount}."
            raise AmountInvalid(text, param="amount_minor")
        amount = U128(transfer.amount if command.amount_minor is None else command.amount_minor)
        digest = promises.posting_digest(amount)

        async def prepare() -> Draft:
            await self._check_pending(command, promised, transfer)
            id = chains.transfer_id(command.owner, command.id, 1, 0)
            entry = Entry(promised.owner, command.id, digest, None, promised.metadata)
            return Draft(entry, (promises.posting(promised, id, amount),))

        return await self._posting.post(command.owner, command.id, digest, prepare)

    async def void_transfer(self, command: VoidTransfer) -> OwnTransfer:
        promised, transfer = await self._recorded(command.owner, command.id)
        voiding = Transfers((promises.voiding(promised),))
        code = (await self._parts.ledger.create_transfers(voiding)).codes[0]
        if not promises.is_voided(code):
            await self._check_pending(command, promised, transfer)
            result = CreateTransferResult(code).name.lower()
            raise TransactionFailed(f"The ledger answered {result}.", facts={"result": result})
        return await self.get_held(GetHeld(command.owner, command.id))

    async def get_held(self, query: GetHeld) -> OwnTransfer:
        promised, transfer = await self._recorded(query.owner, query.id)
        ids = transfer.debit_account_id, transfer.credit_account_id
        names = await self._accounts.by_ids(query.owner, ids)
        stands = (await self._statuses(promised.owner, {transfer.id: promised}, [transfer]))[0]
        return promises.own_transfer(transfer, query.id, names, promised.metadata, stands)

    async def list_own_transfers(self, query: ListOwnTransfers) -> OwnTransfers:
        account = await self._accounts.get_account(
            GetAccount(query.owner, query.account, query.currency)
        )
        after = int(query.after) if query.after.isascii() and query.after.isdigit() else 0
        transfers, following = await self._page(account, after, within(query.limit))
        owner, ids = owner_key(query.owner), [transfer.id for transfer in transfers]
        database = self._parts.database
        promised = await database.read(lambda s: rows.by_transfers(s, owner, ids))
        known = await database.read(lambda s: entry_rows.transactions_of(s, owner, ids))
        wanted = list(dict.fromkeys(known.values()))
        entered = await database.read(lambda s: entry_rows.by_ids(s, owner, wanted))
        names = await self._accounts.by_ids(
            query.owner,
            [id for each in transfers for id in (each.debit_account_id, each.credit_account_id)],
        )
        stands = await self._statuses(owner, promised, transfers)
        found = []
        for transfer, status in zip(transfers, stands, strict=True):
            id, metadata = known.get(transfer.id), NO_METADATA
            if transfer.id in promised:
                id, metadata = promised[transfer.id].id, promised[transfer.id].metadata
            elif id is not None:
                metadata = entered[id].metadata
            found.append(promises.own_transfer(transfer, id, names, metadata, status))
        return OwnTransfers(tuple(found), str(following) if following else "")

    async def _page(
        self, account: NamedAccount, after: int, limit: int
    ) -> tuple[list[Transfer], int]:
        """Up to ``limit`` transfers, and where to go on; 0 when nothing more is recorded yet."""
        found: list[Transfer] = []
        while True:
            query = ListTransfers(account.id, min(after, 2**63 - 1), PAGE_MAX)
            page = (await self._parts.ledger.list_transfers(query)).transfers
            for transfer in page:
                after = transfer.timestamp
                if promises.is_listed(transfer):
                    found.append(transfer)
                if len(found) == limit:
                    return found, after
            if len(page) < PAGE_MAX:
                return found, 0

    async def _statuses(
        self, owner: str, promised: Mapping[TransferId, Promise], transfers: Sequence[Transfer]
    ) -> list[TransferStatus]:
        """How far these transfers are; of promises the ledger and the transactions tell."""
        now = self._parts.clock.now()
        ids = [each.id for each in promised.values()]
        entered = await self._parts.database.read(lambda s: entry_rows.by_ids(s, owner, ids))
        voids = {promises.void_id(owner, id): id for id in ids}
        voided = {voids[id] for id in await self._posting.transfers(list(voids))}
        stands = []
        for transfer in transfers:
            known = promised.get(transfer.id)
            entry = entered.get(known.id) if known else None
            is_posted = entry is not None and entry.state is State.POSTED
            is_voided = known is not None and known.id in voided
            stands.append(promises.status(transfer, is_posted, is_voided, now))
        return stands

    async def _check_pending(
        self, command: PostTransfer | VoidTransfer, promised: Promise, transfer: Transfer
    ) -> None:
        status = (await self._statuses(promised.owner, {transfer.id: promised}, [transfer]))[0]
        if status is not TransferStatus.PENDING:
            text = f"The transfer {command.id} is {status.value} already."
            raise TransferEnded(text, param="id", facts={"state": status.value})

    async def _account(self, command: HoldTransfer, param: str, code: Currency) -> NamedAccount:
        name = command.debit if param == "debit" else command.credit
        account = (await self._accounts.named(command.owner, [(name, code)], param))[name, code]
        promises.check_bounds_of(account, param)
        return account

    async def _known(self, owner: str, id: TransactionId) -> Promise | None:
        return await self._parts.database.read(lambda session: rows.find(session, owner, id))

    async def _recorded(self, owner: Owner, id: TransactionId) -> tuple[Promise, Transfer]:
        """A promise that the ledger has."""
        known = await self._known(owner_key(owner), id) if is_transaction_id(id) else None
        found = await self._posting.transfers([known.transfer.id]) if known else {}
        if known is None or not found:
            raise NotFound(f"No such transfer: {id[:80]}", param="id")
        return known, found[known.transfer.id]


def _keep(session: Session, promised: Promise) -> Promise:
    if entry_rows.find(session, promised.owner, promised.id) is not None:
        raise _differs(promised.id)
    rows.keep(session, promised)
    kept = rows.find(session, promised.owner, promised.id)
    assert kept is not None, "it was just written"
    return kept


def _differs(id: TransactionId) -> TransactionDiffers:
    text = f"The id {id} was used before for another transaction."
    return TransactionDiffers(text, param="id")
