"""The cluster as its callers see it: writes gathered into batches, answers in time or none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from sycee.kernel.refusal import Unavailable
from sycee.runtime import deadline, logs
from sycee.services.ledger.adapters.tigerbeetle import batches
from sycee.services.ledger.adapters.tigerbeetle.batches import Call, Waiting
from sycee.services.ledger.adapters.tigerbeetle.messages import Operation, UnknownAnswer
from sycee.services.ledger.adapters.tigerbeetle.session import (
    Reply,
    SessionEnded,
    TooMuch,
    Wire,
)
from sycee.services.ledger.contract import RecordResults

LANES: Final = 3
"""Sessions for writes. A session has one request in the cluster at a time."""
LINGER_S: Final = 0.001
"""How long a batch may wait for company while another is under way."""
READS_MAX: Final = 1024
"""Reads that may wait for the cluster at once."""
REOPEN_S: Final = 1.0
"""Least time between two sessions of one lane."""

_log = logs.logger("tigerbeetle")


class _Lane:
    """A session, opened when first needed and again after the cluster ended it."""

    def __init__(self, open_wire: Callable[[], Wire]) -> None:
        self._open = open_wire
        self._wire: Wire | None = None
        self._opened_at = 0.0
        self.in_flight = 0

    def send(self, operation: int, body: bytes) -> asyncio.Future[Reply]:
        """``SessionEnded`` when it cannot be sent now."""
        if self._wire is None:
            self._renew()
        assert self._wire is not None, "a lane that was renewed has its session"
        try:
            sent = self._wire.send(operation, body)
        except SessionEnded:
            self._wire = None
            raise
        self.in_flight += 1
        sent.add_done_callback(self._landed)
        return sent

    def _renew(self) -> None:
        now = time.monotonic()
        if self._opened_at and now - self._opened_at < REOPEN_S:
            raise SessionEnded("the cluster ended the session a moment ago")
        self._opened_at = now
        self._wire = self._open()

    def _landed(self, sent: asyncio.Future[Reply]) -> None:
        self.in_flight -= 1
        if not sent.cancelled() and isinstance(ending := sent.exception(), SessionEnded):
            if self._wire is not None:
                _log.warning("session_ended", reason=str(ending))
            self._wire = None

    async def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()


class Cluster:
    """Several sessions with one cluster.

    The library behind a session retries for ever. So each call has a deadline of its own: when it
    is over the caller is told ``Unavailable``. A write that was sent by then may still be done, and
    one that was not is taken back. Nothing piles up: beyond bounds, calls are refused at once.
    """

    def __init__(
        self,
        open_wire: Callable[[], Wire],
        deadline_s: float,
        queue_events_max: int,
        lanes: int = LANES,
    ) -> None:
        self._deadline_s = deadline_s
        self._lanes = [_Lane(open_wire) for _ in range(lanes)]
        self._reading = _Lane(open_wire)
        self._alone = asyncio.Semaphore(1)
        self._waiting = Waiting(queue_events_max)
        self._next: asyncio.Handle | None = None
        self.is_closed = False

    async def read(self, operation: Operation, body: bytes) -> Reply:
        """Ask; ``TooMuch`` when the cluster takes less at once."""
        self._check_open()
        if self._reading.in_flight >= READS_MAX:
            raise Unavailable("TigerBeetle has not answered the reads before this one")
        try:
            async with self._in_time():
                return await asyncio.shield(await self._ask(operation, body))
        except SessionEnded as ending:
            raise _unavailable(ending) from ending

    async def _ask(self, operation: Operation, body: bytes) -> asyncio.Future[Reply]:
        if operation is not Operation.GET_CHANGE_EVENTS:
            return self._reading.send(operation, body)
        # Release 0.17 of the library joins a second one that waits to the first, and then ends the
        # whole process (an assertion in packet_send): the next may go when the last has landed.
        await self._alone.acquire()
        try:
            sent = self._reading.send(operation, body)
        except BaseException:
            self._alone.release()
            raise
        sent.add_done_callback(lambda _: self._alone.release())
        return sent

    async def write(self, operation: Operation, records: bytes) -> RecordResults:
        """Have accounts or transfers created, in one batch with those of other callers."""
        self._check_open()
        call = Call(operation, records, asyncio.get_running_loop().create_future())
        if not self._waiting.has_room(call.events):
            raise Unavailable("the ledger has more work waiting than it takes on")
        self._waiting.add(call)
        self._plan()
        try:
            async with self._in_time():
                return await asyncio.shield(call.answer)
        finally:
            self._waiting.leave(call)
            call.answer.cancel()

    async def close(self) -> None:
        """End all sessions. Writes in flight have an unknown outcome, as after a deadline."""
        self.is_closed = True
        if self._next is not None:
            self._next.cancel()
        while calls := self._waiting.take():
            batches.fail(calls, _closed())
        await asyncio.gather(*(lane.close() for lane in (*self._lanes, self._reading)))

    def _check_open(self) -> None:
        if self.is_closed:
            raise _closed()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        limit_s = min(self._deadline_s, deadline.remaining_s())
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError as late:
            text = f"TigerBeetle has not answered within {max(limit_s, 0):.3g} s"
            raise Unavailable(text) from late

    def _plan(self) -> None:
        """See to it that what waits is sent: with all calls of this turn of the loop when no
        batch is under way or this one is full, else after the linger."""
        idle = sum(not lane.in_flight for lane in self._lanes)
        if not self._waiting or not idle:
            return
        loop = asyncio.get_running_loop()
        at_once = idle == len(self._lanes) or self._waiting.is_full
        if self._next is not None:
            if not at_once or not isinstance(self._next, asyncio.TimerHandle):
                return
            self._next.cancel()
        self._next = (
            loop.call_soon(self._dispatch) if at_once else loop.call_later(LINGER_S, self._dispatch)
        )

    def _dispatch(self) -> None:
        self._next = None
        for lane in self._lanes:
            if lane.in_flight:
                continue
            calls = self._waiting.take()
            if not calls:
                return
            self._send(lane, calls)

    def _send(self, lane: _Lane, calls: Sequence[Call]) -> None:
        records = calls[0].records if len(calls) == 1 else b"".join(call.records for call in calls)
        try:
            sent = lane.send(calls[0].operation, records)
        except SessionEnded as ending:
            batches.fail(calls, _unavailable(ending))
            return
        sent.add_done_callback(partial(self._landed, calls))

    def _landed(self, calls: Sequence[Call], sent: asyncio.Future[Reply]) -> None:
        try:
            batches.answer(calls, sent.result())
        except SessionEnded as ending:
            batches.fail(calls, _unavailable(ending))
        except UnknownAnswer as unknown:
            batches.fail(calls, Unavailable(f"TigerBeetle answers unexpectedly: {unknown}"))
        except TooMuch:
            self._shrink(calls)
        self._dispatch_waiting()

    def _shrink(self, calls: Sequence[Call]) -> None:
        """The cluster takes smaller requests (it was started so): send fewer at once."""
        if len(calls) > 1:
            events = sum(call.events for call in calls)
            self._waiting.batch_max = max(1, min(self._waiting.batch_max, events) // 2)
            self._waiting.put_back(calls)
            return
        text = f"the cluster takes fewer than {calls[0].events} events at once (see its start)"
        batches.fail(calls, Unavailable(text))

    def _dispatch_waiting(self) -> None:
        """A lane is free: what waited meanwhile has lingered long enough."""
        if self.is_closed or not self._waiting:
            return
        if self._next is not None:
            self._next.cancel()
        self._dispatch()


def _unavailable(ending: SessionEnded) -> Unavailable:
    return Unavailable(f"no session with TigerBeetle: {ending}")


def _closed() -> Unavailable:
    return Unavailable("the ledger is closed")
