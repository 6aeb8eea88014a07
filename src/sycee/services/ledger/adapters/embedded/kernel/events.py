"""One event, or a chain of linked ones that is recorded whole or not at all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sycee.services.ledger.adapters.embedded.kernel import codes as c
from sycee.services.ledger.adapters.embedded.kernel import index
from sycee.services.ledger.adapters.embedded.kernel.book import (
    find_transfer,
    undo_openings,
    undo_transfers,
)
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.move import move
from sycee.services.ledger.adapters.embedded.kernel.opening import open_account
from sycee.services.ledger.adapters.embedded.kernel.repeat import repeated
from sycee.services.ledger.adapters.embedded.kernel.resolve import resolve
from sycee.services.ledger.adapters.embedded.kernel.state import (
    BASE,
    CHAIN,
    ENDED,
    FAILED,
    LAST_TRANSFER,
    ROWS,
    UNDO_ACCOUNTS,
    UNDO_RESOLVED,
    State,
    Work,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    ID,
    TIMESTAMP,
    ZERO,
    U,
    Words,
    flags,
    is_max,
    is_zero,
)

Codes = npt.NDArray[np.uint8]


@part
def chain_of_transfers(
    state: State,
    work: Work,
    events: Words,
    codes: Codes,
    first: int,
    imported: bool,
    last: int,
) -> int:
    """Record linked transfers, all or none; the place after them."""
    after = _chain_end(events, first, work.size)
    is_open = flags(events, after - 1) & c.LINKED != ZERO
    counts = state.counts
    row, ended, last_transfer = (
        counts[ROWS] - state.counts[BASE],
        counts[ENDED],
        counts[LAST_TRANSFER],
    )
    _begin_chain(state)
    failed = -1
    for place in range(first, after - 1 if is_open else after):
        code = create_transfer(state, work, events, place, imported, last)
        codes[place] = code
        if code:
            failed = place
            break
    if failed >= 0 or is_open:
        undo_transfers(state, work, row, ended, last_transfer)
        _tell_chain(codes, first, after, failed, is_open)
        if failed >= 0:
            burn(state, events, failed, codes[failed])
    counts[CHAIN] = 0
    return after


@part
def _begin_chain(state: State) -> None:
    state.counts[CHAIN] = 1
    state.counts[UNDO_ACCOUNTS] = 0
    state.counts[UNDO_RESOLVED] = 0


@part
def _chain_end(events: Words, place: int, size: int) -> int:
    while place < size and flags(events, place) & c.LINKED:
        place += 1
    return min(place + 1, size)


@part
def _tell_chain(codes: Codes, first: int, after: int, failed: int, is_open: bool) -> None:
    for place in range(first, after):
        if place != failed:
            codes[place] = c.LINKED_EVENT_FAILED
    if is_open:
        codes[after - 1] = c.LINKED_EVENT_CHAIN_OPEN


@part
def create_transfer(
    state: State, work: Work, events: Words, event: int, imported: bool, last: int
) -> int:
    kind = flags(events, event)
    is_imported = kind & c.IMPORTED != ZERO
    if is_imported != imported:
        return c.IMPORTED_NOT_EXPECTED if is_imported else c.IMPORTED_EXPECTED
    if not is_imported:
        if events[event, TIMESTAMP] != ZERO:
            return c.TIMESTAMP_MUST_BE_ZERO
    elif events[event, TIMESTAMP] == ZERO or events[event, TIMESTAMP] > c.TIMESTAMP_MAX:
        return c.TIMESTAMP_OUT_OF_RANGE
    elif events[event, TIMESTAMP] >= U(last):
        return c.TIMESTAMP_MUST_NOT_ADVANCE
    if kind & c.TRANSFER_RESERVED:
        return c.RESERVED_FLAG
    if is_zero(events, event, ID):
        return c.ID_ZERO
    if is_max(events, event, ID):
        return c.ID_MAX
    known = find_transfer(state, events, event, ID)
    if known != ZERO:
        return repeated(state, work, events, event, known)
    at = U(last - work.size + 1 + event)
    if kind & c.RESOLVING:
        return resolve(state, work, events, event, at)
    return move(state, work, events, event, at)


@part
def burn(state: State, events: Words, event: int, code: int) -> None:
    # Only the event that failed for a passing reason: those that failed with it may come again.
    if code in (
        c.DEBIT_NOT_FOUND,
        c.CREDIT_NOT_FOUND,
        c.PENDING_NOT_FOUND,
        c.EXCEEDS_CREDITS,
        c.EXCEEDS_DEBITS,
        c.DEBIT_CLOSED,
        c.CREDIT_CLOSED,
    ):
        index.insert(state.transfer_index, events[event, ID], events[event, ID + 1], U(FAILED))


@part
def chain_of_accounts(
    state: State,
    work: Work,
    events: Words,
    codes: Codes,
    first: int,
    imported: bool,
    last: int,
) -> int:
    """Open linked accounts, all or none; the place after them."""
    after = _chain_end(events, first, work.size)
    is_open = flags(events, after - 1) & c.LINKED != ZERO
    row = state.counts[ROWS] - state.counts[BASE]
    failed = -1
    for place in range(first, after - 1 if is_open else after):
        code = create_account(state, work, events, place, imported, last)
        codes[place] = code
        if code:
            failed = place
            break
    if failed >= 0 or is_open:
        undo_openings(state, work, row)
        _tell_chain(codes, first, after, failed, is_open)
    return after


@part
def create_account(
    state: State, work: Work, events: Words, event: int, imported: bool, last: int
) -> int:
    is_imported = flags(events, event) & c.ACCOUNT_IMPORTED != ZERO
    if is_imported != imported:
        return c.A_IMPORTED_NOT_EXPECTED if is_imported else c.A_IMPORTED_EXPECTED
    if not is_imported:
        if events[event, TIMESTAMP] != ZERO:
            return c.TIMESTAMP_MUST_BE_ZERO
    elif events[event, TIMESTAMP] == ZERO or events[event, TIMESTAMP] > c.TIMESTAMP_MAX:
        return c.A_TIMESTAMP_OUT_OF_RANGE
    elif events[event, TIMESTAMP] >= U(last):
        return c.A_TIMESTAMP_MUST_NOT_ADVANCE
    at = U(last - work.size + 1 + event)
    return open_account(state, work, events, event, at)
