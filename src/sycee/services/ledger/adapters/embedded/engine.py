"""The embedded engine: compiled books, the journal that feeds them, and snapshots to start from."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from sycee.kernel.refusal import Unavailable
from sycee.runtime import metrics
from sycee.services.ledger.adapters.embedded import reading, saving
from sycee.services.ledger.adapters.embedded.books import CompiledBooks, batch, decoded
from sycee.services.ledger.adapters.embedded.container import Container, ContainerFailed
from sycee.services.ledger.adapters.embedded.kernel.state import State, empty
from sycee.services.ledger.adapters.embedded.rows import Read, Rows
from sycee.services.ledger.adapters.embedded.snapshots import Snapshots
from sycee.services.ledger.contract import (
    Accounts,
    BalancesAt,
    Changes,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Transfers,
    TrialBalance,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.engine import unequal
from sycee.services.ledger.domain.entry import Call, Entry, JournalDamaged
from sycee.services.ledger.domain.journal import Batch, following

Progress = Callable[[int, int], None]
"""Called now and then with the batches done and the batches there are."""

ACCOUNTS_MAX = 1 << 27
TRANSFERS_MAX = 1 << 30
OPEN_MAX = 1 << 26
"""How far the books may grow: address space is set apart for as much, memory only when used."""

CACHE_BYTES = 64 << 20
"""Of the latest rows, kept at hand for what refers to them."""


class EmbeddedEngine:
    """Keeps ``Engine`` by the compiled kernel."""

    def __init__(self, books: CompiledBooks, seq: int) -> None:
        self.books = books
        self.seq = seq
        self.restored_rows = 0
        """Rows that came from a snapshot."""

    @property
    def timestamp(self) -> int:
        return self.books.timestamp

    def apply(self, begin: int, calls: Sequence[Call]) -> Entry:
        batches = [batch(call.kind, call.records) for call in calls]
        applied = self.books.apply(self.seq + 1, begin, batches)
        self.seq += 1
        return Entry([codes.tobytes() for codes in applied.codes], applied.body)

    def replay(self, entry: Batch) -> None:
        """Apply an entry of the journal again; it must come out as it was written."""
        if entry.timestamp <= self.timestamp:
            raise JournalDamaged(f"batch {entry.seq} goes back in time")
        try:
            batches = decoded(entry.body)
        except JournalDamaged as damage:
            raise JournalDamaged(f"batch {entry.seq} cannot be read: {damage}") from damage
        self.seq = entry.seq
        if self.books.apply(entry.seq, entry.timestamp, batches).body != entry.body:
            raise JournalDamaged(
                f"batch {entry.seq} was recorded by other rules: its results differ"
            )

    def is_due(self, timestamp: int) -> bool:
        return self.books.is_due(timestamp)

    def breaches(self) -> list[str]:
        lines = self.trial_balance(TrialBalanceQuery()).lines
        found = unequal(lines)
        pending, open_ = sum(line.debits_pending for line in lines), reading.open_total(self.books)
        if pending != open_:
            found.append(f"{pending} are pending in accounts, {open_} in pending transfers")
        return found

    def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        return reading.lookup_accounts(self.books, query)

    def lookup_transfers(self, query: LookupTransfers) -> Transfers:
        return reading.lookup_transfers(self.books, query)

    def list_transfers(self, query: ListTransfers) -> Transfers:
        return reading.list_transfers(self.books, query)

    def trial_balance(self, query: TrialBalanceQuery) -> TrialBalance:
        return reading.trial_balance(self.books, query)

    def balances_at(self, query: BalancesAt) -> Accounts:
        return reading.balances_at(self.books, query)

    def list_changes(self, query: ListChanges) -> Changes:
        return reading.list_changes(self.books, query)


class ContainerJournal:
    """The journal in a container, written by a thread of its own."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._head = container.head
        self._writer = ThreadPoolExecutor(1, "ledger-journal")

    async def append(self, timestamp: int, body: bytes) -> None:
        """Add the next entry; ``Unavailable`` when it may not be on disk, and ever after."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writer, self._append, timestamp, body)
        except ContainerFailed as failure:
            raise Unavailable(str(failure)) from failure

    def _append(self, timestamp: int, body: bytes) -> None:
        entry = following(self._head, timestamp, body)
        self._container.append((entry,))
        self._head = entry._replace(body=b"")
        metrics.ledger_head().set(entry.seq)

    @property
    def head(self) -> Batch:
        """The last entry on disk, without its body."""
        return self._head

    def close(self) -> None:
        """Let go of the journal."""
        self._writer.shutdown()
        self._container.close()


def restore(
    container: Container,
    snapshots: Snapshots | None,
    progress: Progress,
    new_state: Callable[[], State] = lambda: empty(ACCOUNTS_MAX, TRANSFERS_MAX, OPEN_MAX),
) -> EmbeddedEngine:
    """The books of a journal: from the newest snapshot, if any, and what followed it.

    Raises ``JournalDamaged`` rather than open wrong books.
    """
    books = CompiledBooks(new_state(), Rows(_reading(container), CACHE_BYTES))
    engine = EmbeddedEngine(books, 0)
    snapshot = snapshots and snapshots.newest(lambda seq, digest: container.hash_at(seq) == digest)
    if snapshot and saving.is_readable(snapshot.sections):
        saving.load(books, snapshot.sections)
        engine.seq = snapshot.seq
        engine.restored_rows = books.row_count()
    last = container.head.seq
    for entry in _read_ahead(container.batches(engine.seq)):
        engine.replay(entry)
        progress(entry.seq, last)
    return engine


def _reading(container: Container) -> Read:
    """Reads old rows; a disk that does not give them back makes the ledger unavailable."""

    def read(seq: int, begin: int, size: int) -> bytes:
        try:
            return container.read(seq, begin, size)
        except (ContainerFailed, OSError, sqlite3.Error) as fault:
            raise Unavailable(f"an old row cannot be read: {fault}") from fault

    return read


def _read_ahead(entries: Iterator[Batch]) -> Iterator[Batch]:
    """The entries; each is read and proved while the one before is applied."""
    with ThreadPoolExecutor(1, "ledger-replay") as reader:
        coming = reader.submit(next, entries, None)
        while (entry := coming.result()) is not None:
            coming = reader.submit(next, entries, None)
            yield entry


def save(engine: EmbeddedEngine, journal: ContainerJournal, snapshots: Snapshots) -> None:
    """Write a snapshot of the books as they are; nothing may change them meanwhile."""
    head = journal.head
    assert head.seq == engine.seq, "the disk has caught up with the books"
    snapshots.save(head.seq, head.hash, saving.sections(engine.books))
