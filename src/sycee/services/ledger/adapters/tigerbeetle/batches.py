"""Which calls may share a request, and whose part of the answer is whose."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from sycee.kernel.clock import Instant
from sycee.services.ledger.adapters.tigerbeetle.messages import (
    RECORD_BYTES,
    RECORDS_MAX,
    Operation,
    codes,
)
from sycee.services.ledger.adapters.tigerbeetle.session import Reply
from sycee.services.ledger.contract import RecordResults
from sycee.services.ledger.domain.bits import ACCOUNT_IMPORTED, IMPORTED, LINKED

_FLAGS: Final = slice(118, 120)


class Call(NamedTuple):
    """A caller's events and who waits for their codes."""

    operation: Operation
    records: bytes
    answer: asyncio.Future[RecordResults]

    @property
    def events(self) -> int:
        """How many."""
        return len(self.records) // RECORD_BYTES

    @property
    def is_imported(self) -> bool:
        """A batch's first event says whether all of it is imported."""
        flag = IMPORTED if self.operation is Operation.CREATE_TRANSFERS else ACCOUNT_IMPORTED
        return bool(int.from_bytes(self.records[_FLAGS], "little") & flag)

    @property
    def is_open(self) -> bool:
        """Its last chain does not end: what came behind it would be drawn into the chain."""
        last = self.records[-RECORD_BYTES:][_FLAGS]
        return bool(int.from_bytes(last, "little") & LINKED)

    def fits_with(self, leader: Call) -> bool:
        """Whether it may follow in a batch that the leader begins."""
        return self.operation is leader.operation and self.is_imported == leader.is_imported


class Waiting:
    """Calls in order of arrival."""

    def __init__(self, events_max: int) -> None:
        self._events_max = events_max
        self._calls: OrderedDict[asyncio.Future[RecordResults], Call] = OrderedDict()
        self.batch_max = RECORDS_MAX
        self.events = 0

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def is_full(self) -> bool:
        """Whether there is a whole batch."""
        return self.events >= self.batch_max

    def has_room(self, events: int) -> bool:
        """Whether so many more may wait."""
        return self.events + events <= self._events_max

    def add(self, call: Call) -> None:
        """Behind all others."""
        self._calls[call.answer] = call
        self.events += call.events

    def leave(self, call: Call) -> None:
        """Nobody waits for it any more; nothing happens when it was taken."""
        if self._calls.pop(call.answer, None) is not None:
            self.events -= call.events

    def put_back(self, calls: Sequence[Call]) -> None:
        """Before all others, as they stood; but for those that nobody waits for any more."""
        for call in reversed(calls):
            if not call.answer.done():
                self.add(call)
                self._calls.move_to_end(call.answer, last=False)

    def take(self) -> list[Call]:
        """The next batch; none when nobody waits."""
        taken: list[Call] = []
        events = 0
        while self._calls:
            call = next(iter(self._calls.values()))
            is_full = events + call.events > self.batch_max
            if taken and (is_full or taken[-1].is_open or not call.fits_with(taken[0])):
                break
            self.leave(call)
            taken.append(call)
            events += call.events
        return taken


def answer(calls: Sequence[Call], reply: Reply) -> None:
    """Give each call its part. The reply's time is that of the last event of all."""
    results = codes(reply.body)
    events = len(results)
    end = 0
    for call in calls:
        begin, end = end, end + call.events
        if not call.answer.done():
            timestamp = Instant(reply.timestamp - events + end)
            call.answer.set_result(RecordResults(results[begin:end], timestamp))


def fail(calls: Sequence[Call], failure: Exception) -> None:
    """Tell every call the same."""
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(failure)
