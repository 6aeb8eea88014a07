"""Break the money rules one by one; the tests of each must notice."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence

from tools.mutants import containers, engine, kernel, reference, trial
from tools.mutants.mutant import Mutant
from tools.mutants.trial import Fate

from tests.faults.lab import campaign
from tests.faults.lab.campaign import Campaign

PARTS = {
    "reference": reference.MUTANTS,
    "kernel": kernel.MUTANTS,
    "engine": engine.MUTANTS,
    "containers": containers.MUTANTS,
}
BAD = (Fate.SURVIVED, Fate.BROKEN)


def main(argv: Sequence[str]) -> int:
    """Try all mutants, or those of a part, or those with a word in their name."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--part", choices=PARTS, help="only the mutants of this part")
    parser.add_argument("--word", default="", help="only those with this in their name")
    return break_all(campaign.read(parser, argv))


def break_all(options: argparse.Namespace) -> int:
    """Try every chosen mutant, and print what became of each."""
    run = Campaign("mutants", options)
    chosen = list(_chosen(options))
    with trial.copied() as tree:
        for suite in dict.fromkeys(mutant.suite.tests for mutant in chosen):
            sound = next(each.suite for each in chosen if each.suite.tests == suite)
            if not trial.is_sound(tree, sound):
                run.found("unchanged", [f"the tests fail: {' '.join(suite)}"])
                return run.end()
        for number, mutant in enumerate(chosen, 1):
            fate = trial.try_one(tree, mutant)
            sys.stderr.write(
                f"{fate.value:<9}  {mutant.file.rpartition('/')[2]:<22}{mutant.name}\n"
            )
            run.counted[fate.name.lower()] += 1
            if fate in BAD:
                run.found(mutant.file, [f"{fate.value}: {mutant.name}"])
            if number % 20 == 0:
                run.at(number, len(chosen))
    return run.end()


def _chosen(options: argparse.Namespace) -> Sequence[Mutant]:
    parts = [options.part] if options.part else [*PARTS]
    mutants = itertools.chain.from_iterable(PARTS[part] for part in parts)
    return [mutant for mutant in mutants if options.word in mutant.name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
