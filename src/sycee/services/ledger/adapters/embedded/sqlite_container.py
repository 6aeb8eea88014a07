"""The journal in SQLite: a row per batch, a transaction per append."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from sycee.runtime import logs
from sycee.runtime.database.checkpoints import Checkpoints
from sycee.runtime.database.schema import Schema
from sycee.runtime.database.sqlite import open_connections
from sycee.services.ledger.adapters.embedded import book
from sycee.services.ledger.adapters.embedded.container import ContainerFailed
from sycee.services.ledger.adapters.embedded.disk import Folder
from sycee.services.ledger.adapters.embedded.owner import Claim, Dispossessed, Owner
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import Batch, following

_PACKAGE = "sycee.services.ledger"

Found = TypeVar("Found")
log = logs.logger("ledger")


def open_rows(path: Path) -> SqliteContainer:
    """Become the owner of the journal in a database, which is made where it is missing.

    Raises ``JournalInUse``, ``SchemaTooNew``, or ``sqlite3.Error``. Its lock is the one that every
    release takes before it opens the database.
    """
    folder = Folder(path.parent)
    claim = Claim(folder, f"{path.stem}.lock")
    try:
        schema = Schema(files(_PACKAGE).joinpath("schema.sql").read_text() + book.OWNER)
        with ExitStack() as opened:
            writing, reading, checkpoints = open_connections(path, schema, "ledger")
            opened.enter_context(closing(writing))
            opened.enter_context(closing(reading))
            opened.callback(checkpoints.end)
            reading.execute("PRAGMA query_only = ON")
            owner = claim.own(book.epoch(writing))
            book.own(writing, owner.epoch)
            container = SqliteContainer(path, owner, writing, reading, checkpoints)
            opened.pop_all()
    except BaseException:
        claim.release()
        raise
    return container


class SqliteContainer:
    """Keeps ``Container``.

    Moving what was committed from SQLite's log into its file is another thread's work. The epoch
    of the owner is a row that every transaction looks at, so that a former owner can add nothing.
    """

    def __init__(
        self,
        path: Path,
        owner: Owner,
        writing: sqlite3.Connection,
        reading: sqlite3.Connection,
        checkpoints: Checkpoints,
    ) -> None:
        self._path = path
        self._owner = owner
        self._writing = writing
        self._reading = reading
        self._reading_lock = threading.Lock()
        self._checkpoints = checkpoints
        self._failure: str | None = None
        self._is_closed = False
        self._head = book.head(writing)
        checkpoints.start(lambda: self._fail("a checkpoint failed"))

    @property
    def head(self) -> Batch:
        return self._head

    @property
    def bytes_on_disk(self) -> int:
        logged = self._path.with_name(f"{self._path.name}-wal")
        return sum(file.stat().st_size for file in (self._path, logged) if file.exists())

    def append(self, batches: Sequence[Batch]) -> None:
        self._check_usable()
        assert batches[0].seq == self._head.seq + 1, "batches come in order"
        try:
            self._write(batches)
        except (sqlite3.Error, Dispossessed) as fault:
            self._fail(f"the journal could not be written: {fault}")
            self._roll_back()
            raise ContainerFailed(self._failure) from fault
        except BaseException:
            self._fail("the journal could not be written")
            self._roll_back()
            raise
        self._head = batches[-1]._replace(body=b"")
        if self._checkpoints.is_due:
            self._checkpoints.catch_up()

    def batches(self, after: int) -> Iterator[Batch]:
        last = self._head.seq
        before = Batch(after, 0, self.hash_at(after) or b"", b"")
        for seq in range(after + 1, last + 1):
            batch = self._row(seq)
            if batch is None:
                raise JournalDamaged(f"batch {seq} is missing")
            if following(before, batch.timestamp, batch.body).hash != batch.hash:
                raise JournalDamaged(f"batch {seq} is not as it was written")
            yield batch
            before = batch

    def hash_at(self, seq: int) -> bytes | None:
        if seq == 0:
            return bytes(32)
        return self._read(lambda connection: book.hash_at(connection, seq))

    def read(self, seq: int, offset: int, size: int) -> bytes:
        return self._read(lambda connection: book.part(connection, seq, offset, size))

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._failure = self._failure or "the journal is closed"
        with self._reading_lock:
            self._reading.close()
        self._writing.close()
        self._checkpoints.end()
        self._owner.release()

    def _write(self, batches: Sequence[Batch]) -> None:
        connection = self._writing
        connection.execute("BEGIN IMMEDIATE")
        if book.epoch(connection) != self._owner.epoch:
            raise Dispossessed("the journal belongs to another process now")
        for batch in batches:
            book.add(connection, batch)
        connection.execute("COMMIT")

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")

    def _row(self, seq: int) -> Batch | None:
        try:
            return self._read(lambda connection: book.batch_at(connection, seq))
        except sqlite3.DatabaseError as fault:
            raise JournalDamaged(f"batch {seq} cannot be read: {fault}") from fault

    def _read(self, query: Callable[[sqlite3.Connection], Found]) -> Found:
        self._check_usable()
        with self._reading_lock:
            return query(self._reading)

    def _check_usable(self) -> None:
        if self._failure is not None:
            raise ContainerFailed(self._failure)

    def _fail(self, why: str) -> None:
        self._failure = f"{why}; the ledger must be started again"
        log.fault("journal_failed", batch=self._head.seq + 1)
