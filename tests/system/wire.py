"""Octets to the public door and back, without a well-meaning client in between."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from tests.system.platform import Platform

PATIENCE_S = 20


class Line(asyncio.Protocol):
    """One connection: what was heard, and whether the other side closed it."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.closed = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def say(self, piece: bytes) -> bool:
        """Send, unless the other side is gone; whether it went out."""
        assert self._transport is not None
        if self.closed.is_set():
            return False
        self._transport.write(piece)
        await asyncio.sleep(0)
        await self._may_write.wait()
        return not self.closed.is_set()

    async def end(self, patience_s: float) -> bytes:
        """What was heard until the other side closed, or patience did."""
        assert self._transport is not None
        try:
            await asyncio.wait_for(self.closed.wait(), patience_s)
        except TimeoutError:
            self._transport.abort()
        return bytes(self.heard)


async def connected(platform: Platform) -> Line:
    """A connection to the public door."""
    parts = urlsplit(platform.url)
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(Line, parts.hostname, parts.port)
    return line


def talk(platform: Platform, *pieces: bytes, patience_s: float = PATIENCE_S) -> bytes:
    """Send, and hear until the door closes."""
    return asyncio.run(conversation(platform, *pieces, patience_s=patience_s))


async def conversation(platform: Platform, *pieces: bytes, patience_s: float = PATIENCE_S) -> bytes:
    """Send piece by piece while somebody listens, and hear until the door closes."""
    line = await connected(platform)
    for piece in pieces:
        if not await line.say(piece):
            break
    return await line.end(patience_s)


def head(request: str, key: str = "", *fields: str, media_type: str = "application/json") -> bytes:
    """A request's head: its line, a host, a key, a media type, and more."""
    usual = ["host: x", f"content-type: {media_type}", "connection: close"]
    if key:
        usual.append(f"authorization: Bearer {key}")
    return "\r\n".join([f"{request} HTTP/1.1", *usual, *fields, "", ""]).encode("latin-1")


def whole(request: str, key: str, body: bytes, **more: str) -> bytes:
    """A request with its body."""
    return head(request, key, f"content-length: {len(body)}", **more) + body


def statuses(answer: bytes) -> list[int]:
    """The status of each answer; none when the door closed without a word."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
