"""A real cluster, where ``SYCEE_TIGERBEETLE`` names the server's program or a cluster's address.

A program is run on empty books of its own; at an address the books are whatever they are, so only
tests that choose ids of their own go there.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.tigerbeetle.engines import Numbered, over

from sycee.services.ledger.adapters.tigerbeetle.ledger import over_library

NAMED = os.environ.get("SYCEE_TIGERBEETLE", "")
START_S = 120
WITHOUT = "SYCEE_TIGERBEETLE names neither the program tigerbeetle nor a cluster's address"

needs_cluster = pytest.mark.skipif(not NAMED, reason=WITHOUT)
needs_program = pytest.mark.skipif(
    not NAMED or not Path(NAMED).is_file(), reason=f"{WITHOUT} (the program is needed here)"
)


class Server:
    """One replica in a folder of its own; may be killed and started again."""

    def __init__(self, folder):
        self._file = folder / "0_0.tigerbeetle"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._log = (folder / "server.log").open("ab")
        arguments = (
            "--development",
            "--cluster=0",
            "--replica=0",
            "--replica-count=1",
            str(self._file),
        )
        subprocess.run([NAMED, "format", *arguments], check=True, capture_output=True, timeout=60)
        self._process = None

    def start(self):
        arguments = (f"--addresses={self.address}", "--development", str(self._file))
        self._process = subprocess.Popen(
            [NAMED, "start", *arguments], stdout=self._log, stderr=self._log
        )
        self._wait()

    def _wait(self):
        host, port = self.address.split(":")
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    return
            assert self._process.poll() is None, "the server ended"
        raise AssertionError("the server does not listen")

    def kill(self):
        self._process.kill()
        self._process.wait(START_S)

    def close(self):
        self.kill()
        self._log.close()
        self._file.unlink()


@contextmanager
def server(folder):
    """A started replica."""
    running = Server(folder)
    try:
        running.start()
        yield running
    finally:
        running.close()


class Found(NamedTuple):
    """A cluster that others may use too."""

    address: str


@contextmanager
def cluster(folder):
    """A cluster, started here or somewhere else."""
    if not Path(NAMED).is_file():
        yield Found(NAMED)
        return
    with server(folder) as running:
        yield running


class Live:
    """An ``Engine`` of the conformance suite over a real replica."""

    keeps_time = False

    def __init__(self, address, lanes=3):
        self.clock = FakeClock()
        self.clock.instant = time.time_ns()
        self._open_wire = over_library(0, address)
        self._lanes = lanes
        self._open()

    def _open(self):
        self.engine = over(self._open_wire, self._lanes)
        self.ledger = Numbered(self.engine)

    async def restart(self):
        await self.engine.close()
        self._open()
