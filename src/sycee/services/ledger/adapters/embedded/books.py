"""The books of the embedded engine: the compiled kernel, and the journal's rows beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sycee.kernel.refusal import Unavailable
from sycee.services.ledger.adapters.embedded.kernel import calls as kernel
from sycee.services.ledger.adapters.embedded.kernel.index import PAGES
from sycee.services.ledger.adapters.embedded.kernel.state import (
    ACCOUNTS,
    BASE,
    CHECKPOINTS,
    CLOCK,
    DUE,
    FAILED,
    LAST_TRANSFER,
    OPEN,
    OPEN_TOP,
    ROWS,
    SIDES,
    State,
)
from sycee.services.ledger.adapters.embedded.kernel.words import RECORD, Words
from sycee.services.ledger.adapters.embedded.postings import Postings
from sycee.services.ledger.adapters.embedded.rows import Rows
from sycee.services.ledger.domain import bits, entry
from sycee.services.ledger.domain.entry import (
    CALL,
    ENGINE_VERSION,
    HEADER,
    TRANSFERS,
    JournalDamaged,
    Layout,
    layout,
)
from sycee.services.ledger.domain.record import RECORD_BYTES

_FLAGS = np.uint64(48)
_NO_FETCH = np.empty((0, RECORD + 1), np.uint64)


class Batch(NamedTuple):
    """The records of one call."""

    kind: int
    events: Words


class Applied(NamedTuple):
    """What became of batches that were applied together: the codes of each, and the body."""

    codes: list[npt.NDArray[np.uint8]]
    body: bytes


def batch(kind: int, records: bytes) -> Batch:
    """A call's records as the kernel reads them."""
    return Batch(kind, np.frombuffer(records, np.uint64).reshape(-1, RECORD))


class CompiledBooks:
    """Everything the ledger knows."""

    def __init__(self, state: State, rows: Rows) -> None:
        self.state = state
        self.rows = rows
        self.postings = Postings()
        self.ledgers: set[int] = set()
        self._room = np.empty((0, RECORD), np.uint64)
        self._sides = np.empty((0, SIDES), np.int32)

    @property
    def timestamp(self) -> int:
        """The last nanosecond given away."""
        return int(self.state.counts[CLOCK])

    def apply(self, seq: int, begin: int, batches: Sequence[Batch]) -> Applied:
        """Apply batches as the entry ``seq``, beginning at nanosecond ``begin``.

        As ``domain.entry.apply``: the same results, the same body.
        """
        assert begin > self.timestamp, "time in the books only grows"
        events = sum(len(batch.events) for batch in batches)
        self._check_room(events)
        self._make_room(events + kernel.due(self.state, begin))
        expired = kernel.begin(self.state, self._room, self._sides, begin)
        codes = [self._execute(batch) for batch in batches]
        kernel.end(self.state, self._sides)
        first = int(self.state.counts[BASE])
        rows = self._room[: int(self.state.counts[ROWS]) - first]
        self.postings.add(self._sides[: len(rows)])
        body = _body(expired, batches, codes, rows)
        begin_of_rows = HEADER.size + CALL.size * len(batches) + events
        kept = np.frombuffer(body, np.uint64, rows.size, begin_of_rows).reshape(-1, RECORD)
        self.rows.add(seq, first, begin_of_rows, kept, int(self.state.counts[LAST_TRANSFER]))
        return Applied(codes, body)

    def row_count(self) -> int:
        """How many rows the journal has."""
        return int(self.state.counts[ROWS])

    def is_due(self, timestamp: int) -> bool:
        """Whether a pending transfer expires by then."""
        return bool(kernel.due(self.state, timestamp))

    def _check_room(self, events: int) -> None:
        """Stop before what was reserved is used up: compiled code does not look."""
        state, counts = self.state, self.state.counts
        used = (
            (counts[ACCOUNTS] + events, len(state.accounts)),
            (counts[OPEN_TOP] + events, len(state.open)),
            (counts[DUE] + events, len(state.due)),
            (counts[CHECKPOINTS] + 2 * events, len(state.checkpoints)),
            (int(state.account_index.counts[PAGES]) + events, len(state.account_index.pages) - 1),
            (int(state.transfer_index.counts[PAGES]) + events, len(state.transfer_index.pages) - 1),
        )
        if any(wanted > there for wanted, there in used):
            raise Unavailable("the books are full: this engine has room for no more")

    def _make_room(self, rows: int) -> None:
        if len(self._room) < rows:
            self._room = np.empty((rows + rows // 2, RECORD), np.uint64)
            self._sides = np.empty((rows + rows // 2, SIDES), np.int32)

    def _execute(self, batch: Batch) -> npt.NDArray[np.uint8]:
        codes = np.empty(len(batch.events), np.uint8)
        if batch.kind == TRANSFERS:
            fetched = self._fetched(batch.events)
            kernel.create_transfers(
                self.state, self._room, self._sides, fetched, batch.events, codes
            )
        else:
            taken = self._taken(batch.events)
            kernel.create_accounts(self.state, self._room, self._sides, taken, batch.events, codes)
            opened = batch.events[codes == 0, RECORD - 2] & np.uint64(2**32 - 1)
            self.ledgers.update(np.unique(opened).tolist())
        return codes

    def _fetched(self, events: Words) -> Words:
        """The old rows that transfers refer to, with their numbers."""
        wanted = np.empty(2 * len(events), np.int64)
        count = kernel.wanted(self.state, events, wanted)
        if count == 0:
            return _NO_FETCH
        # What an old post or void refers to is among them: a repeated one must name it too.
        numbers = self._old(wanted[:count])
        return np.column_stack((self.rows.fetch(numbers), numbers.astype(np.uint64)))

    def _old(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.unique(numbers[numbers < self.state.counts[BASE]])

    def _taken(self, events: Words) -> Words:
        """Of imported accounts, whether an old transfer has their nanosecond."""
        imported = (events[:, RECORD - 2] >> _FLAGS) & np.uint64(bits.ACCOUNT_IMPORTED) != 0
        if not imported.any():
            return _NO_FETCH
        taken = np.zeros((len(events), RECORD + 1), np.uint64)
        for event in np.flatnonzero(imported):
            timestamp = int(events[event, RECORD - 1])
            taken[event, RECORD] = self.rows.has_transfer_at(timestamp)
        return taken

    def find_accounts(self, ids: Sequence[int]) -> npt.NDArray[np.int64]:
        """The rows of accounts in ``state.accounts``; -1 of an unknown one."""
        found = np.empty(len(ids), np.int64)
        kernel.find_accounts(self.state, _with_ids(ids), found)
        return found

    def find_transfers(self, ids: Sequence[int]) -> Words:
        """The records of the transfers that exist, in the order in which they were asked for."""
        found = np.empty(len(ids), np.int64)
        kernel.find_transfers(self.state, _with_ids(ids), 0, found)
        return self.records(found[(found >= 0) & (found & 15 != FAILED)])

    def records(self, found: npt.NDArray[np.int64]) -> Words:
        """The records of transfers that the index has, open ones and old ones."""
        rows = np.empty((len(found), RECORD), np.uint64)
        is_open = found & 15 == OPEN
        rows[is_open] = self.state.open[found[is_open] >> 4, :RECORD]
        rows[~is_open] = self.fetch(found[~is_open] >> 4)
        return rows

    def fetch(self, numbers: npt.NDArray[np.int64]) -> Words:
        """Rows of the journal by number, in any order."""
        ascending, places = np.unique(numbers, return_inverse=True)
        found: Words = self.rows.fetch(ascending)[places]
        return found


def _with_ids(ids: Sequence[int]) -> Words:
    """Records that have ids and nothing else."""
    octets = b"".join(number.to_bytes(RECORD_BYTES, "little") for number in ids)
    return np.frombuffer(octets, np.uint64).reshape(-1, RECORD)


def _body(
    expired: int, batches: Sequence[Batch], codes: list[npt.NDArray[np.uint8]], rows: Words
) -> bytes:
    events = sum(map(len, codes))
    failed = [
        batch.events[results != 0]
        for batch, results in zip(batches, codes, strict=True)
        if results.any()
    ]
    return b"".join(
        (
            HEADER.pack(ENGINE_VERSION, expired, len(batches), events, len(rows)),
            *(CALL.pack(batch.kind, len(batch.events)) for batch in batches),
            *(results.tobytes() for results in codes),
            rows.data,
            *(events.data for events in failed),
        )
    )


def decoded(body: bytes) -> list[Batch]:
    """The batches of an entry, as they came but for what recording filled in."""
    parts: Layout = layout(body)
    codes = np.frombuffer(parts.codes, np.uint8)
    events = np.empty((len(codes), RECORD), np.uint64)
    recorded = codes == 0
    events[recorded] = _records(body, parts.rows_begin, parts.rows)[parts.expired :]
    events[~recorded] = _records(body, parts.failed_begin, len(codes) - parts.rows + parts.expired)
    batches, first = [], 0
    for kind, count in parts.calls:
        if kind not in (entry.ACCOUNTS, TRANSFERS):
            raise JournalDamaged(f"a call of unknown kind {kind}")
        mine = events[first : first + count]
        imported = np.uint64(bits.IMPORTED if kind == TRANSFERS else bits.ACCOUNT_IMPORTED)
        given = (mine[:, RECORD - 2] >> _FLAGS) & imported != 0
        mine[recorded[first : first + count] & ~given, RECORD - 1] = 0
        batches.append(Batch(kind, mine))
        first += count
    return batches


def _records(body: bytes, begin: int, count: int) -> Words:
    return np.frombuffer(body, np.uint64, count * RECORD_BYTES // 8, begin).reshape(-1, RECORD)
