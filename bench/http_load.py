"""A load generator that costs little CPU: keep-alive connections, pair after pair."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlencode, urlsplit

import httptools
import msgspec


class Load(msgspec.Struct, frozen=True):
    """What one run measured. Latencies are of single requests, in milliseconds."""

    connections: int
    seconds: float
    pairs: int
    pairs_per_s: float
    failures: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    first_second_pairs: int
    last_second_pairs: int
    """Pairs within the last whole second."""
    first_failure: str = ""


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with one request in flight."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed by the server"))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, body = self._parser.get_status_code(), bytes(self._body)
        self._body.clear()
        self._parser = httptools.HttpResponseParser(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; the future resolves to status and body."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer


class Tally:
    """Latencies, and when pairs were done."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self.done_at: list[float] = []
        self.failures = 0
        self.first_failure = ""

    def failed(self, status: int, body: bytes) -> None:
        self.failures += 1
        self.first_failure = self.first_failure or f"{status} {body[:300]!r}"


def post(host: str, path: str, key: str, form: dict[str, str], idempotency_key: str) -> bytes:
    """The bytes of one form POST."""
    body = urlencode(form)
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Idempotency-Key: {idempotency_key}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        f"{body}"
    ).encode()


async def pair(line: Connection, host: str, key: str, name: str, tally: Tally) -> bool:
    """Create a payment and confirm it; False when either failed."""
    create = {"amount": "2000", "currency": "usd", "payment_method": "pm_card_visa"}
    status, body = await timed(line, post(host, "/v1/payment_intents", key, create, name), tally)
    if status != 200:
        tally.failed(status, body)
        return False
    payment = msgspec.json.decode(body)["id"]
    path = f"/v1/payment_intents/{payment}/confirm"
    status, body = await timed(line, post(host, path, key, {}, name + "c"), tally)
    if status != 200 or b'"succeeded"' not in body:
        tally.failed(status, body)
        return False
    return True


async def timed(line: Connection, request: bytes, tally: Tally) -> tuple[int, bytes]:
    """Ask, and note how long the answer took."""
    start = time.perf_counter()
    answer = await line.ask(request)
    tally.latencies_s.append(time.perf_counter() - start)
    return answer


async def worker(url: str, key: str, names: Iterator[str], until: float, tally: Tally) -> None:
    """Make pairs on one connection until time is up."""
    target = urlsplit(url)
    loop = asyncio.get_running_loop()
    assert target.hostname is not None
    _, line = await loop.create_connection(Connection, target.hostname, target.port)
    while time.perf_counter() < until:
        if await pair(line, target.netloc, key, next(names), tally):
            tally.done_at.append(time.perf_counter())


async def run(url: str, key: str, connections: int, seconds: float, run_name: str) -> Load:
    """Drive ``connections`` connections for ``seconds``."""
    tally = Tally()
    names = (f"{run_name}-{number}" for number in range(sys.maxsize))
    start = time.perf_counter()
    await asyncio.gather(
        *(worker(url, key, names, start + seconds, tally) for _ in range(connections))
    )
    elapsed = time.perf_counter() - start
    return summary(tally, connections, elapsed, start)


def summary(tally: Tally, connections: int, elapsed: float, start: float) -> Load:
    """Turn a tally into figures."""
    ordered = sorted(tally.latencies_s) or [0.0]
    whole = int(elapsed)
    return Load(
        connections=connections,
        seconds=round(elapsed, 3),
        pairs=len(tally.done_at),
        pairs_per_s=round(len(tally.done_at) / elapsed, 1),
        failures=tally.failures,
        p50_ms=round(ordered[len(ordered) // 2] * 1e3, 3),
        p99_ms=round(ordered[len(ordered) * 99 // 100] * 1e3, 3),
        max_ms=round(ordered[-1] * 1e3, 3),
        first_second_pairs=sum(at < start + 1 for at in tally.done_at),
        last_second_pairs=sum(start + whole - 1 <= at < start + whole for at in tally.done_at),
        first_failure=tally.first_failure,
    )


def main() -> None:
    """Run as a process of its own: ``python -m bench.http_load --url … --key …``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--run", default="run")
    options = parser.parse_args()
    import uvloop

    load = uvloop.run(
        run(options.url, options.key, options.connections, options.seconds, options.run)
    )
    sys.stdout.write(msgspec.json.encode(load).decode() + "\n")


if __name__ == "__main__":
    main()
