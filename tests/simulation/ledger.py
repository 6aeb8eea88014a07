"""A simulated ledger: one seed is one story of clients, crashes and a disk that fails.

A story has several lives of one process. In each, clients send hostile batches to a ledger whose
journal lies on a disk in memory, until the process ends, dies, or has to stop. What they were told
is compared with what the next life finds: nothing acknowledged is lost, no id is recorded twice, a
reader saw what was on disk, and a second model, written independently, agrees on every result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from random import Random

import msgspec
from tests.services.ledger.mischief import NUMBERS, Mischief
from tests.services.ledger.notation import U128, Accounts, account
from tests.simulation.disk import Died, Fault, MemoryDisk, Plan, Step, no_faults
from tests.simulation.journals import LARGE, SMALL, inline
from tests.simulation.loop import WORK_S, Halted, VirtualClock, VirtualLoop
from tests.simulation.verdict import Answer, Doubter, Seen

from sycee.kernel.refusal import Unavailable
from sycee.services.ledger.adapters.embedded.container import Container, ContainerFailed
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.contract import (
    Ledger,
    LookupAccounts,
    Records,
    Transfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.entry import JournalDamaged, called
from sycee.services.ledger.domain.journal import Replay, following
from sycee.services.ledger.service import LedgerService

CLIENTS = 4
LIVES = (2, 3, 4)
CALLS = (2, 8, 16)
PAUSES_S = (0.0, 0.0, 0.0001, 0.005, 0.4, 1.0)
SHIFTS_NS = (0, 0, 0, 1, -1, 10**9, -(10**9), 86_400 * 10**9, -86_400 * 10**9)
QUEUE_EVENTS_MAX = 24
DAY_S = 86_400.0

OpenLedger = Callable[[Container, VirtualClock, MemoryDisk], Ledger]
"""Builds an engine on a container, whose batches it replays, and on the disk where that lies."""


class Outcome(msgspec.Struct, frozen=True):
    """What a story came to, the same for the same seed."""

    seed: int
    digest: str
    lives: int
    answers: int
    deaths: int
    refusals: int
    """Starts that were refused because the journal was damaged."""
    codes: frozenset[str]


class SimulatedJournal:
    """The journal in a container, whose thread is the simulation's."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._head = container.head

    async def append(self, timestamp: int, body: bytes) -> None:
        """Add the next entry, in another thread."""
        batch = following(self._head, timestamp, body)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, self._container.append, [batch])
        except ContainerFailed as failed:
            raise Unavailable(str(failed)) from failed
        self._head = batch._replace(body=b"")


def reference(container: Container, clock: VirtualClock, disk: MemoryDisk) -> Ledger:
    """The reference model as an engine."""
    replay = Replay()
    for batch in container.batches(0):
        replay.take(batch)
    engine = ReferenceEngine(replay.books)
    return LedgerService(engine, SimulatedJournal(container), clock, QUEUE_EVENTS_MAX)


class Story:
    """One seed's."""

    def __init__(self, seed: int, open_ledger: OpenLedger = reference) -> None:
        self.seed = seed
        self.dice = Random(seed)
        self.disk = MemoryDisk(self.dice)
        self.doubter = Doubter()
        self.mischief = Mischief()
        self.in_flight: list[Accounts | Transfers] = []
        self.unknown: list[Accounts | Transfers] = []
        """Calls whose outcome nobody was told: they are sent again."""
        self.steps = self.deaths = self.refusals = 0
        self._open_ledger = open_ledger

    def tell(self) -> Outcome:
        """Live all lives, and one more in peace; raises ``AssertionError`` on any contradiction."""
        lives = self.dice.choice(LIVES)
        for _ in range(lives):
            self._damage()
            self._live(_some_fault(self.dice, self.disk.steps), self.dice.choice(CALLS))
            if self.dice.random() < 0.5:
                self.disk.lose_power()
            else:
                self.disk.kill()
        self._live(no_faults, calls=1)
        self.disk.lose_power()
        self._live(no_faults, calls=0)
        self.doubter.conclude()
        trace = f"{self.steps} {self.disk.steps} {self.doubter.head.hash.hex()}"
        return Outcome(
            self.seed,
            sha256(trace.encode()).hexdigest()[:16],
            lives,
            self.doubter.answers,
            self.deaths,
            self.refusals,
            frozenset(self.doubter.codes),
        )

    def _live(self, plan: Plan, calls: int) -> None:
        loop = VirtualLoop(self.dice)
        self.disk.plan, self.disk.on_death = plan, loop.halt
        try:
            loop.run(self._process(loop, calls))
        except (Halted, Died):
            self.deaths += 1
        except OSError:
            assert plan is not no_faults, "a disk without faults failed"
        assert not loop.faults, loop.faults
        self.unknown += self.in_flight
        self.in_flight.clear()
        self.steps += loop.steps

    async def _process(self, loop: VirtualLoop, calls: int) -> None:
        """A process from its start to its end."""
        clock = VirtualClock(loop)
        clock.shift_ns = self.dice.choice(SHIFTS_NS)
        container = await asyncio.to_thread(self._open, loop)
        self.doubter.take_in(container.batches(0))
        ledger = self._open_ledger(container, clock, self.disk)
        if not self.doubter.head.seq:
            with suppress(Unavailable):
                await self._send(ledger, container, _opening())
        if self.dice.random() < 0.3:
            loop.call_later(self.dice.choice((0.0003, 0.01, 0.5)), self._die, loop)
        if calls:
            await asyncio.gather(
                _expire(ledger, self.dice),
                *(self._client(ledger, container, clock, calls) for _ in range(CLIENTS)),
            )
        container.close()

    def _open(self, loop: VirtualLoop) -> Container:
        def beside(work):
            once = _once(work)
            loop.call_later(self.dice.choice(WORK_S), once)
            return once

        return open_segments(self.disk, SMALL, LARGE, self.dice.randbytes, beside)

    def _die(self, loop: VirtualLoop) -> None:
        if self.dice.random() < 0.5:
            self.disk.lose_power()
        else:
            self.disk.kill()
        loop.halt()

    def _damage(self) -> None:
        """Now and then: a flipped bit is noticed at the start, or nothing is missing."""
        if self.dice.random() > 0.4 or not self.doubter.head.seq:
            return
        damaged = self.disk.copied()
        damaged.flip_a_bit()
        try:
            container = open_segments(damaged, SMALL, LARGE, self.dice.randbytes, inline)
            self.doubter.compare_prefix(container.batches(0))
        except JournalDamaged:
            self.refusals += 1

    async def _client(
        self, ledger: Ledger, container: Container, clock: VirtualClock, calls: int
    ) -> None:
        """Sends, reads, waits, and gives up when the ledger has stopped."""
        draw = Random(self.dice.getrandbits(32))
        with suppress(Unavailable):
            for _ in range(calls):
                await asyncio.sleep(draw.choice(PAUSES_S))
                if draw.random() < 0.25:
                    await self._look(ledger, container, draw)
                elif self.unknown and draw.random() < 0.5:
                    await self._send(ledger, container, self.unknown.pop())
                else:
                    await self._send(ledger, container, self._new_call(draw, clock.now()))

    def _new_call(self, draw: Random, now: int) -> Accounts | Transfers:
        if draw.random() < 0.15:
            return Accounts(tuple(self.mischief.accounts(draw, now)))
        return Transfers(tuple(self.mischief.transfers(draw, now)))

    async def _send(
        self, ledger: Ledger, container: Container, command: Accounts | Transfers
    ) -> None:
        """Send one call; what was answered must be so for ever."""
        call = called(command)
        self.in_flight.append(command)
        if isinstance(command, Transfers):
            results = await ledger.create_transfers(command)
            codes, timestamp = results.codes, results.timestamp
        else:
            recorded = await ledger.record_accounts(Records(call.records))
            codes, timestamp = tuple(recorded.codes), recorded.timestamp
        self.in_flight.remove(command)
        ids = tuple(event.id for event in _events(command))
        self.doubter.told(Answer(ids, codes, timestamp))

    async def _look(self, ledger: Ledger, container: Container, draw: Random) -> None:
        """Read; what was seen must have been on disk then."""
        since = container.head.seq
        for line in (await ledger.trial_balance(TrialBalanceQuery())).lines:
            assert line.debits_pending == line.credits_pending, "MS3: pending"
            assert line.debits_posted == line.credits_posted, "MS3: posted"
        numbers = tuple(map(U128, draw.sample(NUMBERS, 2)))
        found = await ledger.lookup_accounts(LookupAccounts(numbers))
        self.doubter.saw(Seen(since, container.head.seq, found.accounts))


def _opening() -> Accounts:
    flags = (0, 0, 2, 4, 0)
    return Accounts(tuple(account(n, flags=f) for n, f in zip(NUMBERS, flags, strict=False)))


def _events(command: Accounts | Transfers):
    return command.transfers if isinstance(command, Transfers) else command.accounts


async def _expire(ledger: Ledger, dice: Random) -> None:
    with suppress(Unavailable):
        for _ in range(3):
            await asyncio.sleep(dice.choice(PAUSES_S))
            await ledger.expire_due()


def _some_fault(dice: Random, steps: int) -> Plan:
    """Mostly one step that fails, some way into the life."""
    if dice.random() < 0.2:
        return lambda number, step: None
    chosen = steps + dice.choice((dice.randint(1, 12), dice.randint(1, 60)))
    fault = dice.choice(list(Fault))

    def plan(number: int, step: Step) -> Fault | None:
        return fault if number == chosen else None

    return plan


def _once(work: Callable[[], None]) -> Callable[[], None]:
    rest = [work]

    def once() -> None:
        while rest:
            rest.pop()()

    return once
