"""Calls per second and latency between two processes: our frames against plain gRPC calls.

Prints one JSON object. Bars: 20,000 calls/s from 64 concurrent callers; 1 ms for one call alone.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median, quantiles
from typing import Protocol

import grpc
import msgspec

from sycee.runtime import rpc

CALLERS = 64
SECONDS = 2.0
ALONE = 1_000
ROUNDS = 3

Echo = Callable[["Word"], Awaitable["Word"]]


class Word(msgspec.Struct, frozen=True):
    """About as large as a transfer's command."""

    id: str
    amount: int
    text: str


class Echoing(Protocol):
    """The least a service can do."""

    async def echo(self, query: Word) -> Word:
        """The same word."""
        ...


class Parrot:
    """Keeps ``Echoing``."""

    async def echo(self, query: Word) -> Word:
        return query


WORD = Word(id="pi_01J00000000000000000000", amount=2_000, text="x" * 100)


async def serve() -> None:
    """The other process: our door and a plain gRPC one, until standard input closes."""
    ours = await rpc.serve({"echo": (Echoing, Parrot())}, "127.0.0.1:0")
    plain = grpc.aio.server()
    decode = msgspec.msgpack.Decoder(Word).decode

    async def echo(body: bytes, _context: object) -> bytes:
        return msgspec.msgpack.encode(await Parrot().echo(decode(body)))

    method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(echo)
    plain.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("plain", {"Echo": method})]
    )
    port = plain.add_insecure_port("127.0.0.1:0")
    await plain.start()
    print(ours.port, port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await ours.drain(1)
    await plain.stop(1)


async def throughput(echo: Echo) -> float:
    """Calls per second of many callers, each waiting for its answer before it asks again."""
    done = 0
    end = time.monotonic() + SECONDS

    async def caller() -> None:
        nonlocal done
        while time.monotonic() < end:
            await echo(WORD)
            done += 1

    begun = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return done / (time.monotonic() - begun)


async def alone(echo: Echo) -> dict[str, float]:
    """Latency of one caller, in milliseconds."""
    times = []
    for _ in range(ALONE):
        begun = time.perf_counter()
        await echo(WORD)
        times.append((time.perf_counter() - begun) * 1000)
    return {"p50_ms": round(median(times), 3), "p99_ms": round(quantiles(times, n=100)[98], 3)}


async def measure(echo: Echo) -> dict[str, object]:
    """Both figures of one way to call; the best of a few rounds, for the machine is shared."""
    await throughput(echo)
    rates = [round(await throughput(echo)) for _ in range(ROUNDS)]
    return {"calls_per_s": max(rates), "rounds": rates, "alone": await alone(echo)}


async def compare(ours_port: int, plain_port: int) -> dict[str, object]:
    """Our calls and plain unary calls, one after the other."""
    neighbour = rpc.remote("echo", Echoing, f"127.0.0.1:{ours_port}")
    ours = await measure(neighbour.echo)
    await rpc.disconnect(neighbour)
    decode = msgspec.msgpack.Decoder(Word).decode
    async with grpc.aio.insecure_channel(f"127.0.0.1:{plain_port}") as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/plain/Echo")

        async def echo(word: Word) -> Word:
            return decode(await method(msgspec.msgpack.encode(word)))

        plain = await measure(echo)
    return {"coalesced": ours, "plain_unary": plain}


async def main() -> None:
    """Start the other process, measure, print."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "serve",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None and child.stdout is not None
    ours, plain = map(int, (await child.stdout.readline()).split())
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "grpc": grpc.__version__,
    }
    machine |= {"load_before": os.getloadavg()[0]}
    result = {"machine": machine, "callers": CALLERS, **await compare(ours, plain)}
    print(msgspec.json.format(msgspec.json.encode(result)).decode())
    child.stdin.close()
    await child.wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve() if sys.argv[1:] == ["serve"] else main())
