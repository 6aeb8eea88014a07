"""Moving an amount between two accounts, at once or pending: the rules in order of precedence."""

from __future__ import annotations

import numpy as np

from sycee.services.ledger.adapters.embedded.kernel import codes as c
from sycee.services.ledger.adapters.embedded.kernel.book import (
    find_account,
    index_recorded,
    open_pending,
    record,
    touch,
)
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.state import (
    ACCOUNTS,
    BASE,
    LAST_TRANSFER,
    RECORDED,
    State,
    Work,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    AMOUNT,
    CREDIT,
    CREDITS_PENDING,
    CREDITS_POSTED,
    DEBIT,
    DEBITS_PENDING,
    DEBITS_POSTED,
    FLAGS_SHIFT,
    LEDGER_CODE_FLAGS,
    PENDING_ID,
    TIMESTAMP,
    ZERO,
    Words,
    add,
    code,
    first_from,
    flags,
    increase,
    is_less,
    is_max,
    is_zero,
    ledger,
    subtract,
    timeout_s,
)


@part
def move(state: State, work: Work, events: Words, event: int, at: np.uint64) -> int:
    """Record a transfer that refers to no other, or say why not."""
    kind = flags(events, event)
    refused = _misshapen(events, event, kind)
    if refused:
        return refused
    debit = find_account(state, events, event, DEBIT)
    if debit < 0:
        return c.DEBIT_NOT_FOUND
    credit = find_account(state, events, event, CREDIT)
    if credit < 0:
        return c.CREDIT_NOT_FOUND
    refused = _misplaced(state, events, event, debit, credit)
    if refused:
        return refused
    if kind & c.IMPORTED:
        refused = _untimely(state, events, event, debit, credit)
        if refused:
            return refused
        at = events[event, TIMESTAMP]
    refused = closed(state, debit, credit)
    if refused:
        return refused
    low, high = _balanced(state, events, event, kind, debit, credit)
    refused = _overflows(state, kind, low, high, debit, credit)
    if refused:
        return refused
    if at + timeout_s(events, event) * c.SECOND_NS > c.TIMESTAMP_MAX:
        return c.OVERFLOWS_TIMEOUT
    refused = _exceeds(state, low, high, debit, credit)
    if refused:
        return refused
    _count(state, kind, low, high, debit, credit)
    row = record(state, work, events, event, at, debit, credit)
    work.rows[row, AMOUNT], work.rows[row, AMOUNT + 1] = low, high
    if kind & c.PENDING:
        open_pending(state, work, row, debit, credit)
    else:
        index_recorded(state, work, row, RECORDED, state.counts[BASE] + row)
    return c.OK


@part
def closed(state: State, debit: int, credit: int) -> int:
    """Which of two accounts, if any, is closed."""
    if flags(state.accounts, debit) & c.CLOSED:
        return c.DEBIT_CLOSED
    if flags(state.accounts, credit) & c.CLOSED:
        return c.CREDIT_CLOSED
    return c.OK


@part
def regresses(state: State, timestamp: np.uint64) -> bool:
    """Whether a transfer of that time would not be later than all, or share its nanosecond."""
    if timestamp <= np.uint64(state.counts[LAST_TRANSFER]):
        return True
    first = first_from(state.accounts, state.counts[ACCOUNTS], TIMESTAMP, timestamp)
    return first < state.counts[ACCOUNTS] and state.accounts[first, TIMESTAMP] == timestamp


@part
def _misshapen(events: Words, event: int, kind: np.uint64) -> int:
    if is_zero(events, event, DEBIT):
        return c.DEBIT_ZERO
    if is_max(events, event, DEBIT):
        return c.DEBIT_MAX
    if is_zero(events, event, CREDIT):
        return c.CREDIT_ZERO
    if is_max(events, event, CREDIT):
        return c.CREDIT_MAX
    if (
        events[event, DEBIT] == events[event, CREDIT]
        and events[event, DEBIT + 1] == events[event, CREDIT + 1]
    ):
        return c.ACCOUNTS_DIFFERENT
    if not is_zero(events, event, PENDING_ID):
        return c.PENDING_ID_NOT_ZERO
    if not kind & c.PENDING:
        if timeout_s(events, event) != ZERO:
            return c.TIMEOUT_RESERVED
        if kind & c.CLOSING:
            return c.CLOSING_MUST_BE_PENDING
    if ledger(events, event) == ZERO:
        return c.LEDGER_ZERO
    if code(events, event) == ZERO:
        return c.CODE_ZERO
    return c.OK


@part
def _misplaced(state: State, events: Words, event: int, debit: int, credit: int) -> int:
    where = ledger(state.accounts, debit)
    if where != ledger(state.accounts, credit):
        return c.SAME_LEDGER
    if where != ledger(events, event):
        return c.LEDGER_OF_ACCOUNTS
    return c.OK


@part
def _untimely(state: State, events: Words, event: int, debit: int, credit: int) -> int:
    timestamp = events[event, TIMESTAMP]
    if regresses(state, timestamp):
        return c.TIMESTAMP_MUST_NOT_REGRESS
    if timestamp <= state.accounts[debit, TIMESTAMP]:
        return c.POSTDATE_DEBIT
    if timestamp <= state.accounts[credit, TIMESTAMP]:
        return c.POSTDATE_CREDIT
    if timeout_s(events, event) != ZERO:
        return c.IMPORTED_TIMEOUT
    return c.OK


@part
def _balanced(
    state: State, events: Words, event: int, kind: np.uint64, debit: int, credit: int
) -> tuple[np.uint64, np.uint64]:
    """As much of the amount as leaves a balancing transfer's accounts in balance."""
    low, high = events[event, AMOUNT], events[event, AMOUNT + 1]
    if kind & c.BALANCING_DEBIT:
        room = _room(state.accounts, debit, CREDITS_POSTED, DEBITS_POSTED, DEBITS_PENDING)
        if is_less(room[0], room[1], low, high):
            low, high = room
    if kind & c.BALANCING_CREDIT:
        room = _room(state.accounts, credit, DEBITS_POSTED, CREDITS_POSTED, CREDITS_PENDING)
        if is_less(room[0], room[1], low, high):
            low, high = room
    return low, high


@part
def _room(
    accounts: Words, row: int, has: int, used: int, reserved: int
) -> tuple[np.uint64, np.uint64]:
    """What an account has beyond what is used and reserved of it; zero when that is nothing."""
    low, high, _ = add(
        accounts[row, used],
        accounts[row, used + 1],
        accounts[row, reserved],
        accounts[row, reserved + 1],
    )
    if is_less(accounts[row, has], accounts[row, has + 1], low, high):
        return ZERO, ZERO
    return subtract(accounts[row, has], accounts[row, has + 1], low, high)


@part
def _is_over(accounts: Words, row: int, word: int, low: np.uint64, high: np.uint64) -> bool:
    """Whether a balance and an amount are too much for 128 bits."""
    return add(accounts[row, word], accounts[row, word + 1], low, high)[2]


@part
def _is_over_in_all(
    accounts: Words, row: int, pending: int, posted: int, low: np.uint64, high: np.uint64
) -> bool:
    """Whether two balances and an amount are. That the two are not is always so."""
    total = add(
        accounts[row, pending],
        accounts[row, pending + 1],
        accounts[row, posted],
        accounts[row, posted + 1],
    )
    return add(total[0], total[1], low, high)[2]


@part
def _overflows(
    state: State, kind: np.uint64, low: np.uint64, high: np.uint64, debit: int, credit: int
) -> int:
    accounts = state.accounts
    if kind & c.PENDING:
        if _is_over(accounts, debit, DEBITS_PENDING, low, high):
            return c.OVERFLOWS_DEBITS_PENDING
        if _is_over(accounts, credit, CREDITS_PENDING, low, high):
            return c.OVERFLOWS_CREDITS_PENDING
    if _is_over(accounts, debit, DEBITS_POSTED, low, high):
        return c.OVERFLOWS_DEBITS_POSTED
    if _is_over(accounts, credit, CREDITS_POSTED, low, high):
        return c.OVERFLOWS_CREDITS_POSTED
    if _is_over_in_all(accounts, debit, DEBITS_PENDING, DEBITS_POSTED, low, high):
        return c.OVERFLOWS_DEBITS
    if _is_over_in_all(accounts, credit, CREDITS_PENDING, CREDITS_POSTED, low, high):
        return c.OVERFLOWS_CREDITS
    return c.OK


@part
def _exceeds(state: State, low: np.uint64, high: np.uint64, debit: int, credit: int) -> int:
    if flags(state.accounts, debit) & c.DEBITS_LIMITED and _is_beyond(
        state.accounts, debit, DEBITS_PENDING, DEBITS_POSTED, CREDITS_POSTED, low, high
    ):
        return c.EXCEEDS_CREDITS
    if flags(state.accounts, credit) & c.CREDITS_LIMITED and _is_beyond(
        state.accounts, credit, CREDITS_PENDING, CREDITS_POSTED, DEBITS_POSTED, low, high
    ):
        return c.EXCEEDS_DEBITS
    return c.OK


@part
def _is_beyond(
    accounts: Words,
    row: int,
    pending: int,
    posted: int,
    limit: int,
    low: np.uint64,
    high: np.uint64,
) -> bool:
    """Whether an amount would take an account beyond its limit. Overflow is ruled out before."""
    total = add(
        accounts[row, pending],
        accounts[row, pending + 1],
        accounts[row, posted],
        accounts[row, posted + 1],
    )
    total = add(total[0], total[1], low, high)
    return is_less(accounts[row, limit], accounts[row, limit + 1], total[0], total[1])


@part
def _count(
    state: State, kind: np.uint64, low: np.uint64, high: np.uint64, debit: int, credit: int
) -> None:
    touch(state, debit)
    touch(state, credit)
    if kind & c.PENDING:
        increase(state.accounts, debit, DEBITS_PENDING, low, high)
        increase(state.accounts, credit, CREDITS_PENDING, low, high)
    else:
        increase(state.accounts, debit, DEBITS_POSTED, low, high)
        increase(state.accounts, credit, CREDITS_POSTED, low, high)
    if kind & c.CLOSING_DEBIT:
        state.accounts[debit, LEDGER_CODE_FLAGS] |= c.CLOSED << FLAGS_SHIFT
    if kind & c.CLOSING_CREDIT:
        state.accounts[credit, LEDGER_CODE_FLAGS] |= c.CLOSED << FLAGS_SHIFT
