"""Jobs go on from start to stop, whatever they raise."""

from __future__ import annotations

import asyncio

from sycee.runtime.jobs import Jobs


async def no_pause(_seconds: float) -> None:
    await asyncio.get_running_loop().run_in_executor(None, int)


class Clerk:
    """A job that fails a few times and then works until it is stopped."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.begun = 0
        self.working = asyncio.Event()
        self.finished = asyncio.Event()

    async def work(self) -> None:
        self.begun += 1
        if self.begun <= self.failures:
            raise OSError("no ink")
        self.working.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.finished.set()


async def test_a_job_that_raises_begins_again() -> None:
    jobs, clerk = Jobs(no_pause), Clerk(failures=3)
    jobs.add("clerk", clerk.work)
    jobs.start()
    await clerk.working.wait()
    assert clerk.begun == 4
    await jobs.stop()


async def test_a_stopped_job_finishes_its_step() -> None:
    jobs, clerk = Jobs(no_pause), Clerk(failures=0)
    jobs.start()
    jobs.add("clerk", clerk.work)
    await clerk.working.wait()
    await jobs.stop()
    assert clerk.finished.is_set()


async def test_a_job_that_fails_at_its_end_does_not_begin_again() -> None:
    jobs, clerk = Jobs(no_pause), Clerk(failures=0)

    async def work() -> None:
        try:
            await clerk.work()
        finally:
            raise OSError("no ink for the last line")

    jobs.add("clerk", work)
    jobs.start()
    await clerk.working.wait()
    await jobs.stop()
    assert clerk.begun == 1


async def test_a_job_that_is_done_is_left_alone() -> None:
    jobs, done = Jobs(no_pause), asyncio.Event()

    async def work() -> None:
        assert not done.is_set()
        done.set()

    jobs.add("once", work)
    jobs.start()
    await done.wait()
    await jobs.stop()
