"""Kill the platform, or fail its disk, at every system call that one request makes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.faults.lab import campaign, strace, trial
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import Crowd
from tests.faults.lab.installation import Installation
from tests.faults.lab.line import Answer, Gone, Line
from tests.faults.lab.stories import MOVING, Ask, Plot, Story
from tests.faults.lab.strace import Call, Point

GRACE_S = 0.3
"""How long after the answer a call may still come: events, checkpoints."""
BEYOND = 2
"""How many calls more than were seen before a request may make."""
REPEATED = 20
LATER = 3
"""Stories that are told after a disk has failed."""
PROVED_EVERY = 5
"""The books are proved after so many deaths; whatever one broke stays broken."""
SYNCS = ("fsync", "fdatasync")
MONEY = ("payments.sqlite-wal", "ledger.sqlite-wal", "testcard.sqlite-wal")
"""Files without which nothing about money may be acknowledged."""


class Operation(msgspec.Struct, frozen=True):
    """One kind of request: a story, and how much of it comes before."""

    plot: Plot
    before: int


class Heard(msgspec.Struct, frozen=True):
    """An answer, and when it came."""

    answer: Answer
    at: float


OPERATIONS = {
    "create": Operation(Plot.PAID, 0),
    "confirm": Operation(Plot.PAID, 1),
    "capture": Operation(Plot.CAPTURED, 1),
    "cancel": Operation(Plot.CANCELED, 1),
    "refund": Operation(Plot.PARTLY_REFUNDED, 1),
}


def main(argv: Sequence[str]) -> int:
    """Run the campaign: every point of every operation."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--operation", choices=OPERATIONS, help="only this one")
    parser.add_argument("--fault", choices=["kill", "disk"], help="only this kind")
    parser.add_argument("--stride", type=int, default=1, help="take every so-manyth point")
    options = campaign.read(parser, argv)
    try:
        strace.check_possible()
    except strace.CannotTrace as why:
        return campaign.skip("syscalls", str(why))
    run = Campaign("syscalls", options)
    chosen = [options.operation] if options.operation else list(OPERATIONS)
    with campaign.scratch("syscalls") as folder:
        sweep = Sweep(run, Installation(Path(folder) / "data", "one"))
        try:
            for name in chosen:
                if options.fault != "disk":
                    sweep.kills(name, options.stride)
                if options.fault != "kill":
                    sweep.disk_faults(name, options.stride)
            run.found("at the end", sweep.platform.check_books())
        finally:
            sweep.platform.kill()
        trial.count(run, sweep.crowd.told)
    return run.end()


class Sweep:
    """One installation that dies at one point after another; each start is the next's ground."""

    def __init__(self, run: Campaign, platform: Installation) -> None:
        self.run = run
        self.platform = platform
        platform.start()
        self.crowd = Crowd(4)
        self._numbers = iter(range(1_000_000))
        self._recoveries = 0
        self._points = 0

    def kills(self, name: str, stride: int = 1) -> None:
        """Kill at every point of an operation, until it ends before the point comes."""
        for place in self.places(name):
            for nth in range(1, place.nth + BEYOND + 1, stride):
                point = msgspec.structs.replace(place, nth=nth)
                if not self.kill_at(name, point):
                    break

    def kill_at(self, name: str, point: Point) -> bool:
        """Kill at one point; False when the operation ended without reaching it."""
        story = self._prepared(name)
        with strace.injecting(self.platform.pid, point, "signal=KILL"):
            asyncio.run(self._send(story))
            is_dead = self._dies()
        if not is_dead:
            self.run.counted["points_not_reached"] += 1
            return False
        self.run.counted["kills"] += 1
        self._recover(f"{name}, killed at {point}")
        return True

    def disk_faults(self, name: str, stride: int = 1) -> None:
        """Fail syncs with EIO and writes with ENOSPC and EIO, once and for good (MS7)."""
        for place in self.places(name):
            for nth in _failing(place)[::stride]:
                for what in _disk_faults(place):
                    self.fail_at(name, msgspec.structs.replace(place, nth=nth), what)

    def fail_at(self, name: str, point: Point, what: str) -> bool:
        """Fail the disk at one point; whether it was reached."""
        story = self._prepared(name)
        with strace.injecting(self.platform.pid, point, what) as seen:
            heard = asyncio.run(self._send(story))
            time.sleep(GRACE_S)
            if self.platform.is_running:
                heard += asyncio.run(self._tell_later())
        hits = [call for call in seen if call.is_injected]
        where = f"{name}, {what} at {point}"
        if not hits:
            self.run.counted["points_not_reached"] += 1
            return False
        self.run.counted["disk_faults"] += 1
        self.run.found(where, wrongly_acknowledged(point, seen, heard))
        self._recover(where)
        return True

    def places(self, name: str) -> list[Point]:
        """Where an operation writes, syncs and sends, each with how often it was seen."""
        self._warm_up()
        story = self._prepared(name)
        with strace.watching(self.platform.pid) as seen:
            asyncio.run(self._send(story))
            time.sleep(GRACE_S)
        places = strace.points(seen, self.platform.pid)
        total = sum(place.nth for place in places)
        self.run.counted[f"points_of_{name}"] = total
        self._points += total
        return [place for place in places if not place.path.endswith("platform.log")]

    def _warm_up(self) -> None:
        """Have every thread begin and every statement prepared."""
        asyncio.run(self.crowd.finish(self.platform.url, self.platform.key))

    def _prepared(self, name: str) -> Story:
        """A story, told up to the operation."""
        operation = OPERATIONS[name]
        story = self._new(operation.plot)
        asyncio.run(self._tell(story, operation.before))
        self.crowd.told.append(story)
        return story

    def _new(self, plot: Plot) -> Story:
        number = next(self._numbers)
        return Story(f"s{self.run.seed}-{number}", number, plot)

    async def _tell(self, story: Story, requests: int) -> None:
        line = Line(self.platform.url, self.platform.key)
        for _ in range(requests):
            ask = story.next_ask()
            assert ask is not None
            ask.answers.append(await line.post(ask.path, ask.form, ask.key))
            assert ask.kept is not None and ask.kept.is_good, ask
        line.close()

    async def _send(self, story: Story) -> list[Heard]:
        """Send a story's next request once."""
        ask = story.next_ask()
        assert ask is not None
        answer = await _once(Line(self.platform.url, self.platform.key), ask)
        return [] if answer is None else [Heard(answer, time.time())]

    async def _tell_later(self) -> list[Heard]:
        """What is answered to stories that begin after the fault."""
        heard: list[Heard] = []
        for _ in range(LATER):
            story = self._new(Plot.PAID)
            self.crowd.told.append(story)
            line = Line(self.platform.url, self.platform.key)
            while (ask := story.next_ask()) is not None:
                answer = await _once(line, ask)
                if answer is None or not answer.is_kept:
                    break
                heard.append(Heard(answer, time.time()))
            line.close()
        return heard

    def _dies(self) -> bool:
        deadline = time.monotonic() + GRACE_S
        while self.platform.is_running and time.monotonic() < deadline:
            time.sleep(0.005)
        return not self.platform.is_running

    def _recover(self, where: str) -> None:
        self.platform.kill()
        began = time.monotonic()
        self.platform.start()
        took_s = time.monotonic() - began
        self.run.counted["restart_s_max"] = max(self.run.counted["restart_s_max"], took_s)
        self._recoveries += 1
        is_proved = self._recoveries % PROVED_EVERY == 0
        if is_proved:
            self.run.at(self._recoveries, self._points, where)
        asyncio.run(trial.compare(self.run, self.platform, self.crowd, where, REPEATED, is_proved))


def wrongly_acknowledged(
    point: Point, seen: Sequence[Call], heard: Sequence[Heard]
) -> Iterator[str]:
    """MS7: a commit that failed is not acknowledged, and nothing is after it.

    The thread that moves a log into its file has written nothing to the log: a sync that failed
    there unmakes no commit.
    """
    file = Path(point.path).name
    writers = {call.thread for call in seen if call.name in strace.WRITES}
    failed = [call.at for call in seen if call.is_injected and call.thread in writers]
    if file not in MONEY or not failed:
        return
    for each in heard:
        if each.at > min(failed) and _claims(file, each.answer):
            yield f"acknowledged after a commit had failed: {each.answer.body[:200]!r}"


def _claims(file: str, answer: Answer) -> bool:
    """Whether an answer claims what needs the file."""
    if not answer.is_good:
        return False
    status = answer.json()["status"]
    is_money = status not in MOVING and status != "requires_confirmation"
    return is_money or file.startswith("payments")


async def _once(line: Line, ask: Ask) -> Answer | None:
    try:
        answer = await line.post(ask.path, ask.form, ask.key)
    except Gone:
        ask.lost += 1
        return None
    finally:
        line.close()
    ask.answers.append(answer)
    return answer


def _failing(place: Point) -> list[int]:
    """Every sync; of the writes, which are many and alike, the first, a middle and the last."""
    if place.name in SYNCS:
        return list(range(1, place.nth + 1))
    return sorted({1, (place.nth + 1) // 2, place.nth})


def _disk_faults(place: Point) -> list[str]:
    if not place.path:
        return []
    if place.name in SYNCS:
        return ["error=EIO", "error=EIO+"]
    return ["error=ENOSPC", "error=ENOSPC+", "error=EIO"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
