"""Faults at chosen system calls of chosen threads, by strace."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import tempfile
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
DETACH_TIMEOUT_S = 10.0
WRITES = ("write", "pwrite64")
_LINE = re.compile(r"^(?:(\d+)\s+)?(\d+\.\d+) (\w+)\((?:\d+<([^>]*)>)?")


class CannotTrace(Exception):
    """This machine does not let us trace; the text says why."""


class Call(msgspec.Struct, frozen=True):
    """One system call that was seen."""

    thread: int
    name: str
    file: str
    """The path, pipe or socket that it is about."""
    at: float = 0.0
    """Unix seconds."""
    is_injected: bool = False


class Point(msgspec.Struct, frozen=True):
    """The ``nth`` call of a name on a file by one thread, counted from where tracing begins.

    Files that are no paths differ from run to run: there it is the ``nth`` call of a name by the
    first thread, on whatever it is about.
    """

    name: str
    nth: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.nth} on {Path(self.path).name or 'a socket'}"


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
    with _attached(pid, "-f", "-e", f"trace={','.join(CALLS)}") as seen:
        yield seen


@contextlib.contextmanager
def injecting(pid: int, point: Point, what: str) -> Iterator[list[Call]]:
    """During a block, have the point end in ``what``: ``signal=KILL`` or ``error=EIO``.

    A ``+`` behind has every later one end so, too. The list is filled, when the block ends, with
    the calls that count.
    """
    when = f"{point.nth}+" if what.endswith("+") else f"{point.nth}"
    inject = f"inject={point.name}:{what.rstrip('+')}:when={when}"
    where = ["-f", "-P", point.path] if point.path else []
    writes = "" if point.name in WRITES or not point.path else f",{','.join(WRITES)}"
    with _attached(pid, *where, "-e", f"trace={point.name}{writes}", "-e", inject) as seen:
        yield seen


def points(seen: Sequence[Call], pid: int) -> list[Point]:
    """One point per name and place, whose ``nth`` is the highest that a thread reached."""
    counts: Counter[tuple[int, str, str]] = Counter()
    for call in seen:
        path = call.file if call.file.startswith("/") else ""
        if path or call.thread == pid:
            counts[call.thread, call.name, path] += 1
    highest: dict[tuple[str, str], int] = {}
    for (_, name, path), count in counts.items():
        highest[name, path] = max(count, highest.get((name, path), 0))
    return [Point(name, nth, path) for (name, path), nth in highest.items()]


@contextlib.contextmanager
def _attached(pid: int, *arguments: str) -> Iterator[list[Call]]:
    seen: list[Call] = []
    with tempfile.NamedTemporaryFile(prefix="sycee-strace-") as out:
        command = ["strace", "-y", "-ttt", "-o", out.name, "-p", str(pid), *arguments]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            assert tracer.stderr is not None
            line = tracer.stderr.readline()
            if "attached" not in line:
                raise CannotTrace(line.strip() or "strace ended")
            yield seen
        finally:
            _detach(tracer)
        seen += _calls(Path(out.name).read_text(errors="replace"), pid)


def _detach(tracer: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        tracer.send_signal(signal.SIGINT)
    try:
        tracer.communicate(timeout=DETACH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait()


def _calls(text: str, pid: int) -> Iterator[Call]:
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            thread, file = int(match[1] or pid), match[4] or ""
            yield Call(thread, match[3], file, float(match[2]), "(INJECTED)" in line)
