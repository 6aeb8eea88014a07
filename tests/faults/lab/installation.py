"""A platform that can be broken in more ways than a user would."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.payments import tree

from tests.system.platform import Platform

STATE_TIMEOUT_S = 10.0
SETTINGS = (
    "log_level=warning",
    # Errors name a page of the door: at a port that changes, answers would change with it.
    "gateway.public_url=https://pay.example",
    # After a kill, what never reached the acquirer is given up after this long.
    "payments.lost_after_s=2",
)
SYCEE = (sys.executable, "-m", "sycee.cli")
CARELESS = (sys.executable, "-m", "tests.faults.lab.careless")
"""The platform with a database that does not wait for the disk: it must be caught."""


class Installation(Platform):
    """One platform, its processes, and their deaths."""

    def __init__(
        self, data: Path, topology: str, *settings: str, program: Sequence[str] = SYCEE
    ) -> None:
        super().__init__(data, topology, *SETTINGS, *settings)
        self._program = program

    @property
    def key(self) -> str:
        """The shop's secret key."""
        assert self.ready is not None
        return self.ready.secret_key

    @property
    def pid(self) -> int:
        """The first process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the first process is alive."""
        return self._process is not None and self._process.poll() is None

    def services(self) -> dict[str, int]:
        """In the fleet: service -> its process; the queue's server is one of them."""
        found = {}
        for pid in tree(self.pid):
            words = _command(pid)
            if "serve" in words:
                found[words[words.index("serve") + 1]] = pid
            elif Path(words[0] if words else "").name == "nats-server":
                found["nats"] = pid
        return found

    def freeze(self) -> None:
        """Stop every process where it stands, and return when all do."""
        os.killpg(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + STATE_TIMEOUT_S
        while any(_state(pid) not in "TZ" for pid in tree(self.pid)):
            assert time.monotonic() < deadline, "a process does not stop"
            time.sleep(0.001)

    def check_books(self) -> list[str]:
        """What ``verify`` says against the books; nothing when they are right."""
        proof = self.verify()
        if proof.returncode == 0:
            return []
        return [f"verify exits {proof.returncode}: {(proof.stdout + proof.stderr)[-1000:]}"]

    def _sycee(self, command: str) -> list[str]:
        return [*self._program, command, "--data", str(self.data)]


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


def _state(pid: int) -> str:
    """The letter of a process's state; gone is as good as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except OSError:
        return "Z"
