"""Hammer the same payments from many clients at once, with kills: no cent lost, none doubled.

Every client chooses a payment and something to do to it: confirm, capture, cancel, refund, dispute,
accept, look. An answer that does not come is asked for again with the same key, over every death of
the platform. In the end each payment's history must be explained by one order of its operations
(MS5), the books must be proved, and ledger, balance, charges, refunds, disputes and events must
agree (MS2, MS3, MS4, MS8).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.faults.lab import campaign, checks, truth
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import PATIENCE_S, PAUSE_S, Stuck
from tests.faults.lab.hammered import LOOKING, TAKING_BACK, VISA, Act, Hammered, Verb
from tests.faults.lab.installation import Installation
from tests.faults.lab.line import Answer, Gone, Line
from tests.faults.lab.stories import CREATE, MOVING
from tests.faults.lab.truth import Truth

ACTS_PER_PAYMENT = 24
"""After so many, another payment takes its place: a search is as dear as a history is long."""
OPERATIONS_PER_KILL = 4_000
PROOF_PATIENCE_S = 30.0
VERBS = (
    *(Verb.CONFIRM, Verb.CONFIRM, Verb.CAPTURE, Verb.CAPTURE, Verb.CANCEL),
    *(Verb.REFUND, Verb.REFUND, Verb.REFUND, Verb.DISPUTE, Verb.ACCEPT),
    *LOOKING,
)


class Plan(msgspec.Struct, frozen=True):
    """How much, by how many, on how few."""

    operations: int
    clients: int
    payments: int
    """Under the hammer at the same time."""


class Hammer:
    """The clients, what they do it to, and what they saw."""

    def __init__(self, platform: Installation, seed: int, plan: Plan) -> None:
        self.all: list[Hammered] = []
        self.done = 0
        self.lost = 0
        self._platform = platform
        self._seed = seed
        self._plan = plan
        self._moments = itertools.count()
        self._numbers = itertools.count()
        self._anvil: list[Hammered] = []
        self._alive = asyncio.Event()

    def lives(self, is_alive: bool) -> None:
        """Whether asking makes sense."""
        if is_alive:
            self._alive.set()
        else:
            self._alive.clear()

    async def strike(self) -> None:
        """Operate until the plan is fulfilled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._plan.clients):
                group.create_task(self._client(number))

    async def _client(self, number: int) -> None:
        dice = random.Random(f"{self._seed} {number}")
        line: list[Line] = []
        while self.done < self._plan.operations:
            self.done += 1
            payment = await self._chosen(line, dice)
            act = self._act(payment, dice, f"m{self._seed}-{number}-{self.done}")
            payment.acts.append(act)
            form = None if act.verb in LOOKING else payment.form(act)
            answer = await self._asked(line, payment.path(act), form, act.key)
            act.answer = answer
            payment.note(act)
            if act.told().get("status") not in MOVING or act.verb in LOOKING:
                act.returned = next(self._moments)
        for each in line:
            each.close()

    def _act(self, payment: Hammered, dice: random.Random, key: str) -> Act:
        verb = dice.choice(VERBS)
        minor = 0
        if verb is Verb.CAPTURE:
            minor = payment.amount + 1 if dice.random() < 0.1 else dice.randint(1, payment.amount)
        elif verb is Verb.DISPUTE and payment.charge is None:
            verb = Verb.LOOK
        elif verb is Verb.ACCEPT and not payment.disputes:
            verb = Verb.LOOK_AT_CHARGE
        elif verb in TAKING_BACK:
            minor = dice.randint(1, payment.amount // 2)
        dispute = dice.choice(payment.disputes) if verb is Verb.ACCEPT else None
        return Act(verb, key, next(self._moments), minor, dispute)

    async def _chosen(self, line: list[Line], dice: random.Random) -> Hammered:
        """One that lies on the anvil; a fresh one takes the place of one that had enough."""
        if len(self._anvil) < self._plan.payments:
            return await self._fresh(line, dice)
        payment = dice.choice(self._anvil)
        if len(payment.acts) < ACTS_PER_PAYMENT:
            return payment
        self._anvil.remove(payment)
        return await self._fresh(line, dice)

    async def _fresh(self, line: list[Line], dice: random.Random) -> Hammered:
        number = next(self._numbers)
        amount, is_manual = 10_000 + number, dice.random() < 0.5
        form = {"amount": str(amount), "currency": "usd", "payment_method": VISA}
        form["capture_method"] = "manual" if is_manual else "automatic"
        answer = await self._asked(line, CREATE, form, f"m{self._seed}-create-{number}")
        assert answer.is_good, answer
        payment = Hammered(str(answer.json()["id"]), amount, is_manual)
        self.all.append(payment)
        self._anvil.append(payment)
        return payment

    async def _asked(
        self, line: list[Line], path: str, form: dict[str, str] | None, key: str
    ) -> Answer:
        """Ask until there is an answer that stays, at whatever address the platform lives.

        Without a form it is a question.
        """
        deadline = time.monotonic() + PATIENCE_S
        last = "nothing"
        while time.monotonic() < deadline:
            await self._alive.wait()
            if not line:
                line.append(Line(self._platform.url, self._platform.key))
            try:
                asking = line[0].get(path) if form is None else line[0].post(path, form, key)
                answer = await asking
            except Gone as gone:
                self.lost += 1
                last = str(gone)
                line.pop().close()
                await asyncio.sleep(PAUSE_S)
                continue
            if answer.is_kept:
                return answer
            last = f"{answer.status} {answer.body[:200]!r}"
            await asyncio.sleep(PAUSE_S)
        raise Stuck(f"{path} with key {key}: {last}")


def main(argv: Sequence[str]) -> int:
    """Run the campaign in each topology."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--operations", type=int, default=20_000, help="per topology")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--payments", type=int, default=16, help="under the hammer at once")
    parser.add_argument("--topology", choices=["one", "processes"], help="only this one")
    options = campaign.read(parser, argv)
    run = Campaign("money", options)
    plan = Plan(options.operations, options.clients, options.payments)
    for topology in [options.topology] if options.topology else ["one", "processes"]:
        with campaign.scratch("money") as folder:
            hammer(run, Installation(Path(folder) / "data", topology), plan)
    return run.end()


def hammer(run: Campaign, platform: Installation, plan: Plan) -> None:
    """One installation under the hammer, then judged."""
    platform.start()
    try:
        asyncio.run(_hammer(run, platform, plan))
    finally:
        platform.kill()


async def _hammer(run: Campaign, platform: Installation, plan: Plan) -> None:
    hammered = Hammer(platform, run.seed, plan)
    hammered.lives(True)
    where = platform.topology
    striking = asyncio.create_task(hammered.strike())
    killing = asyncio.create_task(_kill_now_and_then(run, platform, hammered, plan))
    try:
        await striking
    except* Exception as failed:  # noqa: BLE001 - a client that cannot go on is a finding
        run.found(where, [f"stuck: {each}" for each in failed.exceptions])
    killing.cancel()
    await asyncio.wait([killing])
    disputes = await truth.disputes(platform.url, platform.key, PROOF_PATIENCE_S)
    now = await truth.settled(platform.url, platform.key, platform.data, PROOF_PATIENCE_S)
    run.found(where, itertools.chain.from_iterable(each.judged() for each in hammered.all))
    run.found(where, end_of(hammered.all, now, disputes))
    run.found(where, await _events(platform, now))
    run.found(where, platform.check_books())
    if run.violations:
        run.found(where, [f"its log is in {campaign.keep_log(platform.data, run.name)}"])
    run.counted["operations"] += hammered.done
    run.counted["payments"] += len(hammered.all)
    run.counted["refunds"] += len(now.refunds)
    run.counted["disputes"] += len(disputes)
    run.counted["unanswered"] += hammered.lost


async def _kill_now_and_then(
    run: Campaign, platform: Installation, hammered: Hammer, plan: Plan
) -> None:
    """Kill everything, or one service of the fleet, every few thousand operations."""
    dice = random.Random(run.seed)
    due = _next_kill(0, dice, plan)
    while True:
        await asyncio.sleep(PAUSE_S)
        if hammered.done < due:
            continue
        if platform.topology == "processes" and dice.random() < 0.7:
            service, pid = dice.choice(sorted(platform.services().items()))
            os.kill(pid, signal.SIGKILL)
            run.counted[f"kills_of_{service}"] += 1
        else:
            hammered.lives(False)
            platform.kill()
            await asyncio.to_thread(platform.start)
            hammered.lives(True)
            run.counted["kills"] += 1
        due = _next_kill(hammered.done, dice, plan)
        run.at(hammered.done, plan.operations, f"{platform.topology} {dict(run.counted)}")


def _next_kill(done: int, dice: random.Random, plan: Plan) -> int:
    usual = min(OPERATIONS_PER_KILL, plan.operations // 3)
    return done + dice.randint(usual // 2, usual * 3 // 2)


def end_of(
    hammered: Sequence[Hammered], now: Truth, disputes: Sequence[truth.Dispute]
) -> list[str]:
    """What is so in the end, for each payment, and in sum (MS3, MS4)."""
    refunded = Counter[str]()
    for refund in now.refunds:
        if refund.status == "succeeded":
            refunded[refund.payment_intent] += refund.amount
    disputed = Counter[str]()
    for dispute in disputes:
        disputed[dispute.payment_intent] += dispute.amount
    known = {each.id for each in hammered}
    found = [f"nobody asked for {each.id}" for each in now.payments if each.id not in known]
    for payment in now.payments:
        found += _end_of(payment, now, refunded[payment.id], disputed[payment.id])
    changes = sum(each.net for each in now.changes)
    if changes != now.balance_minor:
        found.append(f"the balance is {now.balance_minor}, balance transactions make {changes}")
    moved = sum(each.amount for each in now.changes)
    received = sum(each.amount_received for each in now.payments)
    left = received - refunded.total() - disputed.total()
    if moved != left:
        found.append(f"balance transactions moved {moved}, payments have {left} left")
    return [*found, *_accepted_twice(hammered), *_never_heard(hammered, disputes)]


def _end_of(payment: truth.Payment, now: Truth, refunded: int, disputed: int) -> Iterator[str]:
    charge = next(
        (
            each
            for each in now.charges
            if each.payment_intent == payment.id and each.status == "succeeded"
        ),
        None,
    )
    taken = charge.amount_captured if charge else 0
    if payment.status in MOVING:
        yield f"{payment.id} is still {payment.status}"
    if taken != payment.amount_received or taken > payment.amount:
        yield f"{payment}: captured {taken}"
    if refunded + disputed > taken:
        yield f"{payment}: refunded {refunded}, disputed {disputed}"
    if charge and charge.amount_refunded != refunded:
        yield f"{charge}: its refunds make {refunded}"


def _accepted_twice(hammered: Sequence[Hammered]) -> list[str]:
    accepted = Counter(
        act.dispute
        for payment in hammered
        for act in payment.acts
        if act.verb is Verb.ACCEPT and act.answer is not None and act.answer.is_good
    )
    return [
        f"accepted {times} times: {dispute}" for dispute, times in accepted.items() if times > 1
    ]


def _never_heard(hammered: Sequence[Hammered], disputes: Sequence[truth.Dispute]) -> list[str]:
    """Disputes that were told of and are not there, or are there and nobody was told."""
    heard = {dispute for payment in hammered for dispute in payment.disputes}
    there = {each.id for each in disputes}
    return [f"a dispute was lost or doubled: {each}" for each in sorted(heard ^ there)]


async def _events(platform: Installation, now: Truth) -> list[str]:
    """What is wrong with the events after they had time to arrive (MS8)."""
    deadline = time.monotonic() + PROOF_PATIENCE_S
    while True:
        now.events = await truth.events(platform.url, platform.key, checks.EVENTS)
        wrong = list(checks.wrong_events(now))
        if not wrong or time.monotonic() > deadline:
            return wrong
        await asyncio.sleep(0.25)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
