"""Simulate the ledger: crashes and a failing disk in virtual time, one story per seed."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sycee.runtime import logs
from tests.faults.lab import campaign
from tests.faults.lab.campaign import Campaign
from tests.simulation.ledger import Story

CHUNK = 50
SHOWN_EVERY = 1_000


class Told(NamedTuple):
    """What some seeds came to."""

    counted: Counter[str]
    codes: frozenset[str]
    failed: dict[int, str]


def main(argv: Sequence[str]) -> int:
    """Tell the stories of many seeds; with a seed alone, that one."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--seeds", type=int, help="how many, from --seed on; else one, or 1,000")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    given = parser.parse_args(argv)
    options = campaign.read(parser, argv)
    if given.seeds is None:
        options.seeds = 1 if given.seed is not None else 1_000
    return simulate(options)


def simulate(options: argparse.Namespace) -> int:
    """Tell all stories, as many at once as there are jobs."""
    run = Campaign("simulate", options)
    seeds = range(options.seed, options.seed + options.seeds)
    codes: set[str] = set()
    for told in _told(seeds, options.jobs):
        for name, count in told.counted.items():
            run.counted[name] += count
        codes |= told.codes
        for seed, why in sorted(told.failed.items()):
            run.found(f"./sycee faults simulate --seed {seed}", [why])
        if run.counted["seeds"] % SHOWN_EVERY < CHUNK:
            run.at(int(run.counted["seeds"]), options.seeds)
    run.counted["codes"] = len(codes)
    return run.end()


def tell(seeds: Sequence[int]) -> Told:
    """Tell some stories."""
    logs.configure("simulation", write=_unheard)
    counted: Counter[str] = Counter()
    codes: frozenset[str] = frozenset()
    failed = {}
    for seed in seeds:
        counted["seeds"] += 1
        try:
            outcome = Story(seed).tell()
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            failed[seed] = traceback.format_exc(limit=-6)
            continue
        counted.update(
            lives=outcome.lives,
            answers=outcome.answers,
            deaths=outcome.deaths,
            refusals=outcome.refusals,
        )
        codes |= outcome.codes
    return Told(counted, codes, failed)


def _told(seeds: range, jobs: int) -> Iterator[Told]:
    chunks = [seeds[begin : begin + CHUNK] for begin in range(0, len(seeds), CHUNK)]
    if jobs < 2 or len(chunks) < 2:
        yield from map(tell, chunks)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(tell, chunks)


def _unheard(line: bytes) -> None:
    """Faults are part of the stories; what they log is of no interest."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
