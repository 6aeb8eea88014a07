"""Cut the disk's power under load: nothing acknowledged is lost; a careless platform is caught."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.lab import campaign, trial
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import Crowd
from tests.faults.lab.disk import CannotCut, Disk, disk
from tests.faults.lab.installation import CARELESS, Installation
from tests.faults.lab.stories import Story, stories

LOAD_S_MAX = 1.5


def main(argv: Sequence[str]) -> int:
    """Run the campaign, then prove that it would have found a loss."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--topology", choices=["one", "processes"], default="one")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--mutant-cycles", type=int, default=5, help="0 leaves the proof out")
    options = campaign.read(parser, argv)
    run = Campaign("power", options)
    try:
        with campaign.scratch("power") as folder, disk(Path(folder)) as broken:
            platform = Installation(broken.mounted / "data", options.topology)
            cut_again_and_again(run, broken, platform, options.cycles, options.clients)
        if options.mutant_cycles:
            run.found("mutant", missed(options))
    except CannotCut as why:
        return campaign.skip("power", str(why))
    return run.end()


def cut_again_and_again(
    run: Campaign, broken: Disk, platform: Installation, cycles: int, clients: int
) -> None:
    """Cut, mount, start, compare; ends at the first violation."""
    dice = random.Random(run.seed)
    crowd, new = Crowd(clients), stories(run.seed)
    platform.start()
    try:
        for cycle in range(1, cycles + 1):
            asyncio.run(_cut(run, broken, platform, crowd, new, dice))
            if not _comes_back(run, platform, f"cycle {cycle}"):
                return
            if not asyncio.run(trial.compare(run, platform, crowd, f"cycle {cycle}")):
                return
            run.at(cycle, cycles, str(dict(run.counted)))
    finally:
        platform.kill()
    trial.count(run, crowd.told)


async def _cut(
    run: Campaign,
    broken: Disk,
    platform: Installation,
    crowd: Crowd,
    new: Iterator[Story],
    dice: random.Random,
) -> None:
    """Lose the disk's power while clients pay.

    Everything stands still first: else a process could acknowledge, in the moment between, what
    it wrote to a disk that is no more.
    """
    is_dark = asyncio.Event()
    load = asyncio.create_task(crowd.tell(platform.url, platform.key, new, is_dark.is_set))
    await asyncio.sleep(dice.uniform(0.3, LOAD_S_MAX))
    platform.freeze()
    broken.cut()
    platform.kill()
    is_dark.set()
    await load
    broken.come_back()
    run.counted["cuts"] += 1


def _comes_back(run: Campaign, platform: Installation, where: str) -> bool:
    began = time.monotonic()
    try:
        platform.start()
    except AssertionError as failed:
        run.found(where, [f"does not start: {failed}"])
        return False
    took_s = time.monotonic() - began
    run.counted["restart_s_max"] = max(run.counted["restart_s_max"], took_s)
    return True


def missed(options: argparse.Namespace) -> list[str]:
    """What is wrong with the campaign itself: that it does not see a careless platform's losses."""
    proof = Campaign("power, with a careless platform", options)
    with campaign.scratch("power") as folder, disk(Path(folder)) as broken:
        platform = Installation(broken.mounted / "data", "one", program=CARELESS)
        cut_again_and_again(proof, broken, platform, options.mutant_cycles, options.clients)
    if proof.violations:
        cuts = int(proof.counted["cuts"])
        sys.stderr.write(f"the careless platform was caught after {cuts} cuts, as it must be\n")
        return []
    return [f"a platform that does not wait for the disk passed {options.mutant_cycles} cuts"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
