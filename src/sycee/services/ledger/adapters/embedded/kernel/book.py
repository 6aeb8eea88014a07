"""Changes of the books that can be taken back: balances, the index, what is open, what is due."""

from __future__ import annotations

import numpy as np

from sycee.services.ledger.adapters.embedded.kernel import index
from sycee.services.ledger.adapters.embedded.kernel.codes import (
    CLOSED,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    PENDING,
)
from sycee.services.ledger.adapters.embedded.kernel.due import push
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.state import (
    ACCOUNTS,
    BASE,
    CHAIN,
    CREDIT_ROW,
    DEBIT_ROW,
    ENDED,
    ENDED_PLACES,
    EXPIRED,
    FREE,
    FREE_PLACES,
    JUST_EXPIRED,
    JUST_VOIDED,
    LAST_TRANSFER,
    LIFE,
    NO_ROW,
    OPEN,
    OPEN_TOP,
    OPENED_NOW,
    POSTED,
    RECORDED,
    ROW_NUMBER,
    ROWS,
    STATUS_BITS,
    STATUS_MASK,
    UNDO_ACCOUNTS,
    UNDO_PLACES,
    UNDO_RESOLVED,
    VOIDED,
    State,
    Work,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    AMOUNT,
    CREDITS_PENDING,
    DEBITS_PENDING,
    FLAGS_SHIFT,
    ID,
    LEDGER_CODE_FLAGS,
    ONE,
    RECORD,
    TIMESTAMP,
    ZERO,
    U,
    Words,
    copy,
    decrease,
    first_from,
    flags,
    timeout_s,
)


@part
def status_of(known: np.uint64) -> int:
    """The status in what ``index.find`` gave of a transfer."""
    return np.int64((known - ONE) & STATUS_MASK)


@part
def value_of(known: np.uint64) -> int:
    """The value in what ``index.find`` gave of a transfer."""
    return np.int64((known - ONE) >> STATUS_BITS)


@part
def _entry(status: int, value: int) -> np.uint64:
    return U(value) << STATUS_BITS | U(status)


@part
def find_transfer(state: State, rows: Words, row: int, word: int) -> np.uint64:
    """What the index has under the id in a record's word; zero when nothing."""
    return index.find(state.transfer_index, rows[row, word], rows[row, word + 1])


@part
def find_account(state: State, rows: Words, row: int, word: int) -> int:
    """The row of the account whose id is in a record's word; -1 of an unknown one."""
    known = index.find(state.account_index, rows[row, word], rows[row, word + 1])
    return np.int64(known) - 1


@part
def touch(state: State, row: int) -> None:
    """Announce a change of an account; inside a chain, what it held is kept."""
    if state.counts[CHAIN]:
        kept = state.counts[UNDO_ACCOUNTS]
        copy(state.accounts, row, state.undo_accounts, kept)
        state.undo_accounts[kept, RECORD] = U(row)
        state.counts[UNDO_ACCOUNTS] = kept + 1


@part
def record(
    state: State, work: Work, rows: Words, row: int, at: np.uint64, debit: int, credit: int
) -> int:
    """Add a record to the rows of the entry, stamped, with its accounts; its place among them."""
    number = state.counts[ROWS]
    place = number - state.counts[BASE]
    copy(rows, row, work.rows, place)
    work.rows[place, TIMESTAMP] = at
    work.sides[place, 0] = debit
    work.sides[place, 1] = credit
    state.counts[ROWS] = number + 1
    return place


@part
def index_recorded(state: State, work: Work, place: int, status: int, value: int) -> None:
    """Make the transfer in the entry's rows findable."""
    rows = work.rows
    entry = _entry(status, value)
    index.insert(state.transfer_index, rows[place, ID], rows[place, ID + 1], entry)
    state.counts[LAST_TRANSFER] = np.int64(rows[place, TIMESTAMP])


@part
def open_pending(state: State, work: Work, row: int, debit: int, credit: int) -> None:
    """Keep the pending transfer in the entry's rows where it can be resolved or expire."""
    counts, kept = state.counts, state.open
    if counts[FREE] > 0:
        counts[FREE] -= 1
        place = state.places[counts[FREE], FREE_PLACES]
    else:
        place = counts[OPEN_TOP]
        counts[OPEN_TOP] += 1
    copy(work.rows, row, kept, place)
    kept[place, DEBIT_ROW] = U(debit)
    kept[place, CREDIT_ROW] = U(credit)
    kept[place, ROW_NUMBER] = U(state.counts[BASE] + row)
    counts[OPENED_NOW] += 1
    index_recorded(state, work, row, OPEN, place)
    if timeout_s(kept, place) != ZERO:
        push(state, place)


@part
def end_pending(state: State, place: int, status: int) -> None:
    """An open pending transfer is resolved: posted, voided or expired."""
    counts, kept = state.counts, state.open
    entry = _entry(status, place)
    index.replace(state.transfer_index, kept[place, ID], kept[place, ID + 1], entry)
    kept[place, LIFE] += ONE
    state.places[counts[ENDED], ENDED_PLACES] = place
    counts[ENDED] += 1
    counts[OPENED_NOW] -= 1
    if counts[CHAIN]:
        state.places[counts[UNDO_RESOLVED], UNDO_PLACES] = place
        counts[UNDO_RESOLVED] += 1


@part
def release(state: State, pending: Words, place: int, debit: int, credit: int) -> None:
    """Take a pending amount from both accounts' pending balances."""
    low, high = pending[place, AMOUNT], pending[place, AMOUNT + 1]
    decrease(state.accounts, debit, DEBITS_PENDING, low, high)
    decrease(state.accounts, credit, CREDITS_PENDING, low, high)


@part
def reopen(state: State, pending: Words, place: int, debit: int, credit: int) -> None:
    """Open the accounts again that a pending transfer had closed."""
    kind = flags(pending, place)
    if kind & CLOSING_DEBIT:
        state.accounts[debit, LEDGER_CODE_FLAGS] &= ~(CLOSED << FLAGS_SHIFT)
    if kind & CLOSING_CREDIT:
        state.accounts[credit, LEDGER_CODE_FLAGS] &= ~(CLOSED << FLAGS_SHIFT)


@part
def settle_ended(state: State) -> None:
    """At the end of an entry: what it resolved is from now on looked up among old rows."""
    counts, kept = state.counts, state.open
    for at in range(counts[ENDED]):
        place = state.places[at, ENDED_PLACES]
        low, high = kept[place, ID], kept[place, ID + 1]
        status = status_of(index.find(state.transfer_index, low, high))
        final = POSTED
        if status == JUST_VOIDED:
            final = VOIDED
        elif status == JUST_EXPIRED:
            final = EXPIRED
        entry = _entry(final, np.int64(kept[place, ROW_NUMBER]))
        index.replace(state.transfer_index, low, high, entry)
        _free(state, place)
    counts[ENDED] = 0


@part
def _free(state: State, place: int) -> None:
    state.open[place, ROW_NUMBER] = NO_ROW
    state.places[state.counts[FREE], FREE_PLACES] = place
    state.counts[FREE] += 1


@part
def undo_transfers(state: State, work: Work, first: int, ended: int, last_transfer: int) -> None:
    """Take back all that a chain changed: it began at row ``first`` of the entry's rows."""
    counts, rows = state.counts, work.rows
    _undo_accounts(state)
    for at in range(counts[UNDO_RESOLVED]):
        place = state.places[at, UNDO_PLACES]
        kept = state.open
        entry = _entry(OPEN, place)
        index.replace(state.transfer_index, kept[place, ID], kept[place, ID + 1], entry)
        kept[place, LIFE] -= ONE
        counts[OPENED_NOW] += 1
    counts[UNDO_RESOLVED] = 0
    counts[ENDED] = ended
    for row in range(counts[ROWS] - state.counts[BASE] - 1, first - 1, -1):
        if flags(rows, row) & PENDING:
            place = value_of(find_transfer(state, rows, row, ID))
            state.open[place, LIFE] += ONE
            counts[OPENED_NOW] -= 1
            _free(state, place)
        index.remove(state.transfer_index, rows[row, ID], rows[row, ID + 1])
    counts[ROWS] = state.counts[BASE] + first
    counts[LAST_TRANSFER] = last_transfer


@part
def _undo_accounts(state: State) -> None:
    for kept in range(state.counts[UNDO_ACCOUNTS] - 1, -1, -1):
        row = np.int64(state.undo_accounts[kept, RECORD])
        copy(state.undo_accounts, kept, state.accounts, row)
    state.counts[UNDO_ACCOUNTS] = 0


@part
def undo_openings(state: State, work: Work, first: int) -> None:
    """Take back the accounts that a chain opened, from row ``first`` of the entry's rows on."""
    counts, rows = state.counts, work.rows
    for row in range(counts[ROWS] - state.counts[BASE] - 1, first - 1, -1):
        index.remove(state.account_index, rows[row, ID], rows[row, ID + 1])
        counts[ACCOUNTS] -= 1
    counts[ROWS] = state.counts[BASE] + first


@part
def is_kept(status: int) -> bool:
    """Whether the record of a transfer of that status is an old row, to be fetched."""
    return status in (RECORDED, POSTED, VOIDED, EXPIRED)


@part
def load(state: State, work: Work, known: np.uint64, place: int) -> None:
    """Copy the record of a known transfer to one of the places for that in ``open``."""
    status, value = status_of(known), value_of(known)
    if not is_kept(status):
        copy(state.open, value, state.open, place)
    elif value >= state.counts[BASE]:
        copy(work.rows, value - state.counts[BASE], state.open, place)
    else:
        row = first_from(work.fetched, work.fetched_count, RECORD, U(value))
        copy(work.fetched, row, state.open, place)
