"""Posting, voiding and expiring pending transfers: the rules in order of precedence."""

from __future__ import annotations

import numpy as np

from sycee.services.ledger.adapters.embedded.kernel import codes as c
from sycee.services.ledger.adapters.embedded.kernel.book import (
    end_pending,
    find_transfer,
    index_recorded,
    load,
    record,
    release,
    reopen,
    status_of,
    touch,
    value_of,
)
from sycee.services.ledger.adapters.embedded.kernel.due import due_at, is_over, pop
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.move import closed, regresses
from sycee.services.ledger.adapters.embedded.kernel.state import (
    BASE,
    CLOCK,
    CREDIT_ROW,
    DEBIT_ROW,
    DUE,
    EXPIRED,
    FAILED,
    JUST_EXPIRED,
    JUST_POSTED,
    JUST_VOIDED,
    LAST_EXPIRY,
    OPEN,
    POSTED,
    RECORDED,
    REFERRED,
    VOIDED,
    State,
    Work,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    AMOUNT,
    CREDIT,
    CREDITS_POSTED,
    DEBIT,
    DEBITS_POSTED,
    FLAGS_SHIFT,
    ID,
    LEDGER_AND_CODE,
    LEDGER_CODE_FLAGS,
    LOW_32,
    PENDING_ID,
    TIMESTAMP,
    USER_32_AND_TIMEOUT,
    USER_64,
    USER_128,
    ZERO,
    U,
    Words,
    code,
    flags,
    increase,
    is_less,
    is_max,
    is_zero,
    ledger,
    same,
    timeout_s,
    user_32,
)


@part
def resolve(state: State, work: Work, events: Words, event: int, at: np.uint64) -> int:
    """Post or void a pending transfer, or say why not."""
    kind = flags(events, event)
    refused = _misshapen(events, event, kind)
    if refused:
        return refused
    known = find_transfer(state, events, event, PENDING_ID)
    if known == ZERO or status_of(known) == FAILED:
        return c.PENDING_NOT_FOUND
    status = status_of(known)
    if status == RECORDED:
        return c.PENDING_NOT_PENDING
    pending, place = state.open, value_of(known)
    if status in (POSTED, VOIDED, EXPIRED):
        load(state, work, known, REFERRED)
        place = np.int64(REFERRED)
    low, high = _resolved_amount(events, event, kind, pending, place)
    refused = _different(events, event, pending, place)
    if refused:
        return refused
    refused = _wrong_amount(kind, low, high, pending, place)
    if refused:
        return refused
    refused = _ended(status, pending, place, at)
    if refused:
        return refused
    if kind & c.IMPORTED:
        if regresses(state, events[event, TIMESTAMP]):
            return c.TIMESTAMP_MUST_NOT_REGRESS
        at = events[event, TIMESTAMP]
    debit, credit = np.int64(pending[place, DEBIT_ROW]), np.int64(pending[place, CREDIT_ROW])
    if kind & c.POST_PENDING:
        refused = closed(state, debit, credit)
        if refused:
            return refused
    touch(state, debit)
    touch(state, credit)
    release(state, pending, place, debit, credit)
    if kind & c.POST_PENDING:
        increase(state.accounts, debit, DEBITS_POSTED, low, high)
        increase(state.accounts, credit, CREDITS_POSTED, low, high)
        end_pending(state, place, JUST_POSTED)
    else:
        reopen(state, pending, place, debit, credit)
        end_pending(state, place, JUST_VOIDED)
    row = record(state, work, events, event, at, debit, credit)
    _complete(work.rows, row, pending, place, low, high)
    index_recorded(state, work, row, RECORDED, state.counts[BASE] + row)
    return c.OK


@part
def expire(state: State, work: Work, at: np.uint64) -> None:
    """Void every pending transfer whose time is up at nanosecond ``at``, the earliest first.

    Each takes the next nanosecond of the books for itself."""
    while state.counts[DUE] > 0 and state.due[0, 0] <= at:
        if not is_over(state, 0):
            _expire(state, work, np.int64(state.due[0, 2]))
        pop(state)


@part
def _expire(state: State, work: Work, place: int) -> None:
    pending = state.open
    debit, credit = np.int64(pending[place, DEBIT_ROW]), np.int64(pending[place, CREDIT_ROW])
    release(state, pending, place, debit, credit)
    reopen(state, pending, place, debit, credit)
    end_pending(state, place, JUST_EXPIRED)
    state.counts[CLOCK] += 1
    state.counts[LAST_EXPIRY] = state.counts[CLOCK]
    row = record(state, work, pending, place, U(state.counts[CLOCK]), debit, credit)
    rows = work.rows
    for half in range(2):
        rows[row, PENDING_ID + half] = rows[row, ID + half]
        rows[row, ID + half] = ZERO
    told = rows[row, LEDGER_CODE_FLAGS] & LEDGER_AND_CODE
    rows[row, LEDGER_CODE_FLAGS] = told | c.EXPIRED_ROW << FLAGS_SHIFT


@part
def _misshapen(events: Words, event: int, kind: np.uint64) -> int:
    if kind & c.RESOLVING == c.RESOLVING or kind & c.NOT_IN_RESOLVING:
        return c.FLAGS_EXCLUSIVE
    if is_zero(events, event, PENDING_ID):
        return c.PENDING_ID_ZERO
    if is_max(events, event, PENDING_ID):
        return c.PENDING_ID_MAX
    if (
        events[event, PENDING_ID] == events[event, ID]
        and events[event, PENDING_ID + 1] == events[event, ID + 1]
    ):
        return c.PENDING_ID_OWN
    if timeout_s(events, event) != ZERO:
        return c.TIMEOUT_RESERVED
    return c.OK


@part
def _resolved_amount(
    events: Words, event: int, kind: np.uint64, pending: Words, place: int
) -> tuple[np.uint64, np.uint64]:
    if kind & c.VOID_PENDING:
        whole = is_zero(events, event, AMOUNT)
    else:
        whole = is_max(events, event, AMOUNT)
    if whole:
        return pending[place, AMOUNT], pending[place, AMOUNT + 1]
    return events[event, AMOUNT], events[event, AMOUNT + 1]


@part
def _different(events: Words, event: int, pending: Words, place: int) -> int:
    if not is_zero(events, event, DEBIT) and not same(events, event, pending, place, DEBIT):
        return c.PENDING_DIFFERENT_DEBIT
    if not is_zero(events, event, CREDIT) and not same(events, event, pending, place, CREDIT):
        return c.PENDING_DIFFERENT_CREDIT
    if ledger(events, event) != ZERO and ledger(events, event) != ledger(pending, place):
        return c.PENDING_DIFFERENT_LEDGER
    if code(events, event) != ZERO and code(events, event) != code(pending, place):
        return c.PENDING_DIFFERENT_CODE
    return c.OK


@part
def _wrong_amount(
    kind: np.uint64, low: np.uint64, high: np.uint64, pending: Words, place: int
) -> int:
    if is_less(pending[place, AMOUNT], pending[place, AMOUNT + 1], low, high):
        return c.EXCEEDS_PENDING
    if kind & c.VOID_PENDING and is_less(
        low, high, pending[place, AMOUNT], pending[place, AMOUNT + 1]
    ):
        return c.PENDING_DIFFERENT_AMOUNT
    return c.OK


@part
def _ended(status: int, pending: Words, place: int, at: np.uint64) -> int:
    if status in (POSTED, JUST_POSTED):
        return c.ALREADY_POSTED
    if status in (VOIDED, JUST_VOIDED):
        return c.ALREADY_VOIDED
    if status != OPEN:
        return c.PENDING_EXPIRED
    if timeout_s(pending, place) != ZERO and due_at(pending, place) <= at:
        return c.PENDING_EXPIRED
    return c.OK


@part
def _complete(
    rows: Words, row: int, pending: Words, place: int, low: np.uint64, high: np.uint64
) -> None:
    """Fill in what a post or void takes over from its pending transfer."""
    for half in range(2):
        rows[row, DEBIT + half] = pending[place, DEBIT + half]
        rows[row, CREDIT + half] = pending[place, CREDIT + half]
    rows[row, AMOUNT], rows[row, AMOUNT + 1] = low, high
    if is_zero(rows, row, USER_128):
        rows[row, USER_128] = pending[place, USER_128]
        rows[row, USER_128 + 1] = pending[place, USER_128 + 1]
    if rows[row, USER_64] == ZERO:
        rows[row, USER_64] = pending[place, USER_64]
    if user_32(rows, row) == ZERO:
        rows[row, USER_32_AND_TIMEOUT] |= pending[place, USER_32_AND_TIMEOUT] & LOW_32
    own = rows[row, LEDGER_CODE_FLAGS] & ~LEDGER_AND_CODE
    rows[row, LEDGER_CODE_FLAGS] = own | pending[place, LEDGER_CODE_FLAGS] & LEDGER_AND_CODE
