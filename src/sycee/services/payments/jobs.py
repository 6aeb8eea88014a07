"""What runs beside the calls: finishing attempts, lapses, maturing, forgetting, and the proof."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sycee.kernel.clock import after
from sycee.runtime.database import Database, Session
from sycee.services.ledger.contract import Ledger
from sycee.services.payments.contract.shared import AttemptId
from sycee.services.payments.domain.chart import chart
from sycee.services.payments.domain.proof import Finding
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.proving import Progress, Proof
from sycee.services.payments.service.searching import Indexer
from sycee.services.payments.service.whole import PaymentsService
from sycee.services.payments.store import attempts as attempt_rows
from sycee.services.payments.store import balances as balance_rows
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import keys as key_rows
from sycee.services.payments.store import velocity as velocity_rows
from sycee.services.payments.store.balances import Maturing

SLICE = 100
"""How many rows a job takes at once."""
RARELY_S = 60.0
DAY_S = 86_400
AT_ONCE_MAX = 16
"""Attempts that are finished at the same time."""


async def keep_sweeping(service: PaymentsService, parts: Parts) -> None:
    """Finish attempts whose outcome was unknown, first those that a crash left behind."""
    await _keep(lambda: sweep(service, parts), parts.settings.sweep_every_s)


async def keep_lapsing(service: PaymentsService, parts: Parts) -> None:
    """Cancel payments whose authorization has lapsed."""
    await _keep(lambda: lapse(service, parts), parts.settings.sweep_every_s)


async def keep_maturing(service: PaymentsService, parts: Parts) -> None:
    """Make money available that has waited long enough."""
    await _keep(lambda: mature(service, parts), parts.settings.sweep_every_s)


async def keep_disputing(service: PaymentsService, parts: Parts) -> None:
    """Take disputes through their course."""
    await _keep(service.course.go_on, parts.settings.sweep_every_s)


async def keep_forgetting(parts: Parts) -> None:
    """Drop idempotency keys and counts of limits that are old enough, in small slices."""
    await _keep(lambda: forget(parts), RARELY_S)


async def keep_looking_through(indexer: Indexer) -> None:
    """Let searches find what was there before they were."""
    await _keep(indexer.look_through, RARELY_S)


async def sweep(service: PaymentsService, parts: Parts) -> None:
    """Look at every open attempt once."""
    last = AttemptId("")
    while found := await _open_attempts(parts, last):
        for start in range(0, len(found), AT_ONCE_MAX):
            await asyncio.gather(*map(service.attempts.sweep, found[start : start + AT_ONCE_MAX]))
        last = found[-1]


async def lapse(service: PaymentsService, parts: Parts) -> None:
    """Cancel one slice of payments whose authorization has lapsed."""
    now = parts.clock.now()
    for charge in await parts.database.read(
        lambda session: charge_rows.lapsed(session, now, SLICE)
    ):
        await service.lapse(charge)


async def mature(service: PaymentsService, parts: Parts) -> None:
    """Move what is due from pending to available.

    A unit gathers what is due into maturings; the ledger moves each, under an id derived from it;
    a unit marks it done. A crash in between leaves an open maturing, which is moved again: the
    ledger recognises it.
    """
    while await parts.database.write(lambda session: _gather(session, parts)):
        pass
    while found := await parts.database.read(
        lambda session: balance_rows.open_maturings(session, SLICE)
    ):
        for maturing in found:
            purse = maturing.purse
            of = chart(purse.merchant, purse.livemode, purse.currency, purse.rail)
            await service.books.mature(maturing.id, of, maturing.net_minor)
        await _end(parts, found)


async def forget(parts: Parts) -> None:
    """Drop what is kept for a while only."""
    await forget_keys(parts)
    await forget_counts(parts)


async def forget_counts(parts: Parts) -> None:
    """Drop counts of periods that are over for a day, in case that clocks are set back."""
    before = after(parts.clock.now(), -DAY_S)
    while await parts.database.write(lambda session: velocity_rows.forget(session, before, SLICE)):
        pass


async def forget_keys(parts: Parts) -> None:
    """Drop old idempotency keys."""
    before = after(parts.clock.now(), -parts.settings.keep_keys_s)
    while await parts.database.write(lambda session: key_rows.forget(session, before, SLICE)):
        pass


async def _open_attempts(parts: Parts, last: AttemptId) -> Sequence[AttemptId]:
    return await parts.database.read(lambda session: attempt_rows.open_ones(session, last, SLICE))


async def _end(parts: Parts, maturings: Sequence[Maturing]) -> None:
    def unit(session: Session) -> None:
        for maturing in maturings:
            balance_rows.end_maturing(session, maturing.id)

    await parts.database.write(unit)


async def horizon(database: Database) -> int:
    """How far endings have come. To be asked before the ledger is read; see ``verify``."""
    return await database.read(attempt_rows.last_closing)


async def verify(
    database: Database, ledger: Ledger, progress: Progress, until: int | None = None
) -> tuple[Finding, ...]:
    """Prove payments against the ledger. Only reads: the platform may be running meanwhile.

    ``ledger`` is best the books as replayed, which stand still. For a running platform, ``until``
    is the ``horizon`` that was read before the books were; None means that nothing is running.

    Why a difference that is only due to time is no finding. Let payments' horizon be read first,
    then the books, then the records of payments.

    - The ledger is told before an attempt is closed. So whatever was closed up to the horizon is
      in the books wholly, and only that is demanded of them.
    - An attempt is recorded before the ledger is told of it, and a maturing likewise. So whatever
      is in the books belongs to a record that is read later, and all of it can be accounted for:
      the sums of the transfers that payments knows of must be the balances, to the last unit.
    - A record is read in one query, and every unit that changes one leaves it in agreement with
      itself. So it must agree whenever it is read.
    """
    return tuple([finding async for finding in Proof(database, ledger, progress, until).findings()])


def _gather(session: Session, parts: Parts) -> int:
    """Gather one slice of due transactions into maturings; how many were due."""
    due = balance_rows.due(session, parts.clock.now(), SLICE)
    for purse, transactions in due.items():
        balance_rows.begin_maturing(session, parts.ids.new("mat"), purse, transactions)
    return sum(map(len, due.values()))


async def _keep(run: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        await run()
        await asyncio.sleep(every_s)
