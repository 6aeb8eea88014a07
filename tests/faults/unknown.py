"""Lose an acquirer's requests and answers, with kills: every payment ends in the book's truth."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.lab import campaign, trial
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import Crowd
from tests.faults.lab.installation import Installation
from tests.faults.lab.stories import MOVING, Story, asks, stories


def main(argv: Sequence[str]) -> int:
    """Run the campaign: load with a bad acquirer, kill, restart, wait until all is known."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--cycles", type=int, default=10, help="rounds per topology")
    parser.add_argument("--topology", choices=["one", "processes"], help="only this one")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--load-s", type=float, default=2.0, help="time under load in a round")
    parser.add_argument("--lost-requests", type=int, default=200, help="of a thousand")
    parser.add_argument("--lost-answers", type=int, default=200, help="of a thousand")
    parser.add_argument("--script", default="", help="of the rail, as testcard.script")
    options = campaign.read(parser, argv)
    run = Campaign("unknown", options)
    settings = misbehaviour(run.seed, options.lost_requests, options.lost_answers)
    settings.append(f"testcard.script={options.script}")
    for topology in [options.topology] if options.topology else ["one", "processes"]:
        with campaign.scratch("unknown") as folder:
            platform = Installation(Path(folder) / "data", topology, *settings)
            mislead(run, platform, options.cycles, options.clients, options.load_s)
    return run.end()


def misbehaviour(seed: int, lost_requests: int, lost_answers: int) -> list[str]:
    """Settings of the simulated acquirer."""
    return [
        f"testcard.lost_requests_per_mille={lost_requests}",
        f"testcard.lost_answers_per_mille={lost_answers}",
        f"testcard.seed=s{seed}",
    ]


def mislead(
    run: Campaign, platform: Installation, cycles: int, clients: int, load_s: float
) -> None:
    """Load, and in every other round a kill; ends at the first violation (MS9)."""
    crowd, new = Crowd(clients), stories(run.seed)
    dice = random.Random(run.seed)
    platform.start()
    try:
        for cycle in range(1, cycles + 1):
            where = f"{platform.topology}, cycle {cycle}"
            asyncio.run(_load(platform, crowd, new, dice.uniform(load_s / 2, load_s), cycle % 2))
            if cycle % 2:
                platform.kill()
                platform.start()
                run.counted["kills"] += 1
            if not asyncio.run(trial.compare(run, platform, crowd, where)):
                return
            run.at(cycle, cycles, f"{platform.topology} {dict(run.counted)}")
    finally:
        platform.kill()
    trial.count(run, crowd.told)
    run.counted["answers_in_doubt"] += sum(map(_is_in_doubt, crowd.told))


async def _load(
    platform: Installation, crowd: Crowd, new: Iterator[Story], for_s: float, is_last: int
) -> None:
    is_over = asyncio.Event()
    load = asyncio.create_task(crowd.tell(platform.url, platform.key, new, is_over.is_set))
    await asyncio.sleep(for_s)
    if is_last:
        os.killpg(platform.pid, signal.SIGKILL)
    is_over.set()
    await load


def _is_in_doubt(story: Story) -> bool:
    kept = [ask.kept for ask in asks([story])]
    return any(each and each.is_good and each.json()["status"] in MOVING for each in kept)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
