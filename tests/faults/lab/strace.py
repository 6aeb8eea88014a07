"""Faults at chosen system calls of chosen threads, by strace."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

CALLS = (
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "fsync",
    "fdatasync",
    "ftruncate",
    "sendto",
    "sendmsg",
)
ATTACH_TIMEOUT_S = 10.0
_LINE = re.compile(r"^(\d+)\s+(\w+)\((?:\d+<([^>]*)>)?")


class CannotTrace(Exception):
    """This machine does not let us trace; the text says why."""


class Call(msgspec.Struct, frozen=True):
    """One system call that was seen."""

    thread: int
    name: str
    file: str
    """The path or socket that it is about."""


class Point(msgspec.Struct, frozen=True):
    """The ``nth`` call of a name by the thread of a rank, counted from where tracing begins."""

    rank: int
    name: str
    nth: int
    file: str

    def __str__(self) -> str:
        return f"{self.name} {self.nth} of thread {self.rank} on {Path(self.file).name}"


def check_possible() -> None:
    """Raise ``CannotTrace`` unless processes can be traced here."""
    if shutil.which("strace") is None:
        raise CannotTrace("strace is not installed")
    tried = subprocess.run(
        ["strace", "-o", "/dev/null", "true"], check=False, capture_output=True, text=True
    )
    if tried.returncode:
        raise CannotTrace(f"ptrace is not allowed: {tried.stderr.strip()[-200:]}")


@contextlib.contextmanager
def watching(pid: int) -> Iterator[list[Call]]:
    """Note the calls of all threads during a block; the list is filled when it ends."""
    seen: list[Call] = []
    with tempfile.NamedTemporaryFile(prefix="sycee-strace-") as out:
        with _attached("-f", "-y", "-p", str(pid), "-e", f"trace={','.join(CALLS)}", out=out.name):
            yield seen
        for line in Path(out.name).read_text(errors="replace").splitlines():
            match = _LINE.match(line)
            if match and match[2] in CALLS:
                seen.append(Call(int(match[1]), match[2], match[3] or ""))


@contextlib.contextmanager
def injecting(pid: int, point: Point, what: str) -> Iterator[None]:
    """During a block, have the point end in ``what``: ``signal=KILL`` or ``error=EIO``.

    A ``+`` behind has every later one end so, too.
    """
    thread = threads(pid)[point.rank]
    when = f"{point.nth}+" if what.endswith("+") else f"{point.nth}"
    inject = f"inject={point.name}:{what.rstrip('+')}:when={when}"
    with _attached("-p", str(thread), "-e", f"trace={point.name}", "-e", inject, out="/dev/null"):
        yield


def threads(pid: int) -> list[int]:
    """A process's threads, oldest first."""
    return sorted(int(each.name) for each in Path(f"/proc/{pid}/task").iterdir())


def points(seen: Sequence[Call], order: Sequence[int]) -> list[Point]:
    """Every call as a point, in the order seen; ``order`` are the threads, oldest first."""
    ranks = {thread: rank for rank, thread in enumerate(order)}
    counts: Counter[tuple[int, str]] = Counter()
    found = []
    for call in seen:
        if call.thread in ranks:
            counts[call.thread, call.name] += 1
            nth = counts[call.thread, call.name]
            found.append(Point(ranks[call.thread], call.name, nth, call.file))
    return found


@contextlib.contextmanager
def _attached(*arguments: str, out: str) -> Iterator[None]:
    tracer = subprocess.Popen(
        ["strace", "-o", out, *arguments], stderr=subprocess.PIPE, text=True
    )
    try:
        assert tracer.stderr is not None
        line = tracer.stderr.readline()
        if "attached" not in line:
            raise CannotTrace(line.strip() or "strace ended")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            tracer.send_signal(signal.SIGINT)
        try:
            tracer.wait(ATTACH_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            tracer.kill()
            tracer.wait()
