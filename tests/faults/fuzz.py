"""Send changed octets of good requests, many on one connection: nothing may end in a fault (AE1).

Every request is a good one of some route in which a few octets were turned, cut, doubled or put in.
Nobody may be answered by a fault, nothing may be logged as one, good requests must be answered in
between, memory must stay, and in the end the books are proved.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.payments import tree

from sycee.gateway.app import documented_routes
from tests.faults.lab import campaign
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.installation import Installation
from tests.faults.lab.line import Gone, Line
from tests.system.octets import FORM, corpus, mutated
from tests.system.wire import connected, head, statuses, whole

ON_ONE_CONNECTION = 6
"""Requests that are sent without waiting. After one that breaks the connection the others are lost,
after one that was cut short they are its body: only answers are counted."""
SILENCE_S = 0.05
FORM_TYPE = "application/x-www-form-urlencoded"
SHED = 503
MEMORY_FACTOR_MAX = 2.0
"""Of the memory after the first tenth of the requests."""


def main(argv: Sequence[str]) -> int:
    """Run the campaign."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--requests", type=int, default=50_000, help="that are answered")
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--topology", choices=["one", "processes"], default="one")
    options = campaign.read(parser, argv)
    run = Campaign("fuzz", options)
    with campaign.scratch("fuzz") as folder:
        platform = Installation(Path(folder) / "data", options.topology)
        platform.start()
        try:
            fuzz(run, platform, options.requests, options.connections)
        finally:
            platform.kill()
    return run.end()


def fuzz(run: Campaign, platform: Installation, requests: int, connections: int) -> None:
    """Send that many requests in ten parts, and look after each how the platform does."""
    dice = random.Random(run.seed)
    good = [*corpus(platform.key), *one_of_each_route(platform.key)]
    seeds = [each.replace(b"connection: close\r\n", b"") for each in good]
    memory = 0
    for part in range(10):
        asyncio.run(_part(run, platform, dice, seeds, requests // 10, connections))
        now = _memory_kib(platform)
        memory = memory or now
        if now > memory * MEMORY_FACTOR_MAX:
            run.found(f"part {part}", [f"memory grew from {memory} to {now} KiB"])
        run.at(part + 1, 10, str(dict(run.counted)))
    run.counted["memory_kib_first"], run.counted["memory_kib_last"] = memory, now
    faults = platform.log.read_text().count('"level":"error"')
    run.found("log", [f"{faults} faults were logged"] if faults else [])
    run.found("books", platform.check_books())
    if run.violations:
        run.found("log", [f"it is in {campaign.keep_log(platform.data, run.name)}"])


def one_of_each_route(key: str) -> list[bytes]:
    """A request for every route; ids are nobody's."""
    found = []
    for route in documented_routes():
        path = re.sub(r"\{\w+\}", "nobodys", route.path)
        if route.method == "POST":
            found.append(whole(f"POST {path}", key, FORM, media_type=FORM_TYPE))
        else:
            found.append(head(f"{route.method} {path}", key))
    return found


async def _part(
    run: Campaign,
    platform: Installation,
    dice: random.Random,
    seeds: Sequence[bytes],
    requests: int,
    connections: int,
) -> None:
    outcomes = Counter[int]()

    async def client() -> None:
        while outcomes.total() < requests:
            sent = [mutated(dice, dice.choice(seeds)) for _ in range(ON_ONE_CONNECTION)]
            line = await connected(platform)
            await line.say(b"".join(sent))
            answer = await line.end(SILENCE_S)
            found = statuses(answer)
            outcomes.update(found)
            wrong = [status for status in found if status >= 500 and status != SHED]
            if wrong:
                run.found("answers", [f"{wrong} for {sent!r}"])

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client())
    run.counted["answers"] += outcomes.total()
    for status, times in outcomes.items():
        run.counted[f"answered_{status}"] += times
    run.found("a good request", await _unanswered(platform))


async def _unanswered(platform: Installation) -> list[str]:
    line = Line(platform.url, platform.key)
    try:
        answer = await line.get("/v1/payment_intents?limit=1")
    except Gone as gone:
        return [f"no answer: {gone}"]
    finally:
        line.close()
    return [] if answer.is_good else [f"{answer.status} {answer.body!r}"]


def _memory_kib(platform: Installation) -> int:
    return sum(_resident_kib(pid) for pid in tree(platform.pid))


def _resident_kib(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
