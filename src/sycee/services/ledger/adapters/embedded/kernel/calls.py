"""What Python calls: an entry begins, takes batches of events in order, and ends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.kernel import codes as c
from sycee.services.ledger.adapters.embedded.kernel.book import (
    find_account,
    find_transfer,
    is_kept,
    settle_ended,
    status_of,
    value_of,
)
from sycee.services.ledger.adapters.embedded.kernel.due import is_over, sweep
from sycee.services.ledger.adapters.embedded.kernel.events import (
    Codes,
    burn,
    chain_of_accounts,
    chain_of_transfers,
    create_account,
    create_transfer,
)
from sycee.services.ledger.adapters.embedded.kernel.jit import all_compiled, entry
from sycee.services.ledger.adapters.embedded.kernel.past import balance_before, note
from sycee.services.ledger.adapters.embedded.kernel.resolve import expire
from sycee.services.ledger.adapters.embedded.kernel.state import (
    ACCOUNTS,
    BASE,
    CLOCK,
    DUE,
    FIRST_PLACE,
    NO_ROW,
    OPEN_TOP,
    ROW_NUMBER,
    ROWS,
    SIDES,
    TOTALS,
    State,
    empty,
    in_tables,
    number_table,
    record_table,
    sides_table,
    totals_table,
    work_in_tables,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    AMOUNT,
    DEBITS_PENDING,
    ID,
    ONE,
    PENDING_ID,
    RECORD,
    ZERO,
    U,
    Words,
    add,
    flags,
    ledger,
)

Numbers = npt.NDArray[np.int64]
Sides = npt.NDArray[np.int32]

_STATE = empty(1, 1, 1)
_ROWS = np.zeros((1, RECORD), np.uint64)
_FETCHED = np.zeros((1, RECORD + 1), np.uint64)
_EVENTS = np.frombuffer(bytes(128), np.uint64).reshape(1, RECORD)
_CODES = np.zeros(1, np.uint8)
_SIDES = np.zeros((1, SIDES), np.int32)
_NUMBERS = np.zeros(1, np.int64)
_TOTALS = np.zeros((1, TOTALS), np.uint64)


@entry(_STATE, _EVENTS, _NUMBERS)
def wanted(books: State, records: Words, numbers: Numbers) -> int:
    """The numbers of old rows that transfers refer to, as found; how many.

    ``numbers`` has room for two per event.
    """
    state, events = in_tables(books), record_table(records)
    count = 0
    for event in range(len(records)):
        known = find_transfer(state, events, event, ID)
        if known != ZERO and is_kept(status_of(known)):
            numbers[count] = value_of(known)
            count += 1
        if flags(events, event) & c.RESOLVING:
            known = find_transfer(state, events, event, PENDING_ID)
            if known != ZERO and is_kept(status_of(known)):
                numbers[count] = value_of(known)
                count += 1
    return count


@entry(_STATE, _EVENTS, 1, _NUMBERS)
def find_transfers(books: State, records: Words, word: int, found: Numbers) -> None:
    """What the index has under the ids in the records' word: ``value << STATUS_BITS | status``,
    or -1 of an unknown one."""
    state, events = in_tables(books), record_table(records)
    for row in range(len(records)):
        found[row] = np.int64(find_transfer(state, events, row, word)) - 1


@entry(_STATE, _EVENTS, _NUMBERS)
def find_accounts(books: State, records: Words, found: Numbers) -> None:
    """The rows of the accounts whose ids begin the records; -1 of an unknown one."""
    state, events = in_tables(books), record_table(records)
    for row in range(len(records)):
        found[row] = find_account(state, events, row, ID)


@entry(_STATE, _ROWS, _SIDES, 1)
def begin(books: State, rows: Words, sides: Sides, timestamp: int) -> int:
    """Begin an entry: expire what is due; how many did."""
    state, work = in_tables(books), work_in_tables(rows, sides, rows, 0)
    state.counts[CLOCK] = timestamp
    state.counts[BASE] = state.counts[ROWS]
    expire(state, work, U(timestamp))
    return state.counts[ROWS] - state.counts[BASE]


@entry(_STATE, 1)
def due(books: State, timestamp: int) -> int:
    """How many expire when an entry begins at that time."""
    state = in_tables(books)
    count = 0
    if state.counts[DUE] == 0 or state.due[0, 0] > U(timestamp):
        return count
    for at in range(state.counts[DUE]):
        if state.due[at, 0] <= U(timestamp) and not is_over(state, at):
            count += 1
    return count


@entry(_STATE, _SIDES)
def end(books: State, sides: Sides) -> None:
    """End an entry."""
    state = in_tables(books)
    settle_ended(state)
    sweep(state)
    note(state, sides_table(sides))


@entry(_STATE, _ROWS, _SIDES, _FETCHED, _EVENTS, _CODES)
def create_transfers(
    books: State, rows: Words, sides: Sides, fetched: Words, records: Words, results: Codes
) -> None:
    """Record transfers, one code each."""
    size = len(records)
    state, work = in_tables(books), work_in_tables(rows, sides, fetched, size)
    events, codes = record_table(records), number_table(results)
    state.counts[CLOCK] += size
    last = state.counts[CLOCK]
    imported = size > 0 and flags(events, 0) & c.IMPORTED != ZERO
    place = 0
    while place < size:
        if flags(events, place) & c.LINKED:
            place = chain_of_transfers(state, work, events, codes, place, imported, last)
        else:
            code = create_transfer(state, work, events, place, imported, last)
            if code:
                burn(state, events, place, code)
            codes[place] = code
            place += 1


@entry(_STATE, _ROWS, _SIDES, _FETCHED, _EVENTS, _CODES)
def create_accounts(
    books: State, rows: Words, sides: Sides, fetched: Words, records: Words, results: Codes
) -> None:
    """Open accounts, one code each."""
    size = len(records)
    state, work = in_tables(books), work_in_tables(rows, sides, fetched, size)
    events, codes = record_table(records), number_table(results)
    state.counts[CLOCK] += size
    last = state.counts[CLOCK]
    imported = size > 0 and flags(events, 0) & c.ACCOUNT_IMPORTED != ZERO
    place = 0
    while place < size:
        if flags(events, place) & c.LINKED:
            place = chain_of_accounts(state, work, events, codes, place, imported, last)
        else:
            codes[place] = create_account(state, work, events, place, imported, last)
            place += 1


@entry(_STATE, 1, 1, 1)
def checkpoint(books: State, account: int, rows: int, timestamp: int) -> int:
    """Place of the latest checkpoint of an account that holds nothing beyond the first ``rows``
    rows nor later than ``timestamp``; -1 when there is none."""
    return balance_before(in_tables(books), account, rows, timestamp)


@entry(_STATE, _NUMBERS, _TOTALS)
def add_up(books: State, ledgers: Numbers, totals: Words) -> None:
    """Sum the accounts of each ledger; ``ledgers`` are all there are, in order.

    A row of ``totals`` has the four balances and the number of accounts.
    """
    state, sums = in_tables(books), totals_table(totals)
    last = 0
    for account in range(state.counts[ACCOUNTS]):
        where = np.int64(ledger(state.accounts, account))
        if ledgers[last] != where:
            last = np.searchsorted(ledgers, where)
        for balance in range(4):
            word, sum_word = DEBITS_PENDING + 2 * balance, 3 * balance
            low, high, is_over = add(
                sums[last, sum_word],
                sums[last, sum_word + 1],
                state.accounts[account, word],
                state.accounts[account, word + 1],
            )
            sums[last, sum_word], sums[last, sum_word + 1] = low, high
            if is_over:
                sums[last, sum_word + 2] += ONE
        sums[last, TOTALS - 1] += ONE


@entry(_STATE, _TOTALS)
def add_up_open(books: State, totals: Words) -> None:
    """Sum the amounts of all open pending transfers, in the first three words."""
    state, sums = in_tables(books), totals_table(totals)
    for place in range(FIRST_PLACE, state.counts[OPEN_TOP]):
        if state.open[place, ROW_NUMBER] != NO_ROW:
            low, high, is_over = add(
                sums[0, 0], sums[0, 1], state.open[place, AMOUNT], state.open[place, AMOUNT + 1]
            )
            sums[0, 0], sums[0, 1] = low, high
            if is_over:
                sums[0, 2] += ONE


all_compiled()
