"""A small service for the tests of calls; run as a module, it is the other process."""

from __future__ import annotations

import asyncio
import sys
from typing import NewType, Protocol

import msgspec

from sycee.kernel.refusal import Refusal, refuses
from sycee.kernel.u128 import U128
from sycee.runtime import deadline, logs, rpc, trace

Number = NewType("Number", U128)


class Word(msgspec.Struct, frozen=True):
    """What is said, with a number of the largest kind."""

    text: str
    number: Number = Number(U128(0))
    numbers: tuple[Number, ...] = ()


class Surroundings(msgspec.Struct, frozen=True):
    """What an operation finds around it."""

    remaining_s: float
    trace: str


class Nothing(msgspec.Struct, frozen=True):
    """No further words."""


class TooRude(Refusal, code="too_rude", status=422):
    """Such words are not repeated."""


class Speaking(Protocol):
    """The half of the contract that the other half inherits."""

    @refuses(TooRude)
    async def echo(self, query: Word) -> Word:
        """The same word."""
        ...

    async def fail(self, query: Word) -> Word:
        """A fault, always."""
        ...


class Sample(Speaking, Protocol):
    """The whole contract."""

    async def look(self, query: Nothing) -> Surroundings:
        """What is around."""
        ...

    async def wait(self, query: Word) -> Word:
        """Answer when the gate is opened."""
        ...

    async def open_gate(self, command: Nothing) -> Nothing:
        """Let all go who wait."""
        ...


class Service:
    """Keeps ``Sample``."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.arrived = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def echo(self, query: Word) -> Word:
        if query.text == "rude":
            raise TooRude("please", param="text", facts={"word": "rude"})
        return query

    async def fail(self, query: Word) -> Word:
        raise ValueError(f"a bug, found by {query.text}")

    async def look(self, query: Nothing) -> Surroundings:
        return Surroundings(deadline.remaining_s(), trace.current())

    async def wait(self, query: Word) -> Word:
        self.arrived.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return query

    async def open_gate(self, command: Nothing) -> Nothing:
        self.gate.set()
        return Nothing()


async def main(address: str) -> None:
    """Serve until standard input ends, then drain."""
    logs.configure("sample", logs.Level.ERROR)
    server = await rpc.serve({"sample": (Sample, Service())}, address)
    print(server.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.drain()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
