"""The demo's own platform: a child process on data of its own; and the proof of its books."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from sycee.assembly.failures import CannotStart
from sycee.assembly.proof import Line, Wrong
from sycee.cli.demo.till import Amounts
from sycee.cli.ready import Ready
from sycee.kernel.money import currency

START_S = 60.0
STOP_S = 40.0
PROOF_S = 300.0
LOG = "platform.log"


class Proof(msgspec.Struct, frozen=True):
    """As much of what ``verify --json`` tells as the demo needs."""

    lines: tuple[Line, ...]
    findings: tuple[Wrong, ...]

    def moved(self) -> Amounts:
        """What ever moved in the books."""
        return {currency(line.currency): line.debits for line in self.lines}

    def wrong(self) -> Iterator[str]:
        """All that is wrong with the books."""
        for finding in self.findings:
            yield f"verify: {finding.row}: {finding.problem}"
        for line in self.lines:
            if line.debits != line.credits:
                yield f"verify: {line.currency} debits {line.debits}, credits {line.credits}"


@contextlib.contextmanager
def own_platform(data: Path, topology: str) -> Iterator[Ready]:
    """A platform in its default configuration, for the length of a block; it must stop in order."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOG).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program, with our own arguments
            [*_sycee("up", data), "--json", "--port", "0", "--topology", topology],
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
        )
    try:
        yield _ready(process, data / LOG)
        process.send_signal(signal.SIGTERM)
        status = process.wait(STOP_S)
        if status:
            said = _tail(data / LOG)
            raise CannotStart(f"The platform stopped with status {status}. It said:\n{said}")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None, "it is a pipe"
        process.stdout.close()


def prove(data: Path) -> Proof:
    """The same proof as ``sycee verify``, by a process of its own."""
    done = subprocess.run(  # noqa: S603 - as above
        [*_sycee("verify", data), "--json"],
        capture_output=True,
        env=_environment(),
        timeout=PROOF_S,
        check=False,
    )
    try:
        return msgspec.json.decode(done.stdout, type=Proof)
    except msgspec.MsgspecError:
        said = done.stderr.decode(errors="replace").strip()
        raise CannotStart(f"The books in {data} could not be proved: {said}") from None


def _ready(process: subprocess.Popen[bytes], log: Path) -> Ready:
    """What the platform tells when it takes requests; it is ended when that takes too long."""
    assert process.stdout is not None, "it is a pipe"
    alarm = threading.Timer(START_S, process.kill)
    alarm.start()
    try:
        line = process.stdout.readline()
    finally:
        alarm.cancel()
    if not line:
        raise CannotStart(f"The platform did not start. It said:\n{_tail(log)}")
    return msgspec.json.decode(line, type=Ready)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip()


def _sycee(command: str, data: Path) -> list[str]:
    """A command that reads no configuration but its own."""
    return [
        *(sys.executable, "-m", "sycee.cli", command),
        *("--config", os.devnull, "--data", str(data)),
    ]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SYCEE_")}
