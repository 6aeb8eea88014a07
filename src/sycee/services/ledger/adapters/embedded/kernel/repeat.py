"""An id that comes again: is it the same transfer, and if not, what differs first."""

from __future__ import annotations

import numpy as np

from sycee.services.ledger.adapters.embedded.kernel import codes as c
from sycee.services.ledger.adapters.embedded.kernel.book import find_transfer, load, status_of
from sycee.services.ledger.adapters.embedded.kernel.jit import part
from sycee.services.ledger.adapters.embedded.kernel.state import (
    EXISTING,
    FAILED,
    REFERRED,
    State,
    Work,
)
from sycee.services.ledger.adapters.embedded.kernel.words import (
    AMOUNT,
    CREDIT,
    DEBIT,
    PENDING_ID,
    USER_64,
    USER_128,
    ZERO,
    Words,
    code,
    flags,
    is_less,
    is_max,
    is_zero,
    ledger,
    same,
    timeout_s,
    user_32,
)


@part
def repeated(state: State, work: Work, events: Words, event: int, known: np.uint64) -> int:
    """The answer to a transfer whose id was used up before."""
    if status_of(known) == FAILED:
        return c.ID_ALREADY_FAILED
    load(state, work, known, EXISTING)
    kept = state.open
    kind = flags(kept, EXISTING)
    if flags(events, event) != kind:
        return c.DIFFERENT_FLAGS
    if not same(events, event, kept, EXISTING, PENDING_ID):
        return c.DIFFERENT_PENDING_ID
    if timeout_s(events, event) != timeout_s(kept, EXISTING):
        return c.DIFFERENT_TIMEOUT
    if kind & c.RESOLVING:
        load(state, work, find_transfer(state, kept, EXISTING, PENDING_ID), REFERRED)
        return _compared_resolving(events, event, kept, kind)
    return _compared(events, event, kept, kind)


@part
def _compared(events: Words, event: int, kept: Words, kind: np.uint64) -> int:
    if not same(events, event, kept, EXISTING, DEBIT):
        return c.DIFFERENT_DEBIT
    if not same(events, event, kept, EXISTING, CREDIT):
        return c.DIFFERENT_CREDIT
    # The amount of a balancing transfer is a limit: any that allows what was moved will do.
    if not same(events, event, kept, EXISTING, AMOUNT) and not (
        kind & c.BALANCING
        and is_less(
            kept[EXISTING, AMOUNT],
            kept[EXISTING, AMOUNT + 1],
            events[event, AMOUNT],
            events[event, AMOUNT + 1],
        )
    ):
        return c.DIFFERENT_AMOUNT
    if not same(events, event, kept, EXISTING, USER_128):
        return c.DIFFERENT_USER_128
    if events[event, USER_64] != kept[EXISTING, USER_64]:
        return c.DIFFERENT_USER_64
    if user_32(events, event) != user_32(kept, EXISTING):
        return c.DIFFERENT_USER_32
    if ledger(events, event) != ledger(kept, EXISTING):
        return c.DIFFERENT_LEDGER
    if code(events, event) != code(kept, EXISTING):
        return c.DIFFERENT_CODE
    return c.EXISTS


@part
def _compared_resolving(events: Words, event: int, kept: Words, kind: np.uint64) -> int:
    """As above, with all that a post or void leaves to its pending transfer filled in."""
    if not is_zero(events, event, DEBIT) and not same(events, event, kept, EXISTING, DEBIT):
        return c.DIFFERENT_DEBIT
    if not is_zero(events, event, CREDIT) and not same(events, event, kept, EXISTING, CREDIT):
        return c.DIFFERENT_CREDIT
    if kind & c.VOID_PENDING:
        whole = is_zero(events, event, AMOUNT)
    else:
        whole = is_max(events, event, AMOUNT)
    if whole:
        agrees = same(kept, REFERRED, kept, EXISTING, AMOUNT)
    else:
        agrees = same(events, event, kept, EXISTING, AMOUNT)
    if not agrees:
        return c.DIFFERENT_AMOUNT
    if is_zero(events, event, USER_128):
        agrees = same(kept, REFERRED, kept, EXISTING, USER_128)
    else:
        agrees = same(events, event, kept, EXISTING, USER_128)
    if not agrees:
        return c.DIFFERENT_USER_128
    user_64 = events[event, USER_64]
    if user_64 == ZERO:
        user_64 = kept[REFERRED, USER_64]
    if user_64 != kept[EXISTING, USER_64]:
        return c.DIFFERENT_USER_64
    small = user_32(events, event)
    if small == ZERO:
        small = user_32(kept, REFERRED)
    if small != user_32(kept, EXISTING):
        return c.DIFFERENT_USER_32
    if ledger(events, event) != ZERO and ledger(events, event) != ledger(kept, EXISTING):
        return c.DIFFERENT_LEDGER
    if code(events, event) != ZERO and code(events, event) != code(kept, EXISTING):
        return c.DIFFERENT_CODE
    return c.EXISTS
