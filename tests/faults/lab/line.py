"""One connection to the public API, and what comes back over it."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode, urlsplit

import msgspec
from bench.http_load import Connection

ANSWER_TIMEOUT_S = 30.0
Json = dict[str, object]


class Answer(msgspec.Struct, frozen=True):
    """Status and body."""

    status: int
    body: bytes

    @property
    def is_kept(self) -> bool:
        """Whether the platform must give this answer again: not "try later" of any kind."""
        return self.status < 500 and self.status not in (409, 429)

    @property
    def is_good(self) -> bool:
        """Whether it acknowledges the request."""
        return 200 <= self.status < 300

    def json(self) -> Json:
        """The body as an object."""
        return msgspec.json.decode(self.body, type=Json)


class Gone(Exception):
    """The connection was lost, or no answer came: nobody knows whether the request was done."""


class Line:
    """Asks one thing at a time; it opens itself, again after every loss."""

    def __init__(self, url: str, secret_key: str) -> None:
        target = urlsplit(url)
        assert target.hostname is not None and target.port is not None
        self._host, self._port = target.hostname, target.port
        self._head = f"Host: {target.netloc}\r\nAuthorization: Bearer {secret_key}\r\n"
        self._connection: Connection | None = None
        self._transport: asyncio.Transport | None = None

    async def open(self) -> None:
        """Connect, unless connected."""
        if self._transport is not None and not self._transport.is_closing():
            return
        try:
            transport, connection = await asyncio.get_running_loop().create_connection(
                Connection, self._host, self._port
            )
        except OSError as error:
            raise Gone(str(error)) from error
        self._transport, self._connection = transport, connection

    async def post(self, path: str, form: dict[str, str], key: str) -> Answer:
        """Ask for a change, once per key."""
        body = urlencode(form)
        return await self._ask(
            f"POST {path} HTTP/1.1\r\n{self._head}Idempotency-Key: {key}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    async def get(self, path: str) -> Answer:
        """Ask a question."""
        return await self._ask(f"GET {path} HTTP/1.1\r\n{self._head}\r\n")

    def close(self) -> None:
        """Let the connection go."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def _ask(self, request: str) -> Answer:
        await self.open()
        assert self._connection is not None
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return Answer(*await self._connection.ask(request.encode()))
        except (OSError, TimeoutError) as error:
            self.close()
            raise Gone(str(error) or "no answer in time") from error
