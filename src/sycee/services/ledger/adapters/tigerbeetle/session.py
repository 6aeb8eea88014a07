"""One session with the cluster: requests go in from the event loop, answers come back to it."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
from contextlib import suppress
from itertools import count
from typing import Final, NamedTuple, Protocol

from sycee.services.ledger.adapters.tigerbeetle.library import (
    COMPLETION,
    Client,
    Library,
    Packet,
)

_OK: Final = 0
_TOO_MUCH_DATA: Final = 1
_ENDINGS: Final = {
    2: "the cluster ended the session (too many clients, or it was started anew)",
    3: "this client is older than the cluster takes: upgrade sycee[tigerbeetle]",
    4: "this client is newer than the cluster: upgrade the cluster first",
    5: "the session was closed",
}
"""Statuses of a packet whose session has ended (tb_packet.h)."""


class Reply(NamedTuple):
    """An answer, and the nanosecond at which the cluster gave it."""

    timestamp: int
    body: bytes


class SessionEnded(Exception):
    """No request of this session will be answered any more; what was in flight is unknown."""


class TooMuch(Exception):
    """The cluster takes smaller requests; nothing of this one was done."""


class Wire(Protocol):
    """What carries requests to a cluster."""

    def send(self, operation: int, body: bytes) -> asyncio.Future[Reply]:
        """Send a request; the answer may come late or never. ``SessionEnded`` when it cannot."""
        ...

    async def close(self) -> None:
        """End it. What is in flight fails with ``SessionEnded``."""
        ...


class _InFlight(NamedTuple):
    """What the library may still read, and who waits for the answer."""

    packet: Packet
    body: bytes
    answer: asyncio.Future[Reply]


_open: set[Session] = set()
"""Kept here, because the library's threads use them until they are closed."""
_ended: list[Session] = []
"""Sessions that the cluster ended: their thread may still be about to call back."""


class Session:
    """A session over the C library; belongs to the event loop that opened it."""

    def __init__(
        self, library: Library, cluster_id: int, addresses: str, is_echo: bool = False
    ) -> None:
        self._library = library
        self._loop = asyncio.get_running_loop()
        self._numbers = count(1)
        self._in_flight: dict[int, _InFlight] = {}
        self._ending: str | None = None
        self._client = Client()
        self._completion = COMPLETION(self._completed)
        library.open(self._client, cluster_id, addresses, self._completion, is_echo)
        _open.add(self)

    def send(self, operation: int, body: bytes) -> asyncio.Future[Reply]:
        if self._ending is not None:
            raise SessionEnded(self._ending)
        number = next(self._numbers)
        address = ctypes.cast(ctypes.c_char_p(body), ctypes.c_void_p)
        packet = Packet(
            user_data=number, data=address, data_size=len(body), operation=int(operation)
        )
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._in_flight[number] = _InFlight(packet, body, answer)
        if not self._library.submit(self._client, packet):
            del self._in_flight[number]
            self._end(_ENDINGS[2])
            raise SessionEnded(_ENDINGS[2])
        return answer

    async def close(self) -> None:
        self._end(_ENDINGS[5])
        if self in _open:
            _open.discard(self)
            await asyncio.to_thread(self._library.close, self._client)

    def close_now(self) -> None:
        """``close`` where no event loop runs any more."""
        self._library.close(self._client)

    def _completed(
        self, context: int, packet: ctypes._Pointer[Packet], timestamp: int, reply: int, size: int
    ) -> None:
        """In the library's thread: the reply is only valid until this returns."""
        found = packet.contents
        body = ctypes.string_at(reply, size) if size else b""
        # Nobody waits any more when the loop is closed.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(
                self._answer, found.user_data, found.status, Reply(timestamp, body)
            )

    def _answer(self, number: int, status: int, reply: Reply) -> None:
        answer = self._in_flight.pop(number).answer
        if status in _ENDINGS:
            self._end(_ENDINGS[status])
        if answer.done():
            return
        if status == _OK:
            answer.set_result(reply)
        elif status == _TOO_MUCH_DATA:
            answer.set_exception(TooMuch())
        else:
            assert status in _ENDINGS, f"the library calls a request malformed: status {status}"
            answer.set_exception(SessionEnded(_ENDINGS[status]))

    def _end(self, reason: str) -> None:
        if self._ending is not None:
            return
        self._ending = reason
        if reason != _ENDINGS[5]:
            _open.discard(self)
            _ended.append(self)


@atexit.register
def _close_all() -> None:
    # The library's threads call into Python, so they must be still before it is gone.
    for session in tuple(_open):
        session.close_now()
