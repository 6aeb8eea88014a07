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

from tests.faults.lab import campaign, trial
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import Crowd
from tests.faults.lab.installation import Installation
from tests.faults.lab.stories import Story, stories

BIRTHS = 5
IN_RECOVERY = 0.3
"""Of all kills, how many are followed by another one right after the restart."""


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
            born = Installation(Path(folder) / "born", topology)
            kill_at_birth(run, born, min(BIRTHS, options.cycles))
            kill_again_and_again(run, Installation(Path(folder) / "data", topology), plan)
    return run.end()


def kill_at_birth(run: Campaign, platform: Installation, times: int) -> None:
    """Kill a first start at random moments; the next one must go well."""
    dice = random.Random(run.seed)
    for _ in range(times):
        platform.begin()
        time.sleep(dice.uniform(0.1, 2.0))
        platform.kill()
        run.counted["kills_at_birth"] += 1
    try:
        platform.start()
    except AssertionError as failed:
        run.found(f"{platform.topology}, first start", [str(failed)])
    else:
        run.found(f"{platform.topology}, first start", platform.check_books())
    finally:
        platform.kill()


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
            if not asyncio.run(trial.compare(run, platform, crowd, where)):
                return
            run.at(cycle, plan.cycles, f"{platform.topology} {dict(run.counted)}")
    finally:
        platform.kill()
    trial.count(run, crowd.told)


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
    if dice.random() < IN_RECOVERY:
        await _lose_everything_again(run, platform, crowd, dice)
    began = time.monotonic()
    platform.start()
    run.counted["kills"] += 1
    run.counted["restart_s_max"] = max(run.counted["restart_s_max"], time.monotonic() - began)


async def _lose_everything_again(
    run: Campaign, platform: Installation, crowd: Crowd, dice: random.Random
) -> None:
    """Kill while what was left open is being finished and asked for again."""
    platform.start()
    finishing = asyncio.create_task(crowd.finish(platform.url, platform.key))
    await asyncio.sleep(dice.uniform(0.0, 1.0))
    os.killpg(platform.pid, signal.SIGKILL)
    finishing.cancel()
    await asyncio.wait([finishing])
    platform.kill()
    run.counted["kills_in_recovery"] += 1


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
