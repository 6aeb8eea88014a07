"""A bounded crowd of clients that tell stories at the same time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from tests.faults.lab.line import Answer, Gone, Line
from tests.faults.lab.stories import Ask, Story, asks

PATIENCE_S = 60.0
"""How long a request that must end is sent again."""
PAUSE_S = 0.05


class Stuck(Exception):
    """A request has no lasting answer after all patience: a violation, not an outage."""


class Crowd:
    """Clients of one platform; what they asked and heard is kept through its deaths."""

    def __init__(self, clients: int) -> None:
        self.told: list[Story] = []
        self._clients = clients

    async def tell(
        self, url: str, key: str, new: Iterator[Story], until: Callable[[], bool]
    ) -> None:
        """Tell stories until ``until``; a client whose connection is lost connects again."""

        async def client() -> None:
            line = Line(url, key)
            try:
                while not until():
                    story = next(new)
                    self.told.append(story)
                    await _tell_while(line, story, lambda: not until())
            finally:
                line.close()

        await _all(client() for _ in range(self._clients))

    async def finish(self, url: str, key: str) -> None:
        """Send what has no answer again, with the same keys, and bring every story to its end."""
        waiting = iter([story for story in self.told if _is_unfinished(story)])

        async def client() -> None:
            line = Line(url, key)
            try:
                for story in waiting:
                    await _tell_patiently(line, story)
            finally:
                line.close()

        await _all(client() for _ in range(self._clients))

    async def repeat(self, url: str, key: str, sample: int, dice: random.Random) -> int:
        """Send some answered requests again; how many."""
        answered = [ask for ask in asks(self.told) if ask.kept is not None]
        chosen = dice.sample(answered, min(sample, len(answered)))
        await repeat(url, key, chosen, self._clients)
        return len(chosen)


async def repeat(url: str, key: str, chosen: Sequence[Ask], clients: int) -> None:
    """Send requests again; their answers are added to those they had."""
    waiting = iter(chosen)

    async def client() -> None:
        line = Line(url, key)
        try:
            for ask in waiting:
                await patiently(line, ask)
        finally:
            line.close()

    await _all(client() for _ in range(clients))


async def patiently(line: Line, ask: Ask) -> Answer:
    """Send a request until its answer is one that stays."""
    deadline = time.monotonic() + PATIENCE_S
    last = "nothing"
    while time.monotonic() < deadline:
        try:
            answer = await line.post(ask.path, ask.form, ask.key)
        except Gone as gone:
            ask.lost += 1
            last = str(gone)
        else:
            ask.answers.append(answer)
            if answer.is_kept:
                return answer
            last = f"{answer.status} {answer.body[:200]!r}"
        await asyncio.sleep(PAUSE_S)
    raise Stuck(f"{ask.path} with key {ask.key}: {last}")


async def _tell_patiently(line: Line, story: Story) -> None:
    while (ask := story.next_ask()) is not None:
        await patiently(line, ask)


async def _tell_while(line: Line, story: Story, goes_on: Callable[[], bool]) -> None:
    while goes_on() and (ask := story.next_ask()) is not None:
        try:
            answer = await line.post(ask.path, ask.form, ask.key)
        except Gone:
            ask.lost += 1
            await asyncio.sleep(PAUSE_S)
        else:
            ask.answers.append(answer)
            if not answer.is_kept:
                await asyncio.sleep(PAUSE_S)


def _is_unfinished(story: Story) -> bool:
    """Asks for the next request without beginning it."""
    known = len(story.asks)
    ask = story.next_ask()
    del story.asks[known:]
    return ask is not None


async def _all(clients: Iterator[Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(_as_coroutine(client))


async def _as_coroutine(client: Awaitable[None]) -> None:
    await client
