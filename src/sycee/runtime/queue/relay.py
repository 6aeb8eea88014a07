"""Sends a database's outbox to the stream, and sends it again when the stream was lost (MS8)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import NamedTuple, Self

from nats.js.errors import NotFoundError

from sycee.runtime import logs
from sycee.runtime.backoff import pauses
from sycee.runtime.database import Publisher, Session
from sycee.runtime.queue import outbox
from sycee.runtime.queue.alarm import Alarm
from sycee.runtime.queue.broker import KEY, PLACE, STREAM, Broker, Stream
from sycee.runtime.queue.bundle import Bundle, bundles
from sycee.runtime.queue.outbox import Cursor, Entry

SENT, TAKEN = "nats sent", "nats taken"
"""Cursors: what the stream has acknowledged, and what all its consumers have handled."""
BATCH_MAX = 256
CHECK_S = 5.0
"""How often to look whether the stream is still the one that was written to."""

_PAUSE_S, _PAUSE_S_MAX = 0.1, 5.0
_STEPS_MAX = 4096

log = logs.logger("queue")


class Mark(NamedTuple):
    """A message that must be in the stream, as long as the stream is what it was."""

    stream: str
    number: int
    place: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From a cursor."""
        if not text:
            return None
        stream, number, place = text.split("|")
        return cls(stream, int(number), place)

    def __str__(self) -> str:
        return f"{self.stream}|{self.number}|{self.place}"


class _Step(NamedTuple):
    """When all consumers have passed ``number`` in the stream, they have ``seq`` of the outbox."""

    number: int
    seq: int


class Relay:
    """The way from one outbox into the stream.

    The database is the truth. A stream acknowledges before its disk has it, and may be restored or
    made anew: then everything that the outbox still keeps is sent again. Nothing leaves the outbox
    that a consumer has not taken.
    """

    def __init__(self, database: Publisher, broker: Broker, check_s: float = CHECK_S) -> None:
        self._database = database
        self._broker = broker
        self._check_s = check_s
        self._sent: Cursor | None = None
        self._taken: Cursor | None = None
        self._steps: deque[_Step] = deque()
        self._alarm = Alarm()
        self._stream = ""
        self._check_due_s = 0.0
        database.on_publish(self._alarm.ring)
        broker.on_reconnect(self._doubt)

    def cursors(self) -> Mapping[str, Cursor | None]:
        """What a ``Keeper`` writes down."""
        return {SENT: self._sent, TAKEN: self._taken}

    async def run(self) -> None:
        """Relay until cancelled. While NATS is away, events wait in the outbox."""
        again = pauses(_PAUSE_S, _PAUSE_S_MAX)
        while not self._broker.is_closing:
            try:
                await self._go_through()
                again = pauses(_PAUSE_S, _PAUSE_S_MAX)
                if not self._broker.is_closing:
                    await self._alarm.wait(self._check_s)
            except Exception as fault:  # noqa: BLE001 - NATS or the database is away
                pause_s = next(again)
                log.warning(
                    "relay_waits",
                    database=self._database.name,
                    error=repr(fault),
                    again_in_s=pause_s,
                )
                self._doubt()
                await asyncio.sleep(pause_s)

    def _doubt(self) -> None:
        self._check_due_s = 0.0
        self._alarm.ring()

    async def _go_through(self) -> None:
        now_s = monotonic()
        if now_s >= self._check_due_s:
            await self._check()
            self._check_due_s = now_s + self._check_s
        while await self._send():
            pass

    async def _check(self) -> None:
        """Begin again when the stream was lost; else note what its consumers have taken."""
        stream = await self._broker.stream()
        sent = await self._place()
        self._stream = stream.identity
        if await self._holds(stream, Mark.read(sent.mark)):
            await self._note_taken(stream)
            return
        log.warning("stream_lost", database=self._database.name, position=sent.position)
        self._sent = Cursor(0, "")
        self._steps.clear()

    async def _place(self) -> Cursor:
        """Where this relay stands, read from the database at the start."""
        if self._sent is None or self._taken is None:
            sent, self._taken = await self._database.read(_cursors)
            mark = Mark.read(sent.mark)
            if mark is not None:
                self._steps.append(_Step(mark.number, sent.position))
            self._sent = sent
        return self._sent

    async def _holds(self, stream: Stream, mark: Mark | None) -> bool:
        """Whether this is the stream that was written to, with what was written last."""
        if mark is None:
            return True
        if stream.identity != mark.stream or stream.last < mark.number:
            return False
        if mark.number < stream.first:
            return True
        jetstream = await self._broker.jetstream()
        try:
            message = await jetstream.get_msg(STREAM, mark.number)
        except NotFoundError:
            return False
        return (message.headers or {}).get(PLACE) == mark.place

    async def _send(self) -> bool:
        """Send the next batch; whether there may be another."""
        assert self._sent is not None, "placed before anything is sent"
        after = self._sent.position
        entries = await self._database.read(lambda session: _next(session, after))
        if not entries:
            return False
        bundled = list(bundles(entries))
        numbers = await self._publish(bundled)
        number, last = max(zip(numbers, (bundle.last for bundle in bundled), strict=True))
        mark = Mark(self._stream, number, self._place_of(last))
        self._sent = Cursor(entries[-1].seq, str(mark))
        self._remember(_Step(number, entries[-1].seq))
        return len(entries) == BATCH_MAX

    async def _publish(self, bundled: Sequence[Bundle]) -> list[int]:
        """Send all at once; their numbers in the stream, when each is acknowledged."""
        jetstream = await self._broker.jetstream()
        acknowledgements = await asyncio.gather(
            *(
                jetstream.publish(
                    subject(self._database.name, bundle.topic),
                    bundle.encoded(),
                    stream=STREAM,
                    headers={KEY: bundle.key, PLACE: self._place_of(bundle.last)},
                )
                for bundle in bundled
            )
        )
        return [acknowledgement.seq for acknowledgement in acknowledgements]

    def _place_of(self, entry: Entry) -> str:
        return f"{self._database.name} {entry.seq}"

    def _remember(self, step: _Step) -> None:
        if len(self._steps) >= _STEPS_MAX:
            # Coarser steps only mean that rows go somewhat later.
            self._steps = deque(list(self._steps)[1::2])
        self._steps.append(step)

    async def _note_taken(self, stream: Stream) -> None:
        """Ask how far the consumers have come.

        The stream's end was read before: a consumer to whom nothing is to come is at least there.
        """
        if not self._steps:
            return
        floor = stream.last
        jetstream = await self._broker.jetstream()
        for consumer in await jetstream.consumers_info(STREAM):
            if consumer.num_pending or consumer.num_ack_pending:
                assert consumer.ack_floor is not None, "every consumer has one"
                floor = min(floor, consumer.ack_floor.stream_seq)
        while self._steps and self._steps[0].number <= floor:
            self._taken = Cursor(self._steps.popleft().seq)


def subject(source: str, topic: str) -> str:
    """Where events of a topic from one database go; ``*`` for any database."""
    return f"{STREAM}.{source}.{topic}"


def _cursors(session: Session) -> tuple[Cursor, Cursor]:
    return outbox.cursor(session, SENT), outbox.cursor(session, TAKEN)


def _next(session: Session, after: int) -> Sequence[Entry]:
    return outbox.entries(session, after, outbox.head(session), BATCH_MAX)
