"""``ledger import``: sends a text line by line, and goes on where it ended before."""

from __future__ import annotations

import contextlib
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from sycee.assembly.failures import CannotStart
from sycee.cli.access import access, add_access
from sycee.cli.ledger.desk import Desk, Query, Refused, part
from sycee.cli.progress import Progress

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".beancount": "beancount"}
PIECE_LINES = 1000
PIECE_BYTES_MAX = 8 * 1024 * 1024


class Imported(msgspec.Struct, frozen=True):
    """How far an import is."""

    lines: int
    accounts: int
    transactions: int
    is_done: bool


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("file", help="what to take in; - is the standard input")
    parser.add_argument(
        "--id", required=True, help="names this import: the same again goes on where it ended"
    )
    parser.add_argument(
        "--format", choices=sorted(set(FORMATS.values())), help="default: by the file's ending"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_access(parser)


def run(options: Namespace) -> int:
    """Send what is not imported yet."""
    desk, form = Desk(access(options)), options.format or _format_of(options.file)
    with _opened(options.file) as (text, size), Progress("import", sys.stderr) as progress:
        try:
            ended = _send_all(_Sending(desk, options.id, form, text, size, progress))
        except Refused as refusal:
            raise Refused(f"{options.file}: {refusal}") from None
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(ended)).decode() + "\n")
    else:
        sys.stdout.write(
            f"{ended.lines} lines: {ended.accounts} accounts, {ended.transactions} transactions\n"
        )
    return 0


class _Sending(msgspec.Struct, frozen=True):
    desk: Desk
    id: str
    form: str
    text: BinaryIO
    size: int
    progress: Progress


def _send_all(sending: _Sending) -> Imported:
    """Piece by piece: what the platform has not done of one begins the next."""
    first = _done_before(sending) + 1
    done = sum(len(sending.text.readline()) for _ in range(1, first))
    waiting: list[bytes] = []
    count = PIECE_LINES
    is_over = False
    while True:
        while len(waiting) < count and not is_over:
            line = sending.text.readline()
            waiting += [line] if line else []
            is_over = not line
        piece = b"".join(waiting[:count])
        is_last = is_over and len(waiting) <= count
        if len(piece) > PIECE_BYTES_MAX:
            raise Refused(f"From line {first} on no record ends within {PIECE_BYTES_MAX} bytes.")
        query: Query = {
            "format": sending.form,
            "first_line": first,
            "is_last": "true" if is_last else "false",
        }
        told = sending.desk.send(f"imports/{part(sending.id)}", Imported, query, piece)
        taken = min(max(told.lines + 1 - first, 0), len(waiting[:count]))
        if is_last:
            return told
        count = PIECE_LINES if taken else count * 2
        done += sum(map(len, waiting[:taken]))
        del waiting[:taken]
        first += taken
        sending.progress.at(done, sending.size)


def _done_before(sending: _Sending) -> int:
    """How many lines the platform has from an earlier run."""
    try:
        return sending.desk.get(f"imports/{part(sending.id)}", Imported).lines
    except Refused:
        # There is none. If it is another no, sending the first piece will say it.
        return 0


@contextlib.contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, int]]:
    """The text, and how many bytes it has; 0 when nobody knows."""
    if file == "-":
        yield sys.stdin.buffer, 0
        return
    try:
        path = Path(file)
        with path.open("rb") as text:
            yield text, path.stat().st_size
    except OSError as failure:
        raise CannotStart(f"{file} cannot be read: {failure.strerror}") from None


def _format_of(file: str) -> str:
    form = FORMATS.get(Path(file).suffix.lower())
    if form is None:
        raise CannotStart(f"How {file} is written is not known: name it with --format.")
    return form
