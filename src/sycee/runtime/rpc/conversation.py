"""The caller's end of one stream: who waits for which answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc
import msgspec

from sycee.kernel.refusal import Refusal, Unavailable
from sycee.runtime.rpc import frames
from sycee.runtime.rpc.frames import Answered, Call, Cancel, Goodbye, Refused, Reply
from sycee.runtime.rpc.transport import CallerStream


class RemoteFault(Exception):
    """The neighbour met a fault while it worked on this call; its log says which."""


class Pending:
    """A call, and the future of whoever waits for its answer."""

    __slots__ = ("answer", "call")

    def __init__(self, call: Call, answer: asyncio.Future[msgspec.Raw]) -> None:
        self.call = call
        self.answer = answer


class Conversation:
    """One stream to a neighbour, from its opening until the last answer."""

    def __init__(self, stream: CallerStream, service: str, wake: asyncio.Event) -> None:
        self.is_open = True
        """Calls may still be written."""
        self.was_heard = False
        """The neighbour answered at least once."""
        self.failure: str | None = None
        """Why it broke, when it broke."""
        self._stream = stream
        self._service = service
        self._wake = wake
        self._in_flight: dict[int, asyncio.Future[msgspec.Raw]] = {}

    async def write(self, calls: Sequence[Pending], cancelled: Sequence[Cancel]) -> None:
        """Send one frame. Its calls are in flight from here on: only answers settle them."""
        for pending in calls:
            self._in_flight[pending.call.id] = pending.answer
        asked = [*(pending.call for pending in calls), *cancelled]
        await self._stream.write(frames.encode(asked))

    async def connected(self) -> None:
        """Wait until the neighbour is reached."""
        await self._stream.wait_for_connection()

    async def listen(self) -> None:
        """Hand out answers until the stream ends; calls without one get ``Unavailable``."""
        try:
            while isinstance(frame := await self._stream.read(), bytes):
                self.was_heard = True
                for answer in frames.decode_answered(frame):
                    self._settle(answer)
            self.failure = "the neighbour ended it" if self.is_open else None
        except grpc.aio.AioRpcError as error:
            self.failure = error.details() or str(error.code())
        except msgspec.DecodeError as error:
            self.failure = f"answers cannot be read: {error}"
        finally:
            self._end()

    async def finish(self) -> None:
        """Say that no more calls will come; ``listen`` goes on until the last answer."""
        await self._stream.done_writing()

    def _settle(self, answer: Answered) -> None:
        if isinstance(answer, Goodbye):
            self._stop_writing()
            return
        waiting = self._in_flight.pop(answer.id, None)
        if waiting is None or waiting.done():
            return
        if isinstance(answer, Reply):
            waiting.set_result(answer.body)
        else:
            waiting.set_exception(_error(answer, self._service))

    def _stop_writing(self) -> None:
        self.is_open = False
        self._wake.set()

    def _end(self) -> None:
        self._stop_writing()
        self._stream.cancel()
        for waiting in self._in_flight.values():
            if not waiting.done():
                waiting.set_exception(Unavailable(f"the connection to {self._service} broke"))
        self._in_flight.clear()


def _error(answer: Answered, service: str) -> Exception:
    """What the caller sees of a no or of a fault."""
    if isinstance(answer, Refused) and answer.code in Refusal.by_code:
        kind = Refusal.by_code[answer.code]
        return kind(answer.detail, param=answer.param, facts=answer.facts)
    return RemoteFault(f"{service} answered {answer!r}")
