"""``up --topology processes``: every service in a process of its own, watched over by this one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from argparse import Namespace
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence

import msgspec

from sycee.assembly.configuration import Configuration
from sycee.assembly.failures import CannotStart
from sycee.assembly.storage import claim
from sycee.assembly.wiring import GATEWAY, SERVICES
from sycee.cli.options import overrides
from sycee.cli.ready import Ready
from sycee.runtime import logs
from sycee.runtime.backoff import pauses
from sycee.runtime.queue.server import NatsServer

NATS_VARIABLE = "SYCEE_QUEUE__NATS"
START_S = 60.0
DRAIN_S = 15.0
_PAUSE_S, _PAUSE_S_MAX = 0.1, 5.0

log = logs.logger("fleet")


class Member:
    """One service's process: begun, watched, begun again when it dies, and drained."""

    def __init__(
        self, service: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.service = service
        self._arguments = list(arguments)
        self._environment = environment
        self._process: Process | None = None
        self._is_stopping = False

    async def begin(self) -> Ready:
        """Start it, and wait until it takes requests."""
        self._process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "sycee.cli", "serve", self.service, "--attached"],
            *self._arguments,
            env=self._environment,
            stdin=PIPE,
            stdout=PIPE,
        )
        assert self._process.stdout is not None, "it is a pipe"
        line = await self._process.stdout.readline()
        if not line:
            raise CannotStart(f"{self.service} did not start; the lines above say why.")
        return msgspec.json.decode(line, type=Ready)

    def keep_ports(self, ready: Ready) -> None:
        """Have it come back where its callers know it."""
        for key, address in (
            ("port", ready.url),
            ("grpc_port", ready.grpc),
            ("internal_port", ready.internal),
        ):
            self._arguments += ["--set", f"{key}={address.rpartition(':')[2]}"]

    async def watch(self) -> None:
        """Begin it again whenever it dies, until it is drained."""
        for pause_s in pauses(_PAUSE_S, _PAUSE_S_MAX):
            assert self._process is not None, "begun before"
            status = await self._process.wait()
            if self._is_stopping:
                return
            log.warning("service_died", service=self.service, status=status, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            with contextlib.suppress(CannotStart):
                await self.begin()

    async def drain(self) -> int:
        """Let it finish what it has in hand; its exit status."""
        self._is_stopping = True
        if self._process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(DRAIN_S):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()


async def run_fleet(
    options: Namespace, configuration: Configuration, tell: Callable[[Ready], None]
) -> int:
    """Start all, stay until SIGTERM or SIGINT, drain all; the worst exit status of any."""
    logs.configure("fleet", logs.Level[configuration.log_level.name])
    data = configuration.folder
    claim(data, "fleet")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        environment = dict(os.environ)
        if not configuration.queue.nats:
            nats = await stack.enter_async_context(NatsServer(data / "nats"))
            # It holds a token, which other users could read on a command line.
            environment[NATS_VARIABLE] = nats.url
        arguments = _arguments(options)
        members = [Member(name, arguments, environment) for name in SERVICES]
        return await _stand(members, stop, tell)


async def _stand(
    members: Sequence[Member], stop: asyncio.Event, tell: Callable[[Ready], None]
) -> int:
    watching: list[asyncio.Task[None]] = []
    try:
        ready = await _begin(members, stop)
        if ready is not None:
            watching += [asyncio.create_task(member.watch()) for member in members]
            tell(ready)
            await stop.wait()
    finally:
        statuses = [await member.drain() for member in reversed(members)]
        for task in watching:
            task.cancel()
    return max(map(abs, statuses))


async def _begin(members: Sequence[Member], stop: asyncio.Event) -> Ready | None:
    """Start all at once; what the gateway tells, or None when it is time to stop already."""
    beginning = asyncio.create_task(_begin_all(members))
    stopping = asyncio.create_task(stop.wait())
    either: tuple[asyncio.Task[object], ...] = (beginning, stopping)
    try:
        await asyncio.wait(either, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            return None
        if not beginning.done():
            raise CannotStart(f"Not everything was ready within {START_S:.0f} seconds.")
        ready = beginning.result()
    finally:
        beginning.cancel()
        stopping.cancel()
    return ready


async def _begin_all(members: Sequence[Member]) -> Ready:
    """What the gateway tells, once all are ready."""
    told = await asyncio.gather(*(member.begin() for member in members))
    gateway = next(member for member in members if member.service == GATEWAY)
    ready = next(each for each in told if each.url)
    gateway.keep_ports(ready)
    return ready


def _arguments(options: Namespace) -> list[str]:
    """What every process of the fleet is started with."""
    config = ["--config", options.config] if options.config else []
    return [*config, *(part for each in overrides(options) for part in ("--set", each))]
