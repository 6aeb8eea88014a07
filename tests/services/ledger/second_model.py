"""A second ledger, written straight from TigerBeetle's reference pages, to doubt the first by.

It shares nothing with the first but the contract: states are values that are never changed, a
chain works on its own copy, the rules are tables of (code, what must be true for it), balances are
added up from the transfers whenever they are asked for. It is slow and does not care.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import asdict, replace

from sycee.services.ledger.contract import (
    ALL,
    AccountFlags,
    TransferFlags,
)
from sycee.services.ledger.contract import CreateAccountResult as A
from sycee.services.ledger.contract import CreateTransferResult as T

MAX = 2**128 - 1
EMPTY = MappingProxyType({})
NANO = 10**9
RETRY_NEEDS_A_NEW_ID = {
    "DEBIT_ACCOUNT_NOT_FOUND",
    "CREDIT_ACCOUNT_NOT_FOUND",
    "PENDING_TRANSFER_NOT_FOUND",
    "EXCEEDS_CREDITS",
    "EXCEEDS_DEBITS",
    "DEBIT_ACCOUNT_ALREADY_CLOSED",
    "CREDIT_ACCOUNT_ALREADY_CLOSED",
}


class State(NamedTuple):
    """Everything, as values: ``ended`` says how and by when a pending transfer ended."""

    accounts: Mapping = EMPTY
    transfers: Mapping = EMPTY
    ended: Mapping = EMPTY
    failed: frozenset = frozenset()

    def balances(self, number):
        totals = {"dp": 0, "dd": 0, "cp": 0, "cc": 0}
        for found in self.transfers.values():
            flags = TransferFlags(found.flags)
            if TransferFlags.VOID_PENDING in flags:
                continue
            pending = TransferFlags.PENDING in flags
            if pending and found.id in self.ended:
                continue
            if found.debit_account_id == number:
                totals["dp" if pending else "dd"] += found.amount
            if found.credit_account_id == number:
                totals["cp" if pending else "cc"] += found.amount
        return totals

    def is_closed(self, number):
        if AccountFlags.CLOSED in AccountFlags(self.accounts[number].flags):
            return True
        for found in self.transfers.values():
            flags = TransferFlags(found.flags)
            if found.id not in self.ended and (
                (TransferFlags.CLOSING_DEBIT in flags and found.debit_account_id == number)
                or (TransferFlags.CLOSING_CREDIT in flags and found.credit_account_id == number)
            ):
                return True
        return False

    def flags(self, number):
        closed = AccountFlags.CLOSED if self.is_closed(number) else 0
        return self.accounts[number].flags | closed

    def expired(self, now):
        over = {
            found.id: "expired"
            for found in self.transfers.values()
            if found.timeout_s
            and found.id not in self.ended
            and found.timestamp + found.timeout_s * NANO <= now
        }
        return self._replace(ended={**self.ended, **over}), len(over)


def first(rules):
    """The first code whose condition holds; conditions are asked one after the other."""
    for code, condition in rules:
        if condition():
            return code
    return None


def batch(state, events, begin):
    """Expire what is due at ``begin``, a nanosecond each, then the events; the new state and the
    codes."""
    state, expired = state.expired(begin)
    return call(state, events, begin + expired)


def call(state, events, begin):
    """One of several calls of a batch: only the batch expires what is due."""
    codes = []
    end = begin + len(events)
    for chain in chains(events):
        before, names, at = state, [], begin + len(codes)
        for event in chain:
            at += 1
            if at == end and event.flags & 1:
                name = "LINKED_EVENT_CHAIN_OPEN"
            elif any(name != "OK" for name in names):
                name = "LINKED_EVENT_FAILED"
            else:
                state, name = one(state, event, events[0], at, end)
            names.append(name)
        broken = [place for place, name in enumerate(names) if name != "OK"]
        if broken:
            state = before
            culprit = chain[broken[0]]
            if names[broken[0]] in RETRY_NEEDS_A_NEW_ID:
                state = state._replace(failed=state.failed | {culprit.id})
            names[: broken[0]] = ["LINKED_EVENT_FAILED"] * broken[0]
        kind = A if hasattr(events[0], "debits_posted") else T
        codes += [kind[name] for name in names]
    return state, codes


def chains(events):
    chain = []
    for event in events:
        chain.append(event)
        if not event.flags & 1:
            yield chain
            chain = []
    if chain:
        yield chain


def one(state, event, leader, at, end):
    is_account = hasattr(event, "debits_posted")
    bit = AccountFlags.IMPORTED if is_account else TransferFlags.IMPORTED
    imported = bool(event.flags & bit)
    name = first(
        [
            ("IMPORTED_EVENT_EXPECTED", lambda: leader.flags & bit and not imported),
            ("IMPORTED_EVENT_NOT_EXPECTED", lambda: not leader.flags & bit and imported),
            ("TIMESTAMP_MUST_BE_ZERO", lambda: not imported and event.timestamp != 0),
            (
                "IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE",
                lambda: imported and event.timestamp not in range(1, 2**63),
            ),
            (
                "IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE",
                lambda: imported and event.timestamp >= end,
            ),
        ]
    )
    if name:
        return state, name
    stamp = event.timestamp if imported else at
    return (account if is_account else transfer)(state, event, stamp, imported, at)


def differences(event, existing, fields):
    return [
        (
            f"EXISTS_WITH_DIFFERENT_{field.upper().removesuffix('_S')}",
            lambda field=field: asdict(event)[field] != asdict(existing)[field],
        )
        for field in fields
    ]


def account(state, new, stamp, imported, _at):
    flags = new.flags
    known = state.accounts.get(new.id)
    rules = [
        ("RESERVED_FLAG", lambda: flags >= 64),
        ("ID_MUST_NOT_BE_ZERO", lambda: new.id == 0),
        ("ID_MUST_NOT_BE_INT_MAX", lambda: new.id == MAX),
    ]
    if known:
        fields = ["flags", "user_data_128", "user_data_64", "user_data_32", "ledger", "code"]
        existing = replace(known, flags=state.flags(new.id))
        rules += [*differences(new, existing, fields), ("EXISTS", lambda: True)]
    rules += [("FLAGS_ARE_MUTUALLY_EXCLUSIVE", lambda: flags & 2 and flags & 4)]
    rules += [
        (f"{field.upper()}_MUST_BE_ZERO", lambda field=field: asdict(new)[field] != 0)
        for field in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
    ]
    rules += [
        ("LEDGER_MUST_NOT_BE_ZERO", lambda: new.ledger == 0),
        ("CODE_MUST_NOT_BE_ZERO", lambda: new.code == 0),
        (
            "IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS",
            lambda: (
                imported
                and (
                    any(stamp <= found.timestamp for found in state.accounts.values())
                    or any(stamp == found.timestamp for found in state.transfers.values())
                )
            ),
        ),
    ]
    if name := first(rules):
        return state, name
    accounts = {**state.accounts, new.id: replace(new, timestamp=stamp)}
    return state._replace(accounts=accounts), "OK"


def transfer(state, new, stamp, imported, at):
    flags = TransferFlags(new.flags & 511)
    known = state.transfers.get(new.id)
    name = first(
        [
            ("RESERVED_FLAG", lambda: new.flags > 511),
            ("ID_MUST_NOT_BE_ZERO", lambda: new.id == 0),
            ("ID_MUST_NOT_BE_INT_MAX", lambda: new.id == MAX),
            ("ID_ALREADY_FAILED", lambda: new.id in state.failed),
        ]
    )
    if name:
        return state, name
    if known:
        return state, again(state, new, known, flags)
    if flags & (TransferFlags.POST_PENDING | TransferFlags.VOID_PENDING):
        return second_phase(state, new, flags, stamp, imported, at)
    return single_phase(state, new, flags, stamp, imported)


def again(state, new, known, flags):
    shown = new
    if new.flags == known.flags and new.pending_id == known.pending_id and new.pending_id:
        shown = inherit(state.transfers[known.pending_id], new, flags)
    if flags & (TransferFlags.BALANCING_DEBIT | TransferFlags.BALANCING_CREDIT):
        shown = replace(shown, amount=max(known.amount, min(shown.amount, known.amount)))
        if new.amount < known.amount:
            shown = replace(shown, amount=new.amount)
    fields = [
        "flags",
        "pending_id",
        "timeout_s",
        "debit_account_id",
        "credit_account_id",
        "amount",
        "user_data_128",
        "user_data_64",
        "user_data_32",
        "ledger",
        "code",
    ]
    return first([*differences(shown, known, fields), ("EXISTS", lambda: True)])


def inherit(pending, new, flags):
    """What a post or void means once its blanks are filled from the pending transfer."""
    blanks = {
        field: asdict(pending)[field]
        for field in (
            "debit_account_id",
            "credit_account_id",
            "user_data_128",
            "user_data_64",
            "user_data_32",
            "ledger",
            "code",
        )
        if asdict(new)[field] == 0
    }
    if TransferFlags.VOID_PENDING in flags and new.amount == 0:
        blanks["amount"] = pending.amount
    if TransferFlags.POST_PENDING in flags and new.amount == ALL:
        blanks["amount"] = pending.amount
    return replace(new, **blanks)


def late(state, stamp):
    return any(stamp <= found.timestamp for found in state.transfers.values()) or any(
        stamp == found.timestamp for found in state.accounts.values()
    )


def single_phase(state, new, flags, stamp, imported):
    debit, credit = new.debit_account_id, new.credit_account_id
    pending = TransferFlags.PENDING in flags
    closing = flags & (TransferFlags.CLOSING_DEBIT | TransferFlags.CLOSING_CREDIT)
    name = first(
        [
            ("DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO", lambda: debit == 0),
            ("DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX", lambda: debit == MAX),
            ("CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO", lambda: credit == 0),
            ("CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX", lambda: credit == MAX),
            ("ACCOUNTS_MUST_BE_DIFFERENT", lambda: debit == credit),
            ("PENDING_ID_MUST_BE_ZERO", lambda: new.pending_id != 0),
            ("TIMEOUT_RESERVED_FOR_PENDING_TRANSFER", lambda: new.timeout_s and not pending),
            ("CLOSING_TRANSFER_MUST_BE_PENDING", lambda: closing and not pending),
            ("LEDGER_MUST_NOT_BE_ZERO", lambda: new.ledger == 0),
            ("CODE_MUST_NOT_BE_ZERO", lambda: new.code == 0),
            ("DEBIT_ACCOUNT_NOT_FOUND", lambda: debit not in state.accounts),
            ("CREDIT_ACCOUNT_NOT_FOUND", lambda: credit not in state.accounts),
        ]
    )
    if name:
        return state, name
    payer, payee = state.accounts[debit], state.accounts[credit]
    d, c = state.balances(debit), state.balances(credit)
    amount = new.amount
    if TransferFlags.BALANCING_DEBIT in flags:
        amount = min(amount, max(0, d["cc"] - d["dd"] - d["dp"]))
    if TransferFlags.BALANCING_CREDIT in flags:
        amount = min(amount, max(0, c["dd"] - c["cc"] - c["cp"]))
    name = first(
        [
            ("ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER", lambda: payer.ledger != payee.ledger),
            (
                "TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS",
                lambda: new.ledger != payer.ledger,
            ),
            (
                "IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS",
                lambda: imported and late(state, stamp),
            ),
            (
                "IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT",
                lambda: imported and stamp <= payer.timestamp,
            ),
            (
                "IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT",
                lambda: imported and stamp <= payee.timestamp,
            ),
            ("IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO", lambda: imported and new.timeout_s),
            ("DEBIT_ACCOUNT_ALREADY_CLOSED", lambda: state.is_closed(debit)),
            ("CREDIT_ACCOUNT_ALREADY_CLOSED", lambda: state.is_closed(credit)),
            ("OVERFLOWS_DEBITS_PENDING", lambda: pending and d["dp"] + amount > MAX),
            ("OVERFLOWS_CREDITS_PENDING", lambda: pending and c["cp"] + amount > MAX),
            ("OVERFLOWS_DEBITS_POSTED", lambda: d["dd"] + amount > MAX),
            ("OVERFLOWS_CREDITS_POSTED", lambda: c["cc"] + amount > MAX),
            ("OVERFLOWS_DEBITS", lambda: d["dp"] + d["dd"] + amount > MAX),
            ("OVERFLOWS_CREDITS", lambda: c["cp"] + c["cc"] + amount > MAX),
            ("OVERFLOWS_TIMEOUT", lambda: stamp + new.timeout_s * NANO >= 2**63),
            (
                "EXCEEDS_CREDITS",
                lambda: payer.flags & 2 and d["dp"] + d["dd"] + amount > d["cc"],
            ),
            (
                "EXCEEDS_DEBITS",
                lambda: payee.flags & 4 and c["cp"] + c["cc"] + amount > c["dd"],
            ),
        ]
    )
    if name:
        return state, name
    recorded = replace(new, amount=type(new.amount)(amount), timestamp=stamp)
    return state._replace(transfers={**state.transfers, new.id: recorded}), "OK"


def second_phase(state, new, flags, stamp, imported, at):
    posting = TransferFlags.POST_PENDING in flags
    exclusive = flags & ~(
        TransferFlags.LINKED
        | TransferFlags.IMPORTED
        | (TransferFlags.POST_PENDING if posting else TransferFlags.VOID_PENDING)
    )
    name = first(
        [
            ("FLAGS_ARE_MUTUALLY_EXCLUSIVE", lambda: exclusive),
            ("PENDING_ID_MUST_NOT_BE_ZERO", lambda: new.pending_id == 0),
            ("PENDING_ID_MUST_NOT_BE_INT_MAX", lambda: new.pending_id == MAX),
            ("PENDING_ID_MUST_BE_DIFFERENT", lambda: new.pending_id == new.id),
            ("TIMEOUT_RESERVED_FOR_PENDING_TRANSFER", lambda: new.timeout_s != 0),
            ("PENDING_TRANSFER_NOT_FOUND", lambda: new.pending_id not in state.transfers),
            (
                "PENDING_TRANSFER_NOT_PENDING",
                lambda: not state.transfers[new.pending_id].flags & TransferFlags.PENDING,
            ),
        ]
    )
    if name:
        return state, name
    pending = state.transfers[new.pending_id]
    full = inherit(pending, new, flags)
    end = state.ended.get(pending.id)
    due = pending.timeout_s and pending.timestamp + pending.timeout_s * NANO <= at
    rules = [
        (
            f"PENDING_TRANSFER_HAS_DIFFERENT_{field.upper()}",
            lambda field=field: asdict(full)[field] != asdict(pending)[field],
        )
        for field in ("debit_account_id", "credit_account_id", "ledger", "code")
    ]
    rules += [
        ("EXCEEDS_PENDING_TRANSFER_AMOUNT", lambda: full.amount > pending.amount),
        (
            "PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT",
            lambda: not posting and full.amount < pending.amount,
        ),
        ("PENDING_TRANSFER_ALREADY_POSTED", lambda: end == "posted"),
        ("PENDING_TRANSFER_ALREADY_VOIDED", lambda: end == "voided"),
        ("PENDING_TRANSFER_EXPIRED", lambda: end == "expired" or due),
        ("IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS", lambda: imported and late(state, stamp)),
        (
            "DEBIT_ACCOUNT_ALREADY_CLOSED",
            lambda: posting and state.is_closed(full.debit_account_id),
        ),
        (
            "CREDIT_ACCOUNT_ALREADY_CLOSED",
            lambda: posting and state.is_closed(full.credit_account_id),
        ),
    ]
    if name := first(rules):
        return state, name
    return (
        state._replace(
            transfers={**state.transfers, new.id: replace(full, timestamp=stamp)},
            ended={**state.ended, pending.id: "posted" if posting else "voided"},
        ),
        "OK",
    )
