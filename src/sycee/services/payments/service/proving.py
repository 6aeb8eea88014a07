"""Reads payments page by page and proves each against the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from sycee.runtime.database import Database, Session
from sycee.services.ledger.contract import (
    Account,
    AccountId,
    Ledger,
    LookupAccounts,
    LookupTransfers,
    Transfer,
    TransferId,
)
from sycee.services.payments.domain import chart, dispute_proof, disputes, proof
from sycee.services.payments.domain.proof import Finding, Moved, Purse, Record, Sums, Tried
from sycee.services.payments.store import proof as rows

Progress = Callable[[int, int], None]
"""Called now and then with the payments done and the payments there are."""

PAGE = 200
"""Payments read at once."""
LOOKUP_MAX = 4000
"""Ids asked of the ledger in one call."""


class Proof:
    """One run over all payments."""

    def __init__(
        self, database: Database, ledger: Ledger, progress: Progress, until: int | None
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._progress = progress
        self._until = until
        self._sums = Sums()

    async def findings(self) -> AsyncIterator[Finding]:
        """All that is wrong; nothing when payments and the books agree."""
        for orphan in await self._database.read(lambda session: rows.orphans(session, PAGE)):
            yield Finding(f"row {orphan}", "belongs to no payment")
        async for finding in self._payments():
            yield finding
        async for finding in self._maturings():
            yield finding
        accounts = await self._accounts()
        for finding in proof.wrong_balances(self._sums, accounts):
            yield finding
        for purse in await self._database.read(self._purses_at_rest):
            for finding in proof.wrong_purse(purse, accounts):
                yield finding

    async def _payments(self) -> AsyncIterator[Finding]:
        total, done, last = await self._database.read(rows.count), 0, ""
        while page := await self._records(last):
            found = await self._found(
                id
                for record in page
                for tried in record.attempts
                for id in proof.ids_of(tried.attempt)
            )
            found |= await self._found(
                id for record in page for id in dispute_proof.ids_of(record.disputes)
            )
            for record in page:
                for finding in self._wrong(record, found):
                    yield finding
            done, last = done + len(page), page[-1].payment.id
            self._progress(done, max(done, total))

    async def _maturings(self) -> AsyncIterator[Finding]:
        last = ""
        while page := await self._moves(last):
            found = await self._found(chart.step_id(moved.id, "mature") for moved in page)
            for moved in page:
                self._count(found, [chart.step_id(moved.id, "mature")])
                for finding in proof.wrong_move(moved, self._is_due_move(moved), found):
                    yield finding
            last = page[-1].id

    async def _accounts(self) -> dict[AccountId, Account]:
        ids = tuple(self._sums.of)
        found: dict[AccountId, Account] = {}
        for start in range(0, len(ids), LOOKUP_MAX):
            query = LookupAccounts(ids[start : start + LOOKUP_MAX])
            answer = await self._ledger.lookup_accounts(query)
            found.update((account.id, account) for account in answer.accounts)
        return found

    def _purses_at_rest(self, session: Session) -> Sequence[Purse]:
        """Balances as payments knows them; none while they may be ahead of the books."""
        return rows.purses(session) if rows.is_at_rest(session, self._until) else ()

    async def _records(self, last: str) -> Sequence[Record]:
        return await self._database.read(lambda session: rows.records(session, last, PAGE))

    async def _moves(self, last: str) -> Sequence[Moved]:
        return await self._database.read(lambda session: rows.maturings(session, last, PAGE))

    async def _found(self, wanted: Iterable[TransferId]) -> dict[TransferId, Transfer]:
        ids = tuple(dict.fromkeys(wanted))
        found: dict[TransferId, Transfer] = {}
        for start in range(0, len(ids), LOOKUP_MAX):
            query = LookupTransfers(ids[start : start + LOOKUP_MAX])
            answer = await self._ledger.lookup_transfers(query)
            found.update((transfer.id, transfer) for transfer in answer.transfers)
        return found

    def _wrong(self, record: Record, found: dict[TransferId, Transfer]) -> Iterator[Finding]:
        yield from proof.wrong_record(record)
        for tried in record.attempts:
            self._sums.open(chart.accounts(chart.chart_of(tried.attempt)))
            self._count(found, proof.own_ids(tried.attempt))
            yield from proof.wrong_transfers(tried, self._is_due(tried), found)
        yield from dispute_proof.wrong_disputes(record)
        for disputed in record.disputes:
            for move, closing in disputed.moves:
                self._sums.open(chart.accounts(disputes.chart_of(move)))
                self._count(found, [transfer.id for transfer in disputes.transfers(move)])
                is_due = self._is_due_by(closing)
                yield from dispute_proof.wrong_transfers(move, is_due, found)

    def _count(self, found: dict[TransferId, Transfer], ids: Iterable[TransferId]) -> None:
        for id in ids:
            transfer = found.get(id)
            if transfer is not None:
                self._sums.add(transfer, found.get(transfer.pending_id))

    def _is_due(self, tried: Tried) -> bool:
        """Whether all of the attempt must be in the books."""
        if tried.closing is None:
            return False
        return self._until is None or tried.closing <= self._until

    def _is_due_move(self, moved: Moved) -> bool:
        return self._is_due_by(moved.closing)

    def _is_due_by(self, closing: int | None) -> bool:
        """As of an attempt; one that ended with the last of the horizon may be just after it."""
        if closing is None:
            return False
        return self._until is None or closing < self._until
