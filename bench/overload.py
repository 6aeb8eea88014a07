"""Offer payments and reads at many times what the platform can do, whether it answers or not.

Requests are sent when they are due, not when the one before is answered, and latency counts from
the moment they were due: waiting for a free connection is part of it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.http_load import Connection, post
from bench.machine import report
from bench.payments import ROOT, Running, environment, load, platform, rss_mib

READ_EVERY = 5
"""Each fifth request is a read; the others make and confirm a payment."""
PAY = {"amount": "2000", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
PATIENCE_S = 15.0
TIMES = (0.7, 5.0, 10.0, 0.7)
"""Of the capacity; the last tells whether everything is normal again."""


class Answers(msgspec.Struct, frozen=True):
    """How many answers of one kind, and how late, from when they were due."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Phase(msgspec.Struct, frozen=True):
    """What came of one load."""

    offered_per_s: float
    """As it was sent: below the wish when the generator itself is the limit."""
    payments_per_s: float
    reads_per_s: float
    payments: Answers
    reads: Answers
    refused: Answers
    """503, with Retry-After."""
    failed: int
    """Any other answer, or none."""
    reconnects: int
    rss_mib: float = 0.0


class Line(msgspec.Struct):
    """Requests that are due, connections that are free, and what was answered."""

    url: str
    key: str
    free: deque[Connection]
    payments_s: list[float]
    reads_s: list[float]
    refused_s: list[float]
    failed: int = 0
    reconnects: int = 0


async def connected(url: str) -> Connection:
    """One more connection."""
    target = urlsplit(url)
    assert target.hostname is not None
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, target.hostname, target.port)
    return connection


async def one(line: Line, connection: Connection, request: bytes, due: float) -> None:
    """Send a request and note its answer."""
    is_read = request.startswith(b"GET")
    try:
        status, _ = await connection.ask(request)
    except ConnectionError:
        line.failed += 1
        line.reconnects += 1
        connection = await connected(line.url)
        status = 0
    took_s = time.perf_counter() - due
    line.free.append(connection)
    if status == 200:
        (line.reads_s if is_read else line.payments_s).append(took_s)
    elif status == 503:
        line.refused_s.append(took_s)
    elif status:
        line.failed += 1


def requests(line: Line, name: str) -> Iterator[bytes]:
    """Payments, and a read now and then."""
    host = urlsplit(line.url).netloc
    read = (
        f"GET /v1/payment_intents?limit=1 HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {line.key}\r\n\r\n"
    ).encode()
    for number in itertools.count(1):
        is_read = number % READ_EVERY == 0
        yield (
            read
            if is_read
            else post(host, "/v1/payment_intents", line.key, PAY, f"{name}-{number}")
        )


async def offered(
    url: str, key: str, per_s: float, seconds: float, connections: int, name: str
) -> Phase:
    """Offer so many requests per second for a while."""
    line = Line(url, key, deque([await connected(url) for _ in range(connections)]), [], [], [])
    coming, due_ones = requests(line, name), deque[float]()
    tasks: set[asyncio.Task[None]] = set()
    start = time.perf_counter()
    sent, wanted = 0, int(per_s * seconds)
    made = 0
    while (
        made < wanted or due_ones or tasks
    ) and time.perf_counter() < start + seconds + PATIENCE_S:
        now = time.perf_counter()
        while made < wanted and start + made / per_s <= now:
            due_ones.append(start + made / per_s)
            made += 1
        while due_ones and line.free:
            task = asyncio.create_task(
                one(line, line.free.popleft(), next(coming), due_ones.popleft())
            )
            sent += 1
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.001)
    elapsed = time.perf_counter() - start
    for task in list(tasks):
        task.cancel()
    return Phase(
        round(sent / elapsed, 1),
        round(len(line.payments_s) / elapsed, 1),
        round(len(line.reads_s) / elapsed, 1),
        answers(line.payments_s),
        answers(line.reads_s),
        answers(line.refused_s),
        line.failed + len(due_ones) + len(tasks),
        line.reconnects,
    )


def answers(seconds: list[float]) -> Answers:
    """Latencies as figures."""
    ordered = sorted(seconds) or [0.0]
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return Answers(
        len(seconds), round(p50 * 1e3, 2), round(p99 * 1e3, 2), round(ordered[-1] * 1e3, 2)
    )


def phase(server: Running, per_s: float, seconds: float, connections: int, name: str) -> Phase:
    """One load, from a process of its own."""
    command = [
        sys.executable,
        "-m",
        "bench.overload",
        "--url",
        server.url,
        "--key",
        server.secret_key,
    ]
    command += ["--per-s", str(per_s), "--seconds", str(seconds)]
    command += ["--connections", str(connections), "--name", name]
    done = subprocess.run(
        command,
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=environment(),
        timeout=seconds + 4 * PATIENCE_S,
    )
    found = msgspec.json.decode(done.stdout, type=Phase)
    return msgspec.structs.replace(found, rss_mib=round(rss_mib(server.pid), 1))


def measured(seconds: float, connections: int) -> dict[str, object]:
    """The capacity, then what comes of more than that."""
    with (
        tempfile.TemporaryDirectory(prefix="sycee-bench-") as directory,
        platform("one", Path(directory)) as server,
    ):
        load(server, 16, 1, "warm")
        capacity = load(server, 64, seconds, "peak").load.pairs_per_s
        figures: dict[str, object] = {"pairs_per_s": capacity}
        for number, times in enumerate(TIMES):
            name = f"{times}x-{number}"
            figures[name] = phase(server, capacity * times, seconds, connections, name)
        return figures


def main() -> None:
    """Measure everything once and print it, or be the process that offers one load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--connections", type=int, default=512)
    parser.add_argument("--url", help="of a server that runs; with --key and --per-s")
    parser.add_argument("--key", default="")
    parser.add_argument("--per-s", type=float, default=100.0)
    parser.add_argument("--name", default="load")
    options = parser.parse_args()
    if not options.url:
        report(measured(options.seconds, options.connections))
        return
    import uvloop

    found = uvloop.run(
        offered(
            options.url,
            options.key,
            options.per_s,
            options.seconds,
            options.connections,
            options.name,
        )
    )
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")


if __name__ == "__main__":
    main()
