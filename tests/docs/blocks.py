"""The fenced code blocks of a document, and what makes each of them true."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec

TIMEOUT_S = 120
RUN = ("console", "sh", "python")
PARSED = ("json", "toml", "sql", "sh-start")
"""``sh-start`` is what a reader starts and leaves running; that it starts, every story proves."""
PLAIN = "text"
"""Drawings and transcripts that are no code."""

_FENCE = re.compile(r"^( *)(`{3,}|~{3,}) *(\S*).*$")
_STAYS = re.compile(r"\S*sycee (up|serve|listen)\b")
_MARK = "-- end of command"


class Block(msgspec.Struct, frozen=True):
    """One fenced block; ``line`` is where it begins."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


class Command(msgspec.Struct, frozen=True):
    """What a reader would type, and what the document says it answers."""

    typed: str
    shown: str

    @property
    def stays(self) -> bool:
        """Whether it goes on until it is stopped."""
        return _STAYS.match(self.typed) is not None


class Untrue(AssertionError):
    """A document says what is not so."""


def blocks(document: str, text: str) -> list[Block]:
    """Every fenced block of a document, in order."""
    found, opened, content = [], None, []
    for number, line in enumerate(text.splitlines(), 1):
        match = _FENCE.match(line)
        if opened is None and match:
            opened, content = (number, *match.groups()), []
        elif opened is not None and match and match[2].startswith(opened[2]) and not match[3]:
            start, indent, _, language = opened
            lines = [one.removeprefix(indent) for one in content]
            found.append(Block(document, start, language, "\n".join(lines)))
            opened = None
        elif opened is not None:
            content.append(line)
    if opened is not None:
        raise Untrue(f"{document}:{opened[0]}: this block does not end")
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a ``console`` block; a line that ends in a backslash goes on."""
    found: list[tuple[list[str], list[str]]] = []
    goes_on = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif not found:
            raise Untrue(f"{block}: begins with output; a command begins with '$ '")
        else:
            found[-1][0 if goes_on else 1].append(line)
        goes_on = line.endswith("\\") and (goes_on or line.startswith("$ "))
    return [Command("\n".join(typed), "\n".join(shown)) for typed, shown in found]


def pattern(shown: str) -> re.Pattern[str]:
    """What may be answered: ``…`` stands for anything, alone on a line for any lines."""
    lines = []
    for line in shown.strip().splitlines():
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
        else:
            lines.append(
                ".*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"[ ]*\n"
            )
    return re.compile("".join(lines))


def agrees(shown: str, said: str) -> bool:
    """Whether an answer is the one shown, but for space at its ends."""
    return pattern(shown).fullmatch(said.strip() + "\n") is not None


def parse(block: Block) -> None:
    """Read a block of a language that is not run."""
    try:
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "sql":
            _parse_sql(block.text)
        else:
            _parse_sh(block.text)
    except ValueError as error:
        raise Untrue(f"{block}: is not {block.language}: {error}") from error


def run(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Run a block in a folder; what it must answer is what it shows."""
    if block.language == "python":
        _succeed(block, [sys.executable, "-c", block.text], folder, environment)
    elif block.language == "sh":
        _succeed(block, ["sh", "-eu", "-c", block.text], folder, environment)
    else:
        _converse(block, folder, environment)


def _converse(block: Block, folder: Path, environment: dict[str, str]) -> None:
    asked = commands(block)
    lasting = [command for command in asked if command.stays]
    passing = [command for command in asked if not command.stays]
    for command in lasting:
        _stay(block, command, folder, environment)
    # One shell for all, so that a command sees the variables of those before it.
    script = "\n".join(
        f"{command.typed}\nstatus=$?; echo; echo '{_MARK}' $status" for command in passing
    )
    ended = _start(["sh", "-c", script], folder, environment)
    said, _ = ended.communicate(timeout=TIMEOUT_S)
    answers = re.split(rf"\n{_MARK} (\d+)\n", said)
    for command, answer, status in zip(passing, answers[::2], answers[1::2], strict=False):
        if command.shown.strip() and not agrees(command.shown, answer):
            raise Untrue(f"{block}: {command.typed!r} answers\n{answer}")
        if not command.shown.strip() and status != "0":
            raise Untrue(f"{block}: {command.typed!r} ends with status {status}\n{answer}")
    if len(answers) != 2 * len(passing) + 1:
        raise Untrue(f"{block}: not all commands were run\n{said}")


def _stay(block: Block, command: Command, folder: Path, environment: dict[str, str]) -> None:
    """Start what does not end by itself, wait until it says what is shown, and stop it."""
    running = _start(["sh", "-c", f"exec {command.typed}"], folder, environment)
    timeout = f"kill -TERM -{running.pid} 2>/dev/null"
    guard = subprocess.Popen(["sh", "-c", f"sleep {TIMEOUT_S}; {timeout}"], start_new_session=True)
    try:
        assert running.stdout is not None
        said = ""
        while not agrees(command.shown, said):
            line = running.stdout.readline()
            if not line:
                raise Untrue(f"{block}: {command.typed!r} said only\n{said}")
            said += line
    finally:
        os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
        running.communicate(timeout=TIMEOUT_S)


def _succeed(block: Block, command: list[str], folder: Path, environment: dict[str, str]) -> None:
    ended = _start(command, folder, environment)
    said, _ = ended.communicate(timeout=TIMEOUT_S)
    if ended.returncode != 0:
        raise Untrue(f"{block}: ends with status {ended.returncode}\n{said}")


def _start(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _parse_sh(text: str) -> None:
    read = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
    if read.returncode != 0:
        raise ValueError(read.stderr)


def _parse_sql(text: str) -> None:
    """Have SQLite read each statement; that a table is not there is no mistake of grammar."""
    statements = [part for part in re.split(r"(?<=;)\s*", text) if part.strip()]
    for statement in statements:
        if not sqlite3.complete_statement(statement):
            raise ValueError(f"this statement does not end in a semicolon: {statement!r}")
        try:
            sqlite3.connect(":memory:").execute(f"EXPLAIN {statement}")
        except sqlite3.OperationalError as error:
            if not str(error).startswith(("no such table", "no such column")):
                raise ValueError(str(error)) from error
