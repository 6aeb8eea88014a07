"""One HTTP exchange: follows no redirect and asks no proxy, whatever the environment says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

import msgspec

BODY_BYTES_MAX = 64 * 1024 * 1024

PIECE_BYTES = 65_536

Headers = Sequence[tuple[str, str]]


class NoAnswer(Exception):
    """Nobody answered, or not in HTTP; the text says what happened."""


class Answer(msgspec.Struct, frozen=True):
    """What came back; names of header fields are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(
    method: str, url: str, headers: Headers = (), body: bytes = b"", timeout_s: float = 10.0
) -> Answer:
    """Send one request on a connection of its own. Raises ``NoAnswer``."""
    with opened(method, url, headers, body, timeout_s) as (answer, pieces):
        whole, left = [], BODY_BYTES_MAX
        for piece in pieces:
            whole.append(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
        return msgspec.structs.replace(answer, body=b"".join(whole))


@contextmanager
def opened(
    method: str, url: str, headers: Headers = (), body: bytes = b"", timeout_s: float = 10.0
) -> Iterator[tuple[Answer, Iterator[bytes]]]:
    """Send one request, and read what comes back piece by piece. Raises ``NoAnswer``, also when
    it breaks off."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    with ExitStack() as stack:
        try:
            connection = _connection(parts.scheme, parts.netloc, timeout_s)
            stack.enter_context(closing(connection))
            connection.request(method, target, body or None, dict(headers))
            response = connection.getresponse()
        except _FAILURES as failure:
            raise _no_answer(failure) from None
        fields = {name.lower(): value for name, value in response.getheaders()}
        yield Answer(response.status, fields, b""), _pieces(response)


_FAILURES = (OSError, HTTPException, ValueError)


def _pieces(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            piece = response.read(PIECE_BYTES)
        except _FAILURES as failure:
            raise _no_answer(failure) from None
        if not piece:
            return
        yield piece


def _no_answer(failure: Exception) -> NoAnswer:
    return NoAnswer(str(failure) or type(failure).__name__)


def _connection(scheme: str, authority: str, timeout_s: float) -> HTTPConnection:
    host = authority.rpartition("@")[2]
    if scheme == "https":
        return HTTPSConnection(host, timeout=timeout_s, context=ssl.create_default_context())
    return HTTPConnection(host, timeout=timeout_s)
