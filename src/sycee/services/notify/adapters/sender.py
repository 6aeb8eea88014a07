"""Sends a webhook, and only to where its URL truly points: on the internet, nowhere else (WH2)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

import h11

from sycee.runtime import logs
from sycee.services.notify.adapters.resolver import Resolve
from sycee.services.notify.contract import UrlNotAllowed
from sycee.services.notify.domain import addresses, urls
from sycee.services.notify.domain.addresses import Address
from sycee.services.notify.domain.retries import Attempt
from sycee.services.notify.domain.urls import Rules, Target

ANSWER_BYTES_MAX = 65_536
"""How much of an answer is read, head and body; the rest is left."""
EXCERPT_LENGTH = 200
ADDRESSES_MAX = 4
"""How many of a host's addresses are tried before the attempt counts as failed."""

_HEAD_BYTES_MAX = 16_384
_READ_BYTES = 16_384

Headers = Sequence[tuple[str, str]]


class Sender:
    """One POST per call, on a connection of its own, without following redirects.

    A host is resolved once per call. Every address is checked, and one of those that were checked
    is connected to, so that no second answer of a name server can lead elsewhere.
    """

    def __init__(
        self,
        resolve: Resolve,
        rules: Rules,
        trust: ssl.SSLContext,
        connect_timeout_s: float,
        total_timeout_s: float,
    ) -> None:
        self._resolve = resolve
        self._rules = rules
        self._trust = trust
        self._connect_timeout_s = connect_timeout_s
        self._total_timeout_s = total_timeout_s

    async def post(self, url: str, headers: Headers, body: bytes) -> Attempt:
        """Send ``body``; whatever happens out there is an ``Attempt``, never an exception."""
        exchange = _Exchange()
        try:
            async with asyncio.timeout(self._total_timeout_s):
                target = urls.target(url, self._rules)
                found = await self._addresses(target)
                reader, writer = await self._connect(target, found)
                try:
                    await exchange.run(reader, writer, target, headers, body)
                finally:
                    # Closing in order would wait for as long as the receiver does not read.
                    writer.transport.abort()
        except UrlNotAllowed as refusal:
            return Attempt(None, refusal.detail)
        except (OSError, h11.ProtocolError) as failure:
            # An answer whose body breaks off or never ends has been given all the same.
            return exchange.attempt() or Attempt(None, _told(failure))
        return exchange.attempt() or Attempt(None, "The connection was closed without an answer.")

    async def _addresses(self, target: Target) -> list[Address]:
        texts = await self._resolve(target.host) if target.address is None else [target.host]
        found = [addresses.parse(text) for text in texts]
        checked = [address for address in found if address is not None]
        if not checked or len(checked) != len(found):
            raise OSError("The host has no address.")
        for address in checked:
            urls.check_address(target, address, self._rules)
        return checked

    async def _connect(
        self, target: Target, found: Sequence[Address]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        trust = self._trust if target.scheme == "https" else None
        failures: list[OSError] = []
        async with asyncio.timeout(self._connect_timeout_s):
            for address in found[:ADDRESSES_MAX]:
                try:
                    return await asyncio.open_connection(
                        str(address),
                        target.port,
                        ssl=trust,
                        server_hostname=target.host if trust else None,
                        limit=_READ_BYTES,
                    )
                except OSError as failure:
                    failures.append(failure)
        raise failures[0]


class _Exchange:
    """One request and as much of its answer as has come."""

    def __init__(self) -> None:
        self._answer: h11.Response | None = None
        self._body = b""

    async def run(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        target: Target,
        headers: Headers,
        body: bytes,
    ) -> None:
        protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
        for part in (_request(target, headers, body), h11.Data(body), h11.EndOfMessage()):
            writer.write(protocol.send(part) or b"")
        await self._read(protocol, reader)

    def attempt(self) -> Attempt | None:
        """How it ended, if the receiver has told."""
        if self._answer is None:
            return None
        status = self._answer.status_code
        asked = dict(self._answer.headers).get(b"retry-after")
        excerpt = _excerpt(self._body)
        return Attempt(
            status,
            f"HTTP {status} {excerpt}".rstrip(),
            None if asked is None else asked.decode("latin-1"),
            excerpt,
        )

    async def _read(self, protocol: h11.Connection, reader: asyncio.StreamReader) -> None:
        left = ANSWER_BYTES_MAX
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                if left <= 0:
                    return
                octets = await reader.read(min(_READ_BYTES, left))
                if not octets:
                    return
                left -= len(octets)
                protocol.receive_data(octets)
            elif isinstance(event, h11.Response):
                self._answer = event
            elif isinstance(event, h11.Data):
                self._body = (self._body + event.data)[: 4 * EXCERPT_LENGTH]
            elif not isinstance(event, h11.InformationalResponse):
                return


def _request(target: Target, headers: Headers, body: bytes) -> h11.Request:
    own = [
        ("Host", target.authority),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    return h11.Request(method="POST", target=target.path, headers=[*own, *headers])


def _excerpt(body: bytes) -> str:
    """The beginning of an answer, for whoever looks for the fault; no secrets, one line."""
    text = "".join(c if c.isprintable() else " " for c in body.decode(errors="replace"))
    return logs.redact(" ".join(text.split()))[:EXCERPT_LENGTH]


def _told(failure: BaseException) -> str:
    """What the merchant may know of a failure: nothing about our side of the connection."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"TLS: {failure.verify_message}"
    if isinstance(failure, ssl.SSLError):
        return "TLS: the handshake failed."
    if isinstance(failure, TimeoutError):
        return "No answer in time."
    if isinstance(failure, h11.ProtocolError):
        return "The answer is not HTTP/1.1."
    if isinstance(failure, ConnectionRefusedError):
        return "The connection was refused."
    if isinstance(failure, ConnectionResetError):
        return "The connection was reset."
    return "The host could not be reached."
