"""The simulated process: the same seed gives the same run, and time passes only when it must."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from tests.simulation.loop import NOON, Halted, Stuck, VirtualClock, VirtualLoop

DAY_S = 86_400.0


def run(main, seed: int = 1):
    """The result of a coroutine in a process of its own, and the process."""
    loop = VirtualLoop(Random(seed))
    return loop.run(main(loop)), loop


async def _three_talk(loop: VirtualLoop) -> str:
    said = []

    async def talk(name: str) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            said.append(name)

    await asyncio.gather(*(talk(name) for name in "abc"))
    return "".join(said)


def test_the_seed_decides_the_order_of_tasks() -> None:
    heard = {run(_three_talk, seed)[0] for seed in range(50)}
    assert len(heard) > 20
    assert all(run(_three_talk, seed)[0] == run(_three_talk, seed)[0] for seed in range(10))


def test_callbacks_keep_the_order_that_asyncio_promises() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        called: list[int] = []
        for number in range(20):
            loop.call_soon(called.append, number)
        await asyncio.sleep(1)
        return called

    assert all(run(main, seed)[0] == [*range(20)] for seed in range(20))


def test_days_pass_in_no_time() -> None:
    async def main(loop: VirtualLoop) -> tuple[int, float]:
        clock = VirtualClock(loop)
        await asyncio.sleep(30 * DAY_S)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(60)
        return clock.now(), clock.monotonic_s()

    (now, monotonic), loop = run(main)
    assert now == NOON + round(monotonic) * 10**9
    assert monotonic == 30 * DAY_S + 5
    assert loop.steps < 50


def test_work_for_other_threads_is_a_step_of_its_own() -> None:
    async def main(loop: VirtualLoop) -> list[str]:
        order: list[str] = []

        async def beside() -> None:
            await asyncio.sleep(0)
            order.append("beside")

        task = asyncio.create_task(beside())
        order.append(await asyncio.to_thread(lambda: "thread"))
        await task
        return order

    assert {tuple(sorted(run(main, seed)[0])) for seed in range(9)} == {("beside", "thread")}


def test_the_works_of_one_executor_do_not_overtake_each_other() -> None:
    async def main(loop: VirtualLoop) -> list[int]:
        done: list[int] = []
        works = [loop.run_in_executor("one", done.append, number) for number in range(9)]
        await asyncio.gather(*works)
        return done

    assert all(run(main, seed)[0] == [*range(9)] for seed in range(20))


def test_a_fault_in_work_is_raised_at_the_caller() -> None:
    async def main(loop: VirtualLoop) -> None:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)

    run(main)


def test_a_process_that_waits_for_nobody_is_noticed() -> None:
    async def main(loop: VirtualLoop) -> None:
        await loop.create_future()

    with pytest.raises(Stuck):
        run(main)


def test_a_halted_process_says_nothing_more() -> None:
    said = []

    async def main(loop: VirtualLoop) -> None:
        async def talk() -> None:
            while True:
                await asyncio.sleep(1)
                said.append("alive")

        task = asyncio.create_task(talk())
        loop.call_later(3.5, loop.halt)
        await task

    with pytest.raises(Halted):
        run(main)
    assert said == ["alive"] * 3


def test_what_nobody_caught_is_kept_as_a_fault() -> None:
    async def main(loop: VirtualLoop) -> None:
        loop.call_soon(lambda: 1 // 0)
        await asyncio.sleep(1)

    _, loop = run(main)
    assert [type(fault["exception"]) for fault in loop.faults] == [ZeroDivisionError]
