"""A real platform in processes of its own, started and ended the way a user does it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import stripe

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 40
COMMAND_TIMEOUT_S = 120


class Ready(msgspec.Struct):
    """What ``up --json`` tells."""

    url: str
    grpc: str
    secret_key: str
    publishable_key: str
    operator_key: str
    ledger_key: str


class Platform:
    """One installation: a data directory, and the processes on it."""

    def __init__(self, data: Path, topology: str, *settings: str) -> None:
        self.data = data
        self.topology = topology
        self.settings = settings
        self.ready: Ready | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Platform:
        """Start, and return when it is ready."""
        self.begin()
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"did not start; its log:\n{self.log_tail()}"
        self.ready = msgspec.json.decode(line, type=Ready)
        return self

    def begin(self) -> None:
        """Start, and return at once."""
        self._process = subprocess.Popen(
            [*self._sycee("up"), "--json", "--port", "0", "--topology", self.topology]
            + [part for setting in self.settings for part in ("--set", setting)],
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
            cwd=ROOT,
            env=environment(),
            start_new_session=True,
        )

    def stop(self) -> int:
        """Drain, and return the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End every process at once, as a power failure of the whole machine's software would."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_TIMEOUT_S)

    def verify(self) -> subprocess.CompletedProcess[str]:
        """Prove the books, running or stopped."""
        return self.command("verify")

    def command(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run another command on the same data."""
        return subprocess.run(
            [*self._sycee(name), *options],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(),
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """The public address."""
        assert self.ready is not None
        return self.ready.url

    def client(self, secret_key: str | None = None, retries: int = 0) -> stripe.StripeClient:
        """The official SDK, pointed here."""
        assert self.ready is not None
        return stripe.StripeClient(
            secret_key or self.ready.secret_key,
            base_addresses={"api": self.url},
            max_network_retries=retries,
        )

    @property
    def log(self) -> Path:
        """Where the processes' standard error goes."""
        self.data.mkdir(parents=True, exist_ok=True)
        return self.data / "platform.log"

    def log_tail(self) -> str:
        """The end of the log."""
        return self.log.read_text()[-4000:]

    def _sycee(self, command: str) -> list[str]:
        return [sys.executable, "-m", "sycee.cli", command, "--data", str(self.data)]


def environment() -> dict[str, str]:
    """The children's environment: this tree's code first."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}


@contextlib.contextmanager
def running(data: Path, topology: str, *settings: str) -> Iterator[Platform]:
    """A platform for the length of a block; whatever is left of it is killed."""
    platform = Platform(data, topology, *settings).start()
    try:
        yield platform
    finally:
        platform.kill()
