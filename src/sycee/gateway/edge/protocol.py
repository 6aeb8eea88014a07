"""uvicorn's HTTP/1.1 with what it lacks: deadlines, caps, and no to what reads in two ways.

llhttp, which uvicorn parses with, already refuses a length beside chunks, two lengths, and bare
carriage returns. Deadlines are numbers that one sweep looks at, not a timer per request.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Transport
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from sycee.gateway.edge.limits import Limits
from sycee.gateway.refusals import (
    TOO_MANY,
    BodyTooLarge,
    HeadInvalid,
    HeadTooLarge,
    MediaTypeUnsupported,
    Overloaded,
    RequestTimeout,
)
from sycee.gateway.request import Answer
from sycee.kernel.refusal import Refusal

LINGER_S = 2.0
LINGER_BYTES_MAX = 4_194_304
"""After a refusal: read on a little, so that the answer is not lost to a reset."""
NEVER = float("inf")

_WATCHED = frozenset({b"content-length", b"content-encoding", b"transfer-encoding"})
_SINGLE = frozenset({b"host", b"authorization", b"idempotency-key", b"content-type"})
"""Fields of which two readers could take one each."""


class Gate(Protocol):
    """Says before a request is read whether there is room for it."""

    def sheds(self, method: str, path: str) -> bool:
        """Whether it has to come again."""
        ...

    def note(self, late_s: float) -> None:
        """A timer came late by this."""
        ...


Render = Callable[[str, Refusal], Answer]
"""Words for a refusal of a request to a path, in the dialect of the door that the path names."""


class EdgeState(ServerState):
    """What the connections of one server share."""

    def __init__(self, limits: Limits, render: Render, gate: Gate) -> None:
        super().__init__()
        self.limits = limits
        self.gate = gate
        self.render = render
        self.per_ip: Counter[str] = Counter()
        self.live: set[EdgeProtocol] = set()
        self.draining = False
        self.on_empty: Callable[[], None] = lambda: None

    def leave(self, ip: str) -> None:
        """One connection of this address is gone."""
        self.per_ip[ip] -= 1
        if not self.per_ip[ip]:
            del self.per_ip[ip]


class EdgeProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, config: Config, state: EdgeState, loop: AbstractEventLoop) -> None:
        super().__init__(config, state, {}, loop)
        self.state = state
        self.limits = state.limits
        self.deadline = NEVER
        self._body_deadline = NEVER
        self._in_head = True
        self._wire_bytes = 0
        self._body_bytes = 0
        self._body_bytes_max = self.limits.body_bytes_max
        self._lingering = False
        self._refusal: Refusal | None = None
        self._running: RequestResponseCycle | None = None
        """The one that is worked on; later ones of the connection wait behind it."""
        self._is_shed = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.deadline = self.loop.time() + self.limits.head_timeout_s
        self.state.live.add(self)
        if self.client is not None:
            self.state.per_ip[self.client[0]] += 1
            if self.state.per_ip[self.client[0]] > self.limits.connections_per_ip_max:
                self.refuse(Overloaded("Too many connections from this address."))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._abandon()
        if self.client is not None:
            self.state.leave(self.client[0])
        self.state.live.discard(self)
        if not self.state.live:
            self.state.on_empty()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            self._discard(data)
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False
        except httptools.HttpParserError as error:
            self.refuse(self._refusal or HeadInvalid(f"This is not HTTP/1.1: {error}."))
        else:
            self._wire_bytes += len(data)
            self._check_wire()

    def on_message_begin(self) -> None:
        # In a piece that begins with another request, this head's share is unknown.
        self._wire_bytes = -self.limits.head_bytes_max if self._owes_answer() else 0
        super().on_message_begin()
        self._in_head = True
        self.deadline = self.loop.time() + self.limits.head_timeout_s

    def on_headers_complete(self) -> None:
        self._body_bytes_max = self.limits.body_max(self.url)
        self._check_head(self.headers)
        now = self.loop.time()
        self._body_bytes = 0
        self._body_deadline = now + self.limits.body_timeout_s
        self.deadline = now + self.limits.body_idle_timeout_s
        self._in_head = False
        self._is_shed = self._has_to_come_again()
        if self._is_shed:
            self._shed()
            return
        super().on_headers_complete()
        if self.state.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._body_bytes_max:
            self._stop(self._too_large())
        self.deadline = min(self.loop.time() + self.limits.body_idle_timeout_s, self._body_deadline)
        if not self._is_shed:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_shed:
            self.deadline = self._idle_deadline()
            return
        self.deadline = self._idle_deadline() if self.cycle.response_complete else NEVER
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn does, with a deadline in place of a timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self.cycle.more_body:
            self.deadline = self._idle_deadline()

    def shutdown(self) -> None:
        """Close when idle; otherwise after the answers that are owed."""
        if self._owes_answer():
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def expire(self) -> None:
        """The deadline has passed: say why where somebody waits for an answer, and close."""
        if self.transport.is_closing():
            self.transport.abort()
            return
        self.deadline = self.loop.time() + LINGER_S
        idle = self._in_head and not self._wire_bytes
        if self._lingering or idle or (self.cycle is not None and self.cycle.response_complete):
            self.transport.close()
        else:
            self.refuse(RequestTimeout("The request did not arrive in time."))

    def refuse(self, refusal: Refusal) -> None:
        """Answer in place of the application, then close without losing the answer.

        When an earlier request of this connection still waits for its answer, this one would be
        taken for it: then close without a word. One that was answered before all of its body came
        gets no second answer.
        """
        if self.transport.is_closing():
            return
        if self._is_earlier_owed():
            self._abandon()
            self.transport.close()
            return
        is_open = self._in_head or self._owes_answer()
        self._abandon()
        if is_open:
            self.transport.write(_octets(self.state.render(_path(self), refusal)))
        self._linger()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _is_earlier_owed(self) -> bool:
        """Whether a request before the one that is being read waits for its answer."""
        running = self._running
        if running is None or running.response_complete:
            return False
        return self._in_head or running is not self.cycle

    def _abandon(self) -> None:
        """Nobody will hear what is still to be answered: neither begin it nor write it."""
        self.pipeline.clear()
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.waiting_for_100_continue = False
                cycle.message_event.set()

    def _has_to_come_again(self) -> bool:
        """Answers keep the order of requests: behind one that is owed, nothing is said early."""
        if self._owes_answer() or self.state.draining or not self.parser.should_keep_alive():
            return False
        path = self.url.partition(b"?")[0].decode("latin-1")
        return self.state.gate.sheds(self.parser.get_method().decode("ascii"), path)

    def _shed(self) -> None:
        """Say no at once, before key and body, and keep the connection: opening another costs more
        than the request. What comes of the body is dropped."""
        answer = self.state.render(_path(self), Overloaded(TOO_MANY))
        self.transport.write(_octets(answer, b"keep-alive"))

    def _idle_deadline(self) -> float:
        return self.loop.time() + self.limits.keep_alive_s

    def _owes_answer(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _linger(self) -> None:
        self._lingering = True
        self._body_bytes = 0
        self.deadline = self.loop.time() + LINGER_S
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _discard(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > LINGER_BYTES_MAX:
            self.transport.abort()

    def _check_wire(self) -> None:
        """Heads that never end, and bodies that are all framing (tiny chunks, trailers)."""
        if self._in_head:
            if self._wire_bytes > self.limits.head_bytes_max:
                self.refuse(HeadTooLarge(f"The head exceeds {self.limits.head_bytes_max} bytes."))
        elif self._wire_bytes > 4 * self._body_bytes_max and self._reads_body():
            self.refuse(self._too_large())

    def _check_head(self, headers: list[tuple[bytes, bytes]]) -> None:
        size = len(self.url) + sum([len(name) + len(value) for name, value in headers])
        if size > self.limits.head_bytes_max or len(headers) > self.limits.header_fields_max:
            self._stop(HeadTooLarge("The head has too many or too long fields."))
        single = []
        for name, value in headers:
            if name in _SINGLE:
                single.append(name)
            elif name in _WATCHED:
                self._check_field(name, value.lower())
        if len(single) > len(set(single)):
            self._stop(HeadInvalid("A field is there twice that must be there once."))
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0") or (version == "1.1" and b"host" not in single):
            self._stop(HeadInvalid("There must be a Host field and a known version of HTTP."))

    def _check_field(self, name: bytes, value: bytes) -> None:
        if name == b"content-length" and int(value) > self._body_bytes_max:
            self._stop(self._too_large())
        if name == b"content-encoding" and value != b"identity":
            self._stop(MediaTypeUnsupported("Send the body without compression."))
        if name == b"transfer-encoding" and value != b"chunked":
            self._stop(HeadInvalid("The only transfer coding here is chunked."))

    def _reads_body(self) -> bool:
        return self._is_shed or self.cycle.more_body

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body exceeds {self._body_bytes_max} bytes.")

    def _stop(self, refusal: Refusal) -> None:
        """End the parsing from within one of its callbacks; ``data_received`` answers."""
        self._refusal = refusal
        raise refusal


def _path(connection: EdgeProtocol) -> str:
    return getattr(connection, "url", b"").decode("ascii", "replace")


def _octets(answer: Answer, connection: bytes = b"close") -> bytes:
    head = [b"HTTP/1.1 %d Refused" % answer.status, b"content-type: " + answer.content_type]
    head += [name + b": " + value for name, value in answer.headers]
    head += [b"content-length: %d" % len(answer.body), b"connection: " + connection]
    head += [b"", answer.body]
    return b"\r\n".join(head)
