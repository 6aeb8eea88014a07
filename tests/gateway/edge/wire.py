"""Octets to a door and back, without a well-meaning client in between."""

from __future__ import annotations

import asyncio

PATIENCE_S = 20


async def talk(port: int, *pieces: bytes, end: bool = False) -> bytes:
    """Send, then read until the door closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
        if end:
            writer.write_eof()
        return await asyncio.wait_for(_all(reader), PATIENCE_S)
    finally:
        writer.close()


async def _all(reader: asyncio.StreamReader) -> bytes:
    """What came before the end, however it ended."""
    received = b""
    try:
        while piece := await reader.read(65_536):
            received += piece
    except ConnectionError:
        pass
    return received


def head(*fields: bytes, request: bytes = b"POST /payment/create HTTP/1.1") -> bytes:
    """A request's head with a host and a key."""
    usual = [b"host: x", b"authorization: Bearer sk_test_1", b"content-type: application/json"]
    return b"\r\n".join([request, *usual, *fields, b"", b""])


def status(answer: bytes) -> int:
    """The status of the first answer; 0 when the door closed without a word."""
    return int(answer[9:12]) if answer else 0
