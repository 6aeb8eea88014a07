"""Kill the platform at random moments under load: nothing may be lost or doubled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.faults.lab import campaign, checks, truth
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import Crowd
from tests.faults.lab.installation import Installation
from tests.faults.lab.stories import Story, asks, stories

REPEATED = 100
QUIET_S = 60.0


class Plan(msgspec.Struct, frozen=True):
    """How much, and how long."""

    cycles: int
    clients: int
    load_s: float
    """The longest time from the first request to the kill."""


def main(argv: Sequence[str]) -> int:
    """Run the campaign: kill -9, restart, ask again, compare."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--cycles", type=int, default=20, help="deaths per topology")
    parser.add_argument("--topology", choices=["one", "processes"], help="only this one")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--load-s", type=float, default=2.0, help="longest time under load")
    options = campaign.read(parser, argv)
    run = Campaign("kill", options)
    plan = Plan(options.cycles, options.clients, options.load_s)
    for topology in [options.topology] if options.topology else ["one", "processes"]:
        with campaign.scratch("kill") as folder:
            kill_again_and_again(run, Installation(Path(folder) / "data", topology), plan)
    return run.end()


def kill_again_and_again(run: Campaign, platform: Installation, plan: Plan) -> None:
    """One installation, through all its deaths; violations and figures go into ``run``."""
    dice = random.Random(run.seed)
    crowd, new = Crowd(plan.clients), stories(run.seed)
    platform.start()
    try:
        for cycle in range(1, plan.cycles + 1):
            one_service = platform.topology == "processes" and dice.random() < 0.5
            deadly = _lose_a_service if one_service else _lose_everything
            asyncio.run(deadly(run, platform, crowd, new, dice, plan))
            where = f"{platform.topology}, cycle {cycle}"
            if not asyncio.run(_compare(run, platform, crowd, dice, where)):
                run.found(where, [f"its log is in {campaign.keep_log(platform.data, run.name)}"])
                return
            run.at(cycle, plan.cycles, f"{platform.topology} {dict(run.counted)}")
    finally:
        platform.kill()
    _count(run, crowd.told)


async def _lose_everything(
    run: Campaign,
    platform: Installation,
    crowd: Crowd,
    new: Iterator[Story],
    dice: random.Random,
    plan: Plan,
) -> None:
    """Kill every process at once, and start again."""
    is_dead = asyncio.Event()
    load = asyncio.create_task(crowd.tell(platform.url, platform.key, new, is_dead.is_set))
    await asyncio.sleep(dice.uniform(0.05, plan.load_s))
    os.killpg(platform.pid, signal.SIGKILL)
    is_dead.set()
    await load
    platform.kill()
    began = time.monotonic()
    platform.start()
    run.counted["kills"] += 1
    run.counted["restart_s_max"] = max(run.counted["restart_s_max"], time.monotonic() - began)


async def _lose_a_service(
    run: Campaign,
    platform: Installation,
    crowd: Crowd,
    new: Iterator[Story],
    dice: random.Random,
    plan: Plan,
) -> None:
    """Kill one process of the fleet, which brings it back, while the load goes on."""
    is_over = asyncio.Event()
    load = asyncio.create_task(crowd.tell(platform.url, platform.key, new, is_over.is_set))
    await asyncio.sleep(dice.uniform(0.05, plan.load_s))
    service, pid = dice.choice(sorted(platform.services().items()))
    os.kill(pid, signal.SIGKILL)
    await asyncio.sleep(dice.uniform(0.5, plan.load_s + 0.5))
    is_over.set()
    await load
    run.counted["service_kills"] += 1
    run.counted[f"kills_of_{service}"] += 1


async def _compare(
    run: Campaign, platform: Installation, crowd: Crowd, dice: random.Random, where: str
) -> bool:
    """Bring all stories to their end, and compare with the truth; whether all is well."""
    before = len(run.violations)
    try:
        await crowd.finish(platform.url, platform.key)
        run.counted["repeated"] += await crowd.repeat(platform.url, platform.key, REPEATED, dice)
    except* Exception as failed:  # noqa: BLE001 - a client that cannot go on is a finding
        run.found(where, [f"stuck: {each}" for each in failed.exceptions])
    if len(run.violations) > before:
        return False
    now = await truth.settled(platform.url, platform.key, platform.data, QUIET_S)
    run.found(where, checks.all_of(crowd.told, now))
    run.found(where, platform.check_books())
    return len(run.violations) == before


def _count(run: Campaign, told: Sequence[Story]) -> None:
    run.counted["stories"] += len(told)
    run.counted["requests"] += sum(1 for _ in asks(told))
    run.counted["unanswered"] += sum(ask.lost for ask in asks(told))
    run.counted["refused_for_now"] += sum(
        not answer.is_kept for ask in asks(told) for answer in ask.answers
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
