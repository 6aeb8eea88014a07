"""The service's end of one stream: every call is a task, and answers leave as they come."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec

from sycee.kernel.refusal import DeadlineExceeded, Unavailable
from sycee.runtime.rpc import frames
from sycee.runtime.rpc.desk import Desk
from sycee.runtime.rpc.frames import Answered, Call, Cancel, Goodbye, Reply
from sycee.runtime.rpc.transport import CalledStream

IN_FLIGHT_MAX = 10_000
"""Calls of one stream that may be unanswered at once; further ones are refused."""


class Counterpart:
    """One caller's stream, from its opening until its last answer.

    Calls outlive a stream that breaks: they go on until they end or their deadline comes.
    """

    def __init__(self, desk: Desk, stream: CalledStream, work: set[asyncio.Task[Answered]]) -> None:
        self._desk = desk
        self._stream = stream
        self._work = work
        self._in_flight: dict[int, asyncio.Task[Answered]] = {}
        self._answers: list[Answered] = []
        self._wake = asyncio.Event()
        self._ending = False

    async def hold(self) -> None:
        """Take calls until the caller has no more, and answer them all."""
        writing = asyncio.create_task(self._write())
        try:
            while isinstance(frame := await self._stream.read(), bytes):
                for asked in frames.decode_asked(frame):
                    self._take(asked)
            self._ending = True
            self._wake.set()
            await writing
        finally:
            writing.cancel()

    def say_goodbye(self) -> None:
        """Ask the caller to go elsewhere with its next calls."""
        self._send(Goodbye())

    def _take(self, asked: Call | Cancel) -> None:
        if isinstance(asked, Cancel):
            if asked.id in self._in_flight:
                self._in_flight[asked.id].cancel()
        elif len(self._in_flight) + len(self._answers) >= IN_FLIGHT_MAX:
            self._send(frames.refused(asked.id, Unavailable("too many calls at once")))
        else:
            self._begin(asked)

    def _begin(self, call: Call) -> None:
        task = asyncio.create_task(self._desk.answer(call))
        self._in_flight[call.id] = task
        self._work.add(task)
        expiry = task.get_loop().call_later(call.remaining_ms / 1000, task.cancel)
        task.add_done_callback(partial(self._finish, call.id, expiry))

    def _finish(self, call: int, expiry: asyncio.TimerHandle, task: asyncio.Task[Answered]) -> None:
        expiry.cancel()
        self._work.discard(task)
        del self._in_flight[call]
        if task.cancelled():
            self._send(frames.refused(call, DeadlineExceeded("the call was given up")))
        else:
            self._send(task.result())

    def _send(self, answer: Answered) -> None:
        self._answers.append(answer)
        self._wake.set()

    async def _write(self) -> None:
        while not (self._ending and not self._in_flight and not self._answers):
            await self._wake.wait()
            self._wake.clear()
            while self._answers:
                await self._stream.write(frames.encode(self._next_frame()))

    def _next_frame(self) -> list[Answered]:
        frame = frames.fill(self._answers, _body)
        del self._answers[: len(frame)]
        return frame


def _body(answer: Answered) -> bytes | msgspec.Raw:
    return answer.body if isinstance(answer, Reply) else b""
