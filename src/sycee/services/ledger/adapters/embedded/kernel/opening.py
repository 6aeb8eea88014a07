"""Opening an account: the rules in order of precedence."""

from __future__ import annotations

import numpy as np

from sycee.services.ledger.adapters.embedded.kernel import codes as c
from sycee.services.ledger.adapters.embedded.kernel import index
from sycee.services.ledger.adapters.embedded.kernel.book import record
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.state import (
    ACCOUNTS,
    BASE,
    PAST_CHECKPOINT,
    PAST_POSTINGS,
    PAST_ROW,
    ROWS,
    State,
    Work,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    CREDITS_PENDING,
    CREDITS_POSTED,
    DEBITS_PENDING,
    DEBITS_POSTED,
    ID,
    RECORD,
    TIMESTAMP,
    USER_64,
    USER_128,
    ZERO,
    U,
    Words,
    code,
    copy,
    flags,
    is_max,
    is_zero,
    ledger,
    same,
    user_32,
)


@part
def open_account(state: State, work: Work, events: Words, event: int, at: np.uint64) -> int:
    """Open an account at nanosecond ``at``, or say why not.

    What is fetched for accounts is one row per event, if any is imported: its last word says
    whether an old transfer has the nanosecond that the event claims."""
    kind = flags(events, event)
    if kind & c.ACCOUNT_RESERVED:
        return c.A_RESERVED_FLAG
    if is_zero(events, event, ID):
        return c.A_ID_ZERO
    if is_max(events, event, ID):
        return c.A_ID_MAX
    known = index.find(state.account_index, events[event, ID], events[event, ID + 1])
    if known != ZERO:
        return _repeated(events, event, state.accounts, np.int64(known) - 1)
    refused = _misshapen(events, event, kind)
    if refused:
        return refused
    if kind & c.ACCOUNT_IMPORTED:
        at = events[event, TIMESTAMP]
        if _regresses(state, work, event, at):
            return c.A_TIMESTAMP_MUST_NOT_REGRESS
    row = record(state, work, events, event, at, -1, -1)
    account = state.counts[ACCOUNTS]
    state.pasts[account, PAST_ROW] = state.counts[BASE] + row
    state.pasts[account, PAST_CHECKPOINT] = 0
    state.pasts[account, PAST_POSTINGS] = 0
    state.counts[ACCOUNTS] = account + 1
    copy(work.rows, row, state.accounts, account)
    index.insert(state.account_index, events[event, ID], events[event, ID + 1], U(account))
    return c.OK


@part
def _repeated(events: Words, event: int, accounts: Words, row: int) -> int:
    if flags(events, event) != flags(accounts, row):
        return c.A_DIFFERENT_FLAGS
    if not same(events, event, accounts, row, USER_128):
        return c.A_DIFFERENT_USER_128
    if events[event, USER_64] != accounts[row, USER_64]:
        return c.A_DIFFERENT_USER_64
    if user_32(events, event) != user_32(accounts, row):
        return c.A_DIFFERENT_USER_32
    if ledger(events, event) != ledger(accounts, row):
        return c.A_DIFFERENT_LEDGER
    if code(events, event) != code(accounts, row):
        return c.A_DIFFERENT_CODE
    return c.A_EXISTS


@part
def _misshapen(events: Words, event: int, kind: np.uint64) -> int:
    if kind & c.LIMITED == c.LIMITED:
        return c.A_FLAGS_EXCLUSIVE
    if not is_zero(events, event, DEBITS_PENDING):
        return c.A_DEBITS_PENDING
    if not is_zero(events, event, DEBITS_POSTED):
        return c.A_DEBITS_POSTED
    if not is_zero(events, event, CREDITS_PENDING):
        return c.A_CREDITS_PENDING
    if not is_zero(events, event, CREDITS_POSTED):
        return c.A_CREDITS_POSTED
    if ledger(events, event) == ZERO:
        return c.A_LEDGER_ZERO
    if code(events, event) == ZERO:
        return c.A_CODE_ZERO
    return c.OK


@part
def _regresses(state: State, work: Work, event: int, timestamp: np.uint64) -> bool:
    accounts = state.counts[ACCOUNTS]
    if accounts > 0 and timestamp <= state.accounts[accounts - 1, TIMESTAMP]:
        return True
    if event < work.fetched_count and work.fetched[event, RECORD] != ZERO:
        return True
    for row in range(state.counts[ROWS] - state.counts[BASE]):
        # A transfer of this entry, or an account, which was seen above.
        if work.rows[row, TIMESTAMP] == timestamp and not flags(work.rows, row) & c.EXPIRED_ROW:
            return True
    return False
