"""Keeps the contract about periods: closing, sealing, verifying."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from itertools import count

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Unavailable
from sycee.runtime.database import Session
from sycee.services.accounting.contract import (
    ClosePeriod,
    Contended,
    ListPeriods,
    Owner,
    Period,
    PeriodDiffers,
    PeriodInvalid,
    PeriodProof,
    Periods,
    Transaction,
    VerifyPeriods,
)
from sycee.services.accounting.domain import chains, entries, seals
from sycee.services.accounting.domain.entries import Entry
from sycee.services.accounting.domain.movements import is_movement
from sycee.services.accounting.domain.names import check_plain_name, owner_key
from sycee.services.accounting.domain.seals import Seal
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.marks import Marks
from sycee.services.accounting.service.parts import PAGE_MAX, Parts, within
from sycee.services.accounting.service.posting import Posting
from sycee.services.accounting.store import entries as entry_rows
from sycee.services.accounting.store import periods as rows
from sycee.services.accounting.store.periods import Closing, Line
from sycee.services.ledger.contract import ListTransfers

_PAGE = 200


class PeriodsService:
    """Closes periods in three steps, each of which may be repeated after a crash.

    First the period is closed for new transactions; when the ledger's time is past its end,
    whatever was begun before is settled; then what is there is sealed.
    """

    def __init__(
        self, parts: Parts, accounts: AccountsService, posting: Posting, marks: Marks
    ) -> None:
        self._parts = parts
        self._accounts = accounts
        self._posting = posting
        self._marks = marks

    async def close_period(self, command: ClosePeriod) -> Period:
        check_plain_name(command.name, "name")
        now = self._parts.clock.now()
        closing = await self._parts.database.write(partial(_close, command=command, now=now))
        if closing.sealed is not None:
            return closing.sealed
        owner = owner_key(command.owner)
        # What begins after this mark is recorded after the period's end.
        if await self._marks.now(command.owner) < closing.end:
            raise Unavailable("The ledger's clock is still within the period.")
        try:
            await self._posting.settle_open(owner)
        except Contended as refusal:
            raise Unavailable("Transactions of the period are still being made.") from refusal
        period, lines = await self._sealed(command.owner, closing)
        await self._parts.database.write(lambda session: rows.seal(session, owner, period, lines))
        kept = await self._parts.database.read(
            lambda session: rows.numbered(session, owner, closing.number)
        )
        assert kept is not None and kept.sealed is not None, "it was just sealed"
        return kept.sealed

    async def list_periods(self, query: ListPeriods) -> Periods:
        owner, limit = owner_key(query.owner), within(query.limit)
        found = await self._parts.database.read(
            lambda session: rows.page(session, owner, query.after, limit)
        )
        return Periods(tuple(found))

    async def verify_periods(self, query: VerifyPeriods) -> PeriodProof:
        verifier = _Verifier(query.owner, self._parts, self._posting, self._accounts)
        return await verifier.verify()

    async def _sealed(self, owner: Owner, closing: Closing) -> tuple[Period, list[Line]]:
        key = owner_key(owner)
        before = await _before(self._parts, key, closing.number)
        start = before.end if before else Instant(0)
        sums = seals.sums_of(before.balances if before else ())
        seal = Seal(before.seal if before else seals.FIRST)
        lines: list[Line] = []
        async for transaction, digest in _covered(
            self._parts, self._posting, key, start, closing.end
        ):
            seals.add(sums, transaction.legs)
            seal.add(digest)
            lines.append(Line(transaction.id, digest))
        balances = seals.lines_of(sums)
        period = Period(
            name=closing.name,
            number=closing.number,
            start=start,
            end=closing.end,
            sealed=self._parts.clock.now(),
            transactions=seal.transactions,
            balances=balances,
            seal=seal.finish(key, closing.name, start, closing.end, balances),
            before=before.seal if before else seals.FIRST,
        )
        return period, lines


def _close(session: Session, command: ClosePeriod, now: Instant) -> Closing:
    owner = owner_key(command.owner)
    known = rows.named(session, owner, command.name)
    if known is not None:
        if known.end != command.end:
            raise PeriodDiffers("A period of this name has another end.", param="end")
        return known
    last = rows.last(session, owner)
    if not (last.end if last else 0) < command.end <= now:
        text = "A period ends after the one before it, and not in the future."
        raise PeriodInvalid(text, param="end")
    if last is not None and last.sealed is None:
        raise Unavailable(f"The period {last.name} is not sealed yet: close it again first.")
    number = last.number + 1 if last else 1
    rows.close(session, owner, number, command.name, command.end)
    return Closing(number, command.name, command.end, None)


async def _before(parts: Parts, owner: str, number: int) -> Period | None:
    found = await parts.database.read(lambda session: rows.numbered(session, owner, number - 1))
    return found.sealed if found else None


async def _covered(
    parts: Parts, posting: Posting, owner: str, start: Instant, end: Instant
) -> AsyncIterator[tuple[Transaction, bytes]]:
    """Every transaction that is effective in a span, with its digest as the ledger has it now."""
    after: tuple[int, str] = (-1, "")
    while True:
        page = await parts.database.read(
            partial(
                entry_rows.effective, owner=owner, start=start, end=end, after=after, limit=_PAGE
            )
        )
        for entry in page:
            transaction = entries.answer(entry)
            yield transaction, await _digest(parts, posting, entry, transaction)
            after = (transaction.effective, entry.id)
        if len(page) < _PAGE:
            return


async def _digest(parts: Parts, posting: Posting, entry: Entry, transaction: Transaction) -> bytes:
    chain = await parts.database.read(lambda session: entry_rows.chain_of(session, entry))
    ids = [each.id for each in chain if chains.is_posted(each)]
    found = await posting.transfers(ids)
    return seals.transaction_digest(transaction, [found[id] for id in ids if id in found])


class _Verifier:
    """Compares seals with the ledger, in order, until the first difference."""

    def __init__(
        self, owner: Owner, parts: Parts, posting: Posting, accounts: AccountsService
    ) -> None:
        self._owner = owner
        self._key = owner_key(owner)
        self._parts = parts
        self._posting = posting
        self._accounts = accounts
        self._seal = seals.FIRST
        self._end = Instant(0)
        self._sums: seals.Sums = {}
        self._periods = 0
        self._transactions = 0

    async def verify(self) -> PeriodProof:
        while True:
            page = await self._parts.database.read(
                lambda session: rows.page(session, self._key, self._periods, PAGE_MAX)
            )
            for period in page:
                difference = await self._period(period)
                if difference:
                    return self._proof(difference, period.name)
                self._periods += 1
            if len(page) < PAGE_MAX:
                return self._proof(await self._strange(), None)

    def _proof(self, difference: str | None, period: str | None) -> PeriodProof:
        return PeriodProof(self._periods, self._transactions, difference, period)

    async def _period(self, period: Period) -> str | None:
        if (period.number, period.start, period.before) != (
            self._periods + 1,
            self._end,
            self._seal,
        ):
            return "the period does not follow the one before"
        seal = Seal(self._seal)
        covered = _covered(self._parts, self._posting, self._key, period.start, period.end)
        lines = self._lines(period.number)
        async for transaction, digest in covered:
            line = await anext(lines, None)
            if line is None or line.transaction != transaction.id:
                expected = f"; {line.transaction} is sealed in its place" if line else ""
                return f"transaction {transaction.id} is not in the seal{expected}"
            if line.digest != digest:
                return f"transaction {transaction.id} is not as it was sealed"
            seals.add(self._sums, transaction.legs)
            seal.add(digest)
        missing = await anext(lines, None)
        if missing is not None:
            return f"transaction {missing.transaction} is gone"
        balances = seals.lines_of(self._sums)
        for was, is_now in zip(period.balances, balances, strict=False):
            if was != is_now:
                return f"the balance of {was.account} in {was.currency} is not as it was sealed"
        made = seal.finish(self._key, period.name, period.start, period.end, balances)
        if made != period.seal or seal.transactions != period.transactions:
            return "the seal is not what its contents give"
        self._transactions += seal.transactions
        self._seal, self._end = period.seal, period.end
        return None

    async def _lines(self, number: int) -> AsyncIterator[Line]:
        for place in count(0, _PAGE):
            page = await self._parts.database.read(
                partial(rows.lines, owner=self._key, number=number, after=place, limit=_PAGE)
            )
            for line in page:
                yield line
            if len(page) < _PAGE:
                return

    async def _strange(self) -> str | None:
        """A movement of a named account, within what is sealed, that no transaction made."""
        for account in await self._accounts.all(self._owner):
            after = 0
            while True:
                page = await self._parts.ledger.list_transfers(
                    ListTransfers(account.id, after, PAGE_MAX)
                )
                moved = [each for each in page.transfers if is_movement(each)]
                ids = [each.id for each in moved]
                known = await self._parts.database.read(
                    partial(entry_rows.transactions_of, owner=self._key, ids=ids)
                )
                for each in moved:
                    if each.id not in known and each.timestamp < self._end:
                        return f"transfer {each.id} of {account.name} was made past accounting"
                if len(page.transfers) < PAGE_MAX:
                    break
                after = page.transfers[-1].timestamp
        return None
