"""A shop's own server that takes webhooks on loopback."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec


class Received(msgspec.Struct, frozen=True):
    """One webhook as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, object]:
        return msgspec.json.decode(self.body)

    @property
    def type(self) -> str:
        return str(self.event["type"])


class Receiver:
    """Keeps what comes; answers the scripted statuses first, then 200."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self._lock = threading.Lock()
        self._kept: list[Received] = []
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    @property
    def kept(self) -> list[Received]:
        """What has come so far."""
        with self._lock:
            return list(self._kept)

    def of_type(self, type: str) -> list[Received]:
        """Those of one type."""
        return [each for each in self.kept if each.type == type]

    def answers(self, *statuses: int) -> None:
        """What the next webhooks are answered."""
        with self._lock:
            self._statuses = list(statuses)

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Within this block, webhooks are kept and not answered."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, received: Received) -> int:
        with self._lock:
            self._kept.append(received)
            status = self._statuses.pop(0) if self._statuses else 200
        self._may_answer.wait()
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(take(Received(headers, body)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is logged."""

        return Handler


@contextlib.contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    receiver = Receiver(*statuses)
    try:
        yield receiver
    finally:
        receiver.close()
