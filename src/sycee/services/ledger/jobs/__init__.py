"""What runs beside the calls: replay at the start, expiry, and the proof of the books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from sycee.runtime.database import Database
from sycee.runtime.database.calls import StatementFailed
from sycee.services.ledger import store
from sycee.services.ledger.adapters.embedded.disk import Folder
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.contract import Ledger
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Batch, Replay
from sycee.services.ledger.domain.proof import Finding, findings
from sycee.services.ledger.service import ReplayedLedger

Progress = Callable[[int, int], None]
"""Called now and then with the steps done and the steps there are."""


class Audit(msgspec.Struct, frozen=True):
    """What ``verify`` found. No findings: the books are proven."""

    batches: int
    accounts: int
    transfers: int
    findings: tuple[Finding, ...]
    ledger: Ledger | None
    """The books as replayed, for other services to compare with; None of a damaged journal."""


async def verify(database: Database, progress: Progress) -> Audit:
    """Prove the books from the journal alone. Only reads: the ledger may be running meanwhile.

    Checks the chain of hashes, that debits equal credits in every ledger, pending and posted, and
    that every account's balances are the sums of its transfers.
    """
    replay = Replay()
    try:
        await replay_into(replay, database, progress)
    except JournalDamaged as damage:
        return _damaged(replay, damage)
    return _proven(replay)


def verify_segments(folder: Path, progress: Progress) -> Audit:
    """``verify`` of a journal in raw segments, which must not be in use: ``JournalInUse`` if so."""
    replay = Replay()
    try:
        container = open_segments(Folder(folder))
    except JournalDamaged as damage:
        return _damaged(replay, damage)
    try:
        for batch in container.batches(0):
            replay.take(batch)
            progress(batch.seq, container.head.seq)
    except JournalDamaged as damage:
        return _damaged(replay, damage)
    finally:
        container.close()
    return _proven(replay)


def _proven(replay: Replay) -> Audit:
    books = ReplayedLedger(ReferenceEngine(replay.books))
    return _audit(replay, tuple(findings(replay.books)), books)


def _damaged(replay: Replay, damage: JournalDamaged) -> Audit:
    return _audit(replay, (Finding(f"log {replay.head.seq + 1}", str(damage)),), None)


def _audit(replay: Replay, found: tuple[Finding, ...], ledger: Ledger | None) -> Audit:
    books = replay.books
    return Audit(replay.head.seq, len(books.accounts), len(books.transfers), found, ledger)


async def replay_into(replay: Replay, database: Database, progress: Progress) -> None:
    """Take in the whole journal; ``JournalDamaged`` names the first batch that is not sound."""
    last = await database.read(store.last_seq)
    while batches := await _next(database, replay.head.seq):
        for batch in batches:
            replay.take(batch)
        progress(replay.head.seq, max(last, replay.head.seq))


async def _next(database: Database, after: int) -> list[Batch]:
    """The next batches; of a page that cannot be read whole, the first alone."""
    for size in (store.PAGE, 1):
        with suppress(StatementFailed):
            return await database.read(partial(store.page, after=after, limit=size))
    raise JournalDamaged(f"batch {after + 1} cannot be read")


class Expiring(Protocol):
    """A ledger that expires in time what is due though nobody calls."""

    async def expire_due(self) -> None:
        """Look once."""
        ...


class Checked(Protocol):
    """A ledger that proves its books while it runs."""

    async def check(self) -> None:
        """Compare what must always be equal, and stop when it is not."""
        ...


async def keep_checking(service: Checked, every_s: float) -> None:
    """See that the books hold, for as long as the process lives."""
    while True:
        await asyncio.sleep(every_s)
        await service.check()


async def keep_expiring(service: Expiring, every_s: float) -> None:
    """Expire pending transfers in time even when nobody calls."""
    while True:
        await asyncio.sleep(every_s)
        await service.expire_due()
