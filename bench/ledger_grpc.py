"""Transfers per second through the ledger's gRPC door, from a client in a process of its own.

Prints one JSON object: medians of the rounds. The client encodes batches while it runs. Bars:
300,000 transfers/s with 1000 a request and 8 in flight, p99 60 ms; 60,000 with 50 times 100 in
flight, p99 150 ms; one transfer a call 1,500 unary and 6,000 streamed. ``--ledger null`` answers
without doing anything, which shows what the door alone can do; ``--decoder plain`` is the door
without Numba.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import TypeAlias, cast

import grpc
import msgspec
import uvloop

from bench.machine import report
from sycee.assembly.configuration import Configuration
from sycee.assembly.storage import Databases, queue_of
from sycee.gateway.access import Access
from sycee.gateway.grpc.compiling import Decoder
from sycee.gateway.grpc.door import Door
from sycee.kernel.clock import Instant
from sycee.runtime.floor import Floor
from sycee.runtime.host import Profile
from sycee.services.identity.contract import (
    ApiKeyId,
    Authenticate,
    Caller,
    Identity,
    Limits,
    Merchant,
    MerchantId,
    MerchantStatus,
    Role,
)
from sycee.services.ledger import app as ledger_app
from sycee.services.ledger.contract import RecordResults, Records

ACCOUNTS = 10_000
KEY = (("authorization", "Bearer key"),)
CREATE = "/sycee.v1.Ledger/CreateTransfers"
RECORD = "/sycee.v1.Ledger/RecordTransfers"
STREAM = "/sycee.v1.Ledger/StreamTransfers"
RECORD_BYTES = 128

Encode: TypeAlias = Callable[[int], bytes]


class Figure(msgspec.Struct, frozen=True):
    """Medians over the rounds of one way to send transfers."""

    what: str
    transfers_per_s: int
    p50_ms: float
    p99_ms: float
    server_cpu_us_per_transfer: float
    rounds: list[int]


class Figures(msgspec.Struct, frozen=True):
    """What was measured."""

    ledger: str
    decoder: str
    load_before: float
    server_memory_mib: int
    ways: list[Figure]


class Operator:
    """An identity that knows nobody but the operator."""

    async def authenticate(self, query: Authenticate) -> Caller:
        merchant = Merchant(
            MerchantId("acct_1"), "Shop", "US", "USD", MerchantStatus.ACTIVE, Limits(), Instant(0)
        )
        scopes = ("ledger:write", "ledger:read")
        return Caller(ApiKeyId("key_1"), merchant, Role.OPERATOR, False, scopes)


class Nothing:
    """A ledger that says ok; its other operations are not called."""

    async def record_accounts(self, command: Records) -> RecordResults:
        return self._ok(command)

    async def record_transfers(self, command: Records) -> RecordResults:
        return self._ok(command)

    def _ok(self, command: Records) -> RecordResults:
        return RecordResults(bytes(len(command.records) // RECORD_BYTES), Instant(1))

    def __getattr__(self, name: str) -> object:
        return self.record_transfers


async def serve(options: argparse.Namespace) -> None:
    """The other process: the door, until standard input closes; commands ask for its CPU time."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        queue = queue_of(Configuration())
        databases = Databases(Path(folder), queue)
        async with Floor(Path(folder), Profile.DEV, databases.open, queue) as floor:
            ledger: object = Nothing()
            if options.ledger != "null":
                settings = msgspec.convert(dict(options.set), ledger_app.Settings, strict=False)
                ledger = await ledger_app.build(floor, settings)
            access = Access(cast(Identity, Operator()), floor.clock)
            door = Door(access, {"ledger": ledger}, floor.ids, Decoder(options.decoder))
            await door.open("127.0.0.1:0")
            floor.ready()
            print(door.port, flush=True)
            await asyncio.get_running_loop().run_in_executor(None, _answer_usage)
            await door.drain(1)


def _answer_usage() -> None:
    for _ in sys.stdin:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024, flush=True)


class Server:
    """The other process, as the client sees it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def usage(self) -> tuple[float, int]:
        """Seconds of CPU so far, and the most memory in MiB."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(b"\n")
        cpu_s, memory = (await self._process.stdout.readline()).split()
        return float(cpu_s), int(memory)


def _bytes_field(number: int, value: int) -> bytes:
    return bytes([number << 3 | 2, 16]) + value.to_bytes(16, "big")


class Work:
    """Makes batches of transfers that were never made before, between random accounts."""

    def __init__(self) -> None:
        draw = random.Random(20_261_125)
        rest = b"\x28\xc8\x06\x30\x01"  # ledger 840, code 1
        self._ids = itertools.count(1 << 100)
        pairs = [draw.sample(range(1, ACCOUNTS + 1), 2) for _ in range(4096)]
        self._tails = [
            _bytes_field(2, debit) + _bytes_field(3, credit) + _bytes_field(4, 2000) + rest
            for debit, credit in pairs
        ]
        self._packed = [
            b"".join(each.to_bytes(16, "little") for each in (debit, credit, 2000))
            + bytes(48)
            + (840).to_bytes(4, "little")
            + b"\1\0\0\0"
            + bytes(8)
            for debit, credit in pairs
        ]
        self._head = bytes([0x0A, 18 + len(self._tails[0]), 0x0A, 16])

    def messages(self, size: int) -> bytes:
        """A message ``Transfers``."""
        head, start = self._head, next(self._ids) << 20
        tails = self._tails
        return b"".join(
            [
                head + (start + n).to_bytes(16, "big") + tails[(start + n) & 4095]
                for n in range(size)
            ]
        )

    def records(self, size: int) -> bytes:
        """A message ``Records``."""
        start, packed = next(self._ids) << 20, self._packed
        body = b"".join(
            [n.to_bytes(16, "little") + packed[n & 4095] for n in range(start, start + size)]
        )
        return b"\x0a" + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


def accounts(start: int, size: int) -> bytes:
    """A message ``Accounts``."""
    events = (_bytes_field(1, start + n) + b"\x10\xc8\x06\x18\x01" for n in range(size))
    return b"".join(b"\x0a" + bytes([len(event)]) + event for event in events)


def check(reply: bytes, size: int) -> None:
    """Every transfer must have been recorded."""
    codes = reply[1 + len(_varint(size)) :][:size]
    assert len(codes) == size and not codes.strip(b"\0"), codes[:40]


class Load:
    """Calls for so long, and notes how long each took."""

    def __init__(self, channel: grpc.aio.Channel, seconds: float) -> None:
        self._channel = channel
        self._seconds = seconds
        self.transfers = 0
        self.times_ms: list[float] = []

    def _note(self, begun: float, reply: bytes, size: int) -> None:
        check(reply, size)
        self.times_ms.append((time.perf_counter() - begun) * 1000)
        self.transfers += size

    async def unary(self, path: str, encode: Encode, callers: int, size: int) -> None:
        """So many callers, each waiting for its answer before it asks again."""
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(path)
        until = time.perf_counter() + self._seconds

        async def caller() -> None:
            while (begun := time.perf_counter()) < until:
                self._note(begun, await method(encode(size), metadata=KEY), size)

        await asyncio.gather(*(caller() for _ in range(callers)))

    async def streamed(self, encode: Encode, window: int, size: int) -> None:
        """One stream with so many batches unanswered."""
        stream: grpc.aio.StreamStreamCall[bytes, bytes] = self._channel.stream_stream(STREAM)(
            metadata=KEY
        )
        begun: deque[float] = deque()
        room = asyncio.Semaphore(window)
        until = time.perf_counter() + self._seconds

        async def send() -> None:
            while time.perf_counter() < until:
                await room.acquire()
                begun.append(time.perf_counter())
                await stream.write(encode(size))
            await stream.done_writing()

        sending = asyncio.create_task(send())
        while isinstance(reply := await stream.read(), bytes):
            self._note(begun.popleft(), reply, size)
            room.release()
        await sending


Way: TypeAlias = Callable[[Load, Work], Awaitable[None]]

WAYS: dict[str, Way] = {
    "1000 a request, 8 in flight": lambda load, work: load.unary(CREATE, work.messages, 8, 1000),
    "1000 a message, 8 in flight on one stream": lambda load, work: load.streamed(
        work.messages, 8, 1000
    ),
    "1000 packed records a request, 8 in flight": lambda load, work: load.unary(
        RECORD, work.records, 8, 1000
    ),
    "8189 a request, 4 in flight": lambda load, work: load.unary(CREATE, work.messages, 4, 8189),
    "100 a request, 50 in flight": lambda load, work: load.unary(CREATE, work.messages, 50, 100),
    "one transfer a call, 64 callers": lambda load, work: load.unary(CREATE, work.messages, 64, 1),
    "one transfer a message, 64 in flight on one stream": lambda load, work: load.streamed(
        work.messages, 64, 1
    ),
}


async def one_round(server: Server, channel: grpc.aio.Channel, way: Way, work: Work) -> Figure:
    """One way, once."""
    load = Load(channel, options().seconds)
    cpu_s, _ = await server.usage()
    begun = time.perf_counter()
    await way(load, work)
    took_s = time.perf_counter() - begun
    spent_s = (await server.usage())[0] - cpu_s
    rate = round(load.transfers / took_s)
    p99 = quantiles(load.times_ms, n=100)[98]
    spent_us = spent_s / load.transfers * 1e6
    return Figure("", rate, median(load.times_ms), p99, spent_us, [rate])


def middle(what: str, rounds: list[Figure]) -> Figure:
    """The medians."""
    return Figure(
        what,
        round(median(each.transfers_per_s for each in rounds)),
        round(median(each.p50_ms for each in rounds), 2),
        round(median(each.p99_ms for each in rounds), 2),
        round(median(each.server_cpu_us_per_transfer for each in rounds), 3),
        [each.transfers_per_s for each in rounds],
    )


async def measure(server: Server) -> list[Figure]:
    """Every way, round after round: a busy moment of the machine does not meet one alone."""
    work, found = Work(), dict[str, list[Figure]]()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        opening: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/sycee.v1.Ledger/CreateAccounts"
        )
        for start in range(1, ACCOUNTS + 1, 5000):
            check(await opening(accounts(start, 5000), metadata=KEY), 5000)
        for _ in range(options().rounds):
            for what, way in _ways():
                found.setdefault(what, []).append(await one_round(server, channel, way, work))
    return [middle(what, rounds) for what, rounds in found.items()]


def _ways() -> Iterator[tuple[str, Way]]:
    return (each for each in WAYS.items() if options().only in each[0])


async def main() -> None:
    """Start the other process, measure, print."""
    load_before = round(os.getloadavg()[0], 2)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.ledger_grpc", "--serve", *sys.argv[1:]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None and child.stdout is not None
    server = Server(child, int(await child.stdout.readline()))
    ways = await measure(server)
    _, memory = await server.usage()
    report(Figures(options().ledger, options().decoder, load_before, memory, ways))
    child.stdin.close()
    await child.wait()


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ledger", choices=["null", "built"], default="built")
    parser.add_argument("--set", action="append", type=_setting, default=[], help="of the ledger")
    parser.add_argument("--decoder", choices=[each.value for each in Decoder], default="compiled")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="ways whose name contains this")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


if __name__ == "__main__":
    uvloop.run(serve(options()) if options().serve else main())
