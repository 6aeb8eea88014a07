"""What every engine must show: the same answers as the second model, code by code, to the unit.

An engine takes part by an ``Engine``: a ledger on empty books of its own, the clock that it reads,
and a way to open the same books anew. ``walk`` and ``crowd`` do the rest.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Protocol

from tests.services.floor import FakeClock
from tests.services.ledger import second_model
from tests.services.ledger.mischief import NUMBERS, Mischief
from tests.services.ledger.notation import PENDING, account, post, transfer, void

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    BATCH_MAX,
    AccountId,
    Accounts,
    BalancesAt,
    ChangeKind,
    Ledger,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Records,
    Transfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.record import encode_accounts, encode_transfers

RETRIES = 9
STEPS_NS = (1, 5, 10**9 - 3, 10**9, 3 * 10**9)


class Engine(Protocol):
    """A ledger under test, on books of its own."""

    ledger: Ledger
    clock: FakeClock
    keeps_time: bool
    """Whether a batch begins at ``clock.now()``; else the answers say when it was."""

    async def restart(self) -> None:
        """Give up ``ledger`` as a crash would, and open the same books with a new one."""
        ...


async def walk(engine: Engine, seed: int, steps: int, restart_every: int = 25) -> set[int]:
    """Mischief at random, compared step by step and as a whole; the codes that were met."""
    pair = Pair(engine)
    draw = Random(seed)
    flags = [0, 0, 2, 4, 0]
    await pair.send([account(number, flags=flags[number - 1]) for number in NUMBERS[:5]], draw)
    for step in range(1, steps + 1):
        make = draw.choice((pair.mischief.accounts, *[pair.mischief.transfers] * 3))
        await pair.send(make(draw, engine.clock.instant), draw)
        engine.clock.instant += draw.choice(STEPS_NS)
        if step % restart_every == 0:
            await engine.restart()
            await pair.compare()
    await pair.compare()
    await pair.compare_history()
    await pair.compare_changes()
    await pair.compare_lists()
    return pair.seen


async def crowd(engine: Engine, seed: int, rounds: int = 4, callers: int = 30) -> None:
    """Calls that come at once are answered as if they had come one after the other."""
    pair, draw = Pair(engine), Random(seed)
    await pair.send([account(n, flags=_LIMITS.get(n, 0)) for n in range(1, 9)], draw)
    number = 100
    for wildness in draw.choices((0.0, 0.002, 0.01, 0.2), k=rounds):
        calls = []
        for _ in range(callers):
            size = draw.randint(1, 9)
            calls.append([_simple(draw, number + n, wildness) for n in range(size)])
            number += size
        sending = [engine.ledger.create_transfers(Transfers(tuple(call))) for call in calls]
        answers = await asyncio.gather(*sending)
        stamps = [answer.timestamp for answer in answers]
        assert stamps == sorted(set(stamps)), "one after the other"
        for call, answer in zip(calls, answers, strict=True):
            pair.expect(call, answer.codes, answer.timestamp - len(call))
        engine.clock.instant = max(engine.clock.instant, pair.last + 1)
    await pair.compare()
    await pair.compare_history()
    await pair.compare_changes()


_LIMITS = {5: 2, 6: 2, 7: 4, 8: 4}


def _simple(draw: Random, number: int, wildness: float):
    """Plain, and always possible; or, the wilder the oftener, something else."""
    if draw.random() >= wildness:
        debit, credit = draw.choice(((1, 2), (2, 1), (3, 5), (4, 6), (7, 1), (8, 2), (3, 4)))
        return transfer(number, debit, credit, draw.randint(0, 99))
    debit, credit = draw.sample(range(1, 10), 2)
    known = draw.randint(max(100, number - 300), number)
    return draw.choice(
        (
            transfer(number, debit, credit, draw.randint(0, 999)),
            transfer(number, debit, credit, draw.randint(0, 99), flags=PENDING),
            transfer(known, debit, credit, draw.randint(0, 99)),
            transfer(number, debit, debit, 1),
            post(number, known),
            void(number, known),
        )
    )


class Pair:
    """An engine and the model that doubts it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.state = second_model.State()
        self.last = 0
        self.seen: set[int] = set()
        self.mischief = Mischief()
        self.moments: list[tuple[int, second_model.State]] = []

    async def send(self, events, draw):
        """One call, in one of the two shapes; its codes and time must be the model's."""
        ledger = self.engine.ledger
        is_accounts = bool(events) and hasattr(events[0], "debits_posted")
        begin = max(self.engine.clock.now(), self.last + 1)
        if is_accounts and draw.random() < 0.5 and self.engine.keeps_time:
            answer = await ledger.create_accounts(Accounts(tuple(events)))
            self.expect(events, answer.codes, begin)
            return
        if is_accounts:
            answer = await ledger.record_accounts(Records(encode_accounts(events)))
        elif draw.random() < 0.5:
            answer = await ledger.create_transfers(Transfers(tuple(events)))
        else:
            answer = await ledger.record_transfers(Records(encode_transfers(events)))
        if not self.engine.keeps_time:
            begin = answer.timestamp - len(events)
            begin -= self.state.expired(begin)[1]
        self.expect(events, answer.codes, begin)
        if self.engine.keeps_time:
            assert answer.timestamp == self.last

    def expect(self, events, codes, begin):
        """What the model says of the call that began then."""
        expired = self.state.expired(begin)[1]
        self.state, expected = second_model.batch(self.state, events, begin)
        assert list(codes) == [int(code) for code in expected], events
        self.seen |= set(expected)
        self.last = begin + expired + len(events)
        self.moments.append((self.last, self.state))

    async def compare(self):
        """All as it stands; once more when something expired by itself while it was read."""
        for _ in range(RETRIES):
            ended = await self._ended()
            try:
                await self._compare_now()
            except AssertionError:
                if await self._ended() == ended:
                    raise
            else:
                return
        raise AssertionError("something expired each time")

    async def _ended(self):
        """How pending transfers have ended by now."""
        if not self.engine.keeps_time:
            await self.send([], Random(0))
        return self.state.ended

    async def _compare_now(self):
        """Accounts, balances, transfers and sums as they stand."""
        ledger, state = self.engine.ledger, self.state
        found = (await ledger.lookup_accounts(LookupAccounts((*state.accounts, U128(77))))).accounts
        assert [one.id for one in found] == [*state.accounts]
        for one in found:
            kept = state.accounts[one.id]
            assert _balances(one) == state.balances(one.id)
            assert one.flags == state.flags(one.id)
            assert _plain(one) == _plain(kept)
        ids = tuple(state.transfers)
        for begin in range(0, len(ids), BATCH_MAX):
            page = LookupTransfers(ids[begin : begin + BATCH_MAX])
            kept = tuple(state.transfers[number] for number in page.ids)
            assert (await ledger.lookup_transfers(page)).transfers == kept
        await self._compare_sums(found)

    async def _compare_sums(self, accounts):
        lines = (await self.engine.ledger.trial_balance(TrialBalanceQuery())).lines
        assert [line.ledger for line in lines] == sorted({one.ledger for one in accounts})
        for line in lines:
            ours = [one for one in accounts if one.ledger == line.ledger]
            assert line.accounts == len(ours)
            assert line.debits_pending == line.credits_pending
            assert line.debits_posted == line.credits_posted
            assert line.debits_pending == sum(one.debits_pending for one in ours)
            assert line.debits_posted == sum(one.debits_posted for one in ours)
            query = TrialBalanceQuery(line.ledger)
            assert (await self.engine.ledger.trial_balance(query)).lines == (line,)

    async def compare_history(self, moments=40):
        """What was, at the end of batches, as far as no import changed it afterwards."""
        every = max(1, len(self.moments) // moments)
        ids = tuple(AccountId(U128(number)) for number in NUMBERS)
        for timestamp, state in self.moments[::every]:
            found = (await self.engine.ledger.balances_at(BalancesAt(ids, timestamp))).accounts
            then = as_of(self.state, state, timestamp)
            assert [one.id for one in found] == [n for n in NUMBERS if n in then.accounts]
            for past in found:
                assert _balances(past) == then.balances(past.id)
                assert past.flags == then.flags(past.id)

    async def compare_changes(self):
        """Every account, transfer and expiry once, numbered without a gap."""
        changes, page = [], (None,)
        while page:
            after = changes[-1].sequence if changes else 0
            page = (await self.engine.ledger.list_changes(ListChanges(after, 37))).changes
            changes += page
        assert [change.sequence for change in changes] == [*range(1, len(changes) + 1)]
        of_kind = {kind: [c for c in changes if c.kind is kind] for kind in ChangeKind}
        opened = [change.account for change in of_kind[ChangeKind.ACCOUNT_OPENED]]
        assert opened == list(self.state.accounts.values())
        recorded = [change.transfer for change in of_kind[ChangeKind.TRANSFER_RECORDED]]
        assert recorded == list(self.state.transfers.values())
        expired = [change.transfer.id for change in of_kind[ChangeKind.TRANSFER_EXPIRED]]
        assert len(expired) == len(set(expired))
        over = {number for number, end in self.state.ended.items() if end == "expired"}
        assert set(expired) == over

    async def compare_lists(self):
        """Each account's transfers in order of time, page by page."""
        for number in NUMBERS:
            found, page = [], (None,)
            while page:
                after = found[-1].timestamp if found else 0
                query = ListTransfers(AccountId(U128(number)), after, 11)
                page = (await self.engine.ledger.list_transfers(query)).transfers
                found += page
            assert found == [
                one
                for one in self.state.transfers.values()
                if number in (one.debit_account_id, one.credit_account_id)
            ]


def as_of(last, then, timestamp):
    """The state of that time, seen from the end: imports of earlier times belong to it too."""
    accounts = {n: a for n, a in last.accounts.items() if a.timestamp <= timestamp}
    transfers = {n: t for n, t in last.transfers.items() if t.timestamp <= timestamp}
    ended = {
        one.pending_id: last.ended[one.pending_id] for one in transfers.values() if one.pending_id
    }
    expired = {number: end for number, end in then.ended.items() if end == "expired"}
    return then._replace(accounts=accounts, transfers=transfers, ended={**expired, **ended})


def _balances(found):
    return {
        "dp": found.debits_pending,
        "dd": found.debits_posted,
        "cp": found.credits_pending,
        "cc": found.credits_posted,
    }


def _plain(found):
    """What of an account never changes."""
    return (
        found.id,
        found.ledger,
        found.code,
        found.user_data_128,
        found.user_data_64,
        found.user_data_32,
        found.timestamp,
    )
