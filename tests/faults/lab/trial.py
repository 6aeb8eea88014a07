"""After a fault: everything is asked again, brought to its end, and compared."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from tests.faults.lab import campaign, checks, truth
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import Crowd
from tests.faults.lab.installation import Installation
from tests.faults.lab.stories import Story, asks
from tests.faults.lab.truth import Truth

REPEATED = 100
QUIET_S = 60.0
EVENTS_S = 20.0


async def compare(
    run: Campaign,
    platform: Installation,
    crowd: Crowd,
    where: str,
    repeated: int = REPEATED,
    is_proved: bool = True,
) -> bool:
    """Bring all stories to their end, and compare with the truth; whether all is well."""
    before = len(run.violations)
    dice = random.Random(f"{run.seed} {where}")
    try:
        await crowd.finish(platform.url, platform.key)
        run.counted["repeated"] += await crowd.repeat(platform.url, platform.key, repeated, dice)
    except* Exception as failed:  # noqa: BLE001 - a client that cannot go on is a finding
        run.found(where, [f"stuck: {each}" for each in failed.exceptions])
    if len(run.violations) == before:
        now = await truth.settled(platform.url, platform.key, platform.data, QUIET_S)
        run.found(where, checks.all_of(crowd.told, now))
        run.found(where, await _wrong_events(platform, now))
        if is_proved:
            run.found(where, platform.check_books())
    if len(run.violations) > before:
        run.found(where, [f"its log is in {campaign.keep_log(platform.data, run.name)}"])
    return len(run.violations) == before


async def _wrong_events(platform: Installation, now: Truth) -> list[str]:
    """What is wrong with the events after they had time to arrive."""
    deadline = time.monotonic() + EVENTS_S
    while True:
        now.events = await truth.events(platform.url, platform.key, checks.EVENTS)
        wrong = list(checks.wrong_events(now))
        if not wrong or time.monotonic() > deadline:
            return wrong
        await asyncio.sleep(0.25)


def count(run: Campaign, told: Sequence[Story]) -> None:
    """Add up what the clients went through."""
    run.counted["stories"] += len(told)
    run.counted["requests"] += sum(1 for _ in asks(told))
    run.counted["unanswered"] += sum(ask.lost for ask in asks(told))
    run.counted["refused_for_now"] += sum(
        not answer.is_kept for ask in asks(told) for answer in ask.answers
    )
