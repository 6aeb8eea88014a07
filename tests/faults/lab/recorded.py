"""What a process did to the files of a folder, step by step, and the same done to a bad disk.

So even a program whose files cannot be replaced, such as SQLite, has its power cut at every write
and every sync, with any of what was not synced kept or lost.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.faults.lab.strace import CannotTrace
from tests.simulation.disk import MemoryDisk

TRACED = "openat,pwrite64,write,fsync,fdatasync,ftruncate,rename,unlink,fallocate"
TEXT_MAX = 4 << 20
TIMEOUT_S = 60.0
SAYING = ("found ", "kept ")
_CALL = re.compile(rb"^(?:\d+\s+)?(\w+)\((.*)\)\s+= (-?\d+)(?:<(.*)>)?$")
_TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_OF = re.compile(rb"^\d+<([^>]*)>")


class Step(NamedTuple):
    """One thing that was done: to a file, or said."""

    name: str
    file: str
    offset: int = 0
    content: bytes = b""


def record(command: Sequence[str], folder: Path, environment: dict[str, str]) -> list[Step]:
    """Run a program, and note what it does in a folder and says on its standard output."""
    trace = folder.parent / f"{folder.name}.trace"
    strace = ["strace", "-f", "-y", "-xx", "-s", str(TEXT_MAX), "-e", f"trace={TRACED}"]
    whole = [*strace, "-o", str(trace), *command]
    done = subprocess.run(
        whole, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode:
        raise CannotTrace(done.stderr.decode()[-500:])
    lines = _whole(trace.read_bytes().splitlines())
    return [step for line in lines for step in _steps(line, folder)]


def replayed(steps: Sequence[Step], dice: Random) -> Iterator[tuple[MemoryDisk, int]]:
    """The disk after each step, and how much had been said to be kept by then."""
    disk, kept = MemoryDisk(dice), 0
    for step in steps:
        if step.name == "say":
            kept = max(kept, int(step.content.split()[-1]))
        else:
            _do(disk, step)
        yield disk, kept


def _do(disk: MemoryDisk, step: Step) -> None:
    if step.name == "create":
        if step.file not in disk.names():
            disk.create(step.file, 0)
    elif step.name == "write":
        disk.open(step.file).write(step.offset, step.content)
    elif step.name == "cut":
        disk.open(step.file).cut(step.offset)
    elif step.name == "sync":
        disk.open(step.file).sync()
    elif step.name == "sync names":
        disk.sync()
    elif step.name == "rename":
        disk.rename(step.file, step.content.decode())
    elif step.name == "remove":
        disk.remove(step.file)


def _whole(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Calls during which another thread was traced, put together where they ended."""
    begun: dict[bytes, bytes] = {}
    for line in lines:
        thread = line.split(maxsplit=1)[0]
        if line.endswith(b"<unfinished ...>"):
            begun[thread] = line.removesuffix(b"<unfinished ...>").rstrip()
        elif b" resumed>" in line:
            yield begun.pop(thread, b"") + line.split(b" resumed>", 1)[1]
        else:
            yield line


def _steps(line: bytes, folder: Path) -> Iterator[Step]:
    match = _CALL.match(line)
    if not match or match[3].startswith(b"-"):
        return
    name, arguments = match[1].decode(), match[2]
    texts = [_decoded(text) for text in _TEXT.findall(arguments)]
    about = _OF.match(arguments)
    path = _decoded(about[1]).decode(errors="replace") if about else ""
    numbers = [int(number) for number in re.findall(rb"(?<=, )\d+", arguments)]
    if name == "write" and texts and texts[0].decode(errors="replace").startswith(SAYING):
        yield Step("say", "", content=texts[0])
    elif name == "openat" and b"O_CREAT" in arguments:
        yield from _in_folder("create", texts[0].decode(), folder)
    elif name == "pwrite64":
        yield from _in_folder("write", path, folder, numbers[-1], texts[0][: int(match[3])])
    elif name == "ftruncate":
        yield from _in_folder("cut", path, folder, numbers[-1])
    elif name in ("fsync", "fdatasync"):
        is_folder = Path(path) == folder
        yield from [Step("sync names", "")] if is_folder else _in_folder("sync", path, folder)
    elif name == "rename":
        new = Path(texts[1].decode()).name.encode()
        yield from _in_folder("rename", texts[0].decode(), folder, content=new)
    elif name == "unlink":
        yield from _in_folder("remove", texts[0].decode(), folder)


def _in_folder(
    name: str, path: str, folder: Path, offset: int = 0, content: bytes = b""
) -> Iterator[Step]:
    file = Path(path)
    # SQLite's index of its log is shared memory, made anew by the first that opens.
    if file.parent == folder and not file.name.endswith("-shm"):
        yield Step(name, file.name, offset, content)


def _decoded(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode()) if text.startswith(b"\\x") else text
