"""One HTTP exchange: follows no redirect and asks no proxy, whatever the environment says."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import msgspec

BODY_BYTES_MAX = 64 * 1024 * 1024

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
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        with closing(_connection(parts.scheme, parts.netloc, timeout_s)) as connection:
            connection.request(method, target, body or None, dict(headers))
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read(BODY_BYTES_MAX))
    except (OSError, HTTPException, ValueError) as failure:
        raise NoAnswer(str(failure) or type(failure).__name__) from None


def _connection(scheme: str, authority: str, timeout_s: float) -> HTTPConnection:
    host = authority.rpartition("@")[2]
    if scheme == "https":
        return HTTPSConnection(host, timeout=timeout_s, context=ssl.create_default_context())
    return HTTPConnection(host, timeout=timeout_s)
