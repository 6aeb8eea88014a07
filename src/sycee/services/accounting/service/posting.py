"""One path for whatever moves money: written down, sent to the ledger, settled.

A transaction is kept with its chain before the ledger sees it, so after a crash at any point the
same chain is sent again, and the ledger recognises it. What it answers is kept too: recorded, or
refused for good. A chain that failed stays failed, because the ledger uses up the id of the
transfer that broke it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from sycee.kernel.clock import Instant
from sycee.runtime import logs
from sycee.runtime.database import Session
from sycee.services.accounting.contract import (
    Contended,
    Owner,
    PeriodClosed,
    Transaction,
    TransactionDiffers,
    TransactionId,
)
from sycee.services.accounting.domain import chains, entries, outcomes
from sycee.services.accounting.domain.entries import Draft, Entry, Recorded, State
from sycee.services.accounting.domain.legs import legs_of
from sycee.services.accounting.domain.names import is_transaction_id, owner_key, owner_of
from sycee.services.accounting.domain.outcomes import Failure, Why
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.parts import Parts, WrongBooks
from sycee.services.accounting.store import entries as rows
from sycee.services.accounting.store import periods, promises
from sycee.services.ledger.contract import (
    BATCH_MAX,
    LookupTransfers,
    Transfer,
    TransferId,
    Transfers,
)

_log = logs.logger("accounting")

Prepare = Callable[[], Awaitable[Draft]]
Rebuild = Callable[[Entry], Awaitable[Sequence[Transfer]]]
"""Makes the next attempt's chain of a run whose balances changed."""


class Posting:
    """Brings entries from draft to settled."""

    def __init__(self, parts: Parts, accounts: AccountsService) -> None:
        self._parts = parts
        self._accounts = accounts
        self._rebuild: Rebuild | None = None
        self._at_work: Counter[tuple[str, TransactionId]] = Counter()

    def rebuilds(self, rebuild: Rebuild) -> None:
        """Have runs that must be tried again made anew by ``rebuild``."""
        self._rebuild = rebuild

    async def post(
        self, owner: Owner, id: TransactionId, digest: bytes, prepare: Prepare
    ) -> Transaction:
        """Do what a command says, once; ``prepare`` is asked only when its id is not known."""
        entry = await self.find(owner, id)
        if entry is None:
            draft = await prepare()
            entry = await self._parts.database.write(partial(_begin, draft=draft))
        if entry.digest != digest:
            text = f"The id {id} was used before for another transaction."
            raise TransactionDiffers(text, param="id")
        return entries.answer(await self.settle(entry))

    async def find(self, owner: Owner, id: TransactionId) -> Entry | None:
        """What is known of a transaction."""
        if not is_transaction_id(id):
            return None
        key = owner_key(owner)
        return await self._parts.database.read(lambda session: rows.find(session, key, id))

    async def settle(self, entry: Entry) -> Entry:
        """Ask the ledger until the entry is posted or refused; ``Contended`` after many tries."""
        place = (entry.owner, entry.id)
        self._at_work[place] += 1
        try:
            for _ in range(self._parts.settings.tries_max):
                if entry.state is not State.OPEN:
                    return entry
                entry = await self._try(entry)
        finally:
            self._at_work[place] -= 1
            if not self._at_work[place]:
                del self._at_work[place]
        if entry.state is State.OPEN:
            raise Contended("The balances changed at every try.")
        return entry

    def is_at_work(self, entry: Entry) -> bool:
        """Whether a call is settling it now."""
        return (entry.owner, entry.id) in self._at_work

    async def settle_open(self, owner: str) -> None:
        """Settle whatever of an owner's a crash or an absence left open."""
        after = ""
        while open_ones := await self._parts.database.read(
            partial(rows.open_ones, owner=owner, after=after, limit=100)
        ):
            for entry in open_ones:
                await self.settle(entry)
            after = open_ones[-1].id

    async def _try(self, entry: Entry) -> Entry:
        chain = await self._parts.database.read(lambda session: rows.chain_of(session, entry))
        codes = (await self._parts.ledger.create_transfers(Transfers(chain))).codes
        failed = outcomes.failure(chain, codes, entry.arguments is not None)
        if failed is None:
            return await self._keep(entry, await self._recorded(entry, chain))
        if failed.why is Why.CHANGED:
            return await self._again(entry)
        return await self._refuse(entry, failed)

    async def _recorded(self, entry: Entry, chain: Sequence[Transfer]) -> tuple[Instant, Recorded]:
        """When a chain was recorded, and what it came to."""
        posted = [transfer.id for transfer in chain if chains.is_posted(transfer)]
        found = await self.transfers(posted)
        if len(found) != len(posted):
            raise WrongBooks(f"of transaction {entry.id}, {len(found)} of {len(posted)} are there")
        recorded = [found[id] for id in posted]
        ids = {transfer.debit_account_id for transfer in recorded}
        ids |= {transfer.credit_account_id for transfer in recorded}
        names = await self._accounts.by_ids(owner_of(entry.owner), ids)
        moved = tuple(transfer.id for transfer in recorded if transfer.amount)
        latest = Instant(max(transfer.timestamp for transfer in recorded))
        return latest, Recorded(legs_of(recorded, names), moved)

    async def transfers(self, ids: Sequence[TransferId]) -> Mapping[TransferId, Transfer]:
        """Transfers as the ledger has them."""
        found: dict[TransferId, Transfer] = {}
        for first in range(0, len(ids), BATCH_MAX):
            some = tuple(ids[first : first + BATCH_MAX])
            answer = await self._parts.ledger.lookup_transfers(LookupTransfers(some))
            found.update((transfer.id, transfer) for transfer in answer.transfers)
        return found

    async def _keep(self, entry: Entry, outcome: tuple[Instant, Recorded]) -> Entry:
        recorded, result = outcome
        return await self._write(
            entry, partial(rows.settle, entry=entry, recorded=recorded, result=result)
        )

    async def _again(self, entry: Entry) -> Entry:
        assert self._rebuild is not None, "who runs templates said how"
        chain = await self._rebuild(replace(entry, attempt=entry.attempt + 1))
        return await self._write(entry, partial(rows.begin_again, entry=entry, chain=chain))

    async def _refuse(self, entry: Entry, failed: Failure) -> Entry:
        owner = owner_of(entry.owner)
        known = await self._accounts.by_ids(owner, [failed.account])
        refusal = outcomes.refusal(failed, known.get(failed.account))
        _log.info("transaction_refused", transaction=entry.id, code=refusal.code)
        why = entries.refused(refusal)
        return await self._write(entry, partial(rows.refuse, entry=entry, why=why))

    async def _write(self, entry: Entry, change: Callable[[Session], None]) -> Entry:
        def unit(session: Session) -> Entry:
            change(session)
            changed = rows.find(session, entry.owner, entry.id)
            assert changed is not None, "entries are never removed"
            return changed

        return await self._parts.database.write(unit)


def _begin(session: Session, draft: Draft) -> Entry:
    entry = draft.entry
    known = rows.find(session, entry.owner, entry.id)
    if known is not None:
        return known
    promised = promises.find(session, entry.owner, entry.id)
    if promised is not None and draft.chain[0].pending_id != promised.transfer.id:
        text = f"The id {entry.id} was used before for a promised transfer."
        raise TransactionDiffers(text, param="id")
    closed_until = periods.closed_until(session, entry.owner)
    if entry.effective is not None and entry.effective < closed_until:
        raise PeriodClosed("Its effective time lies in a closed period.", param="effective")
    rows.begin(session, draft)
    begun = rows.find(session, entry.owner, entry.id)
    assert begun is not None, "it was just written"
    return begun
