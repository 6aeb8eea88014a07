"""``ledger export``: writes all accounts and transactions as text that can be imported."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sycee.assembly.failures import CannotStart
from sycee.cli.access import access, add_access
from sycee.cli.ledger.desk import Desk
from sycee.cli.ledger.importing import FORMATS
from sycee.cli.progress import Progress


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--format", choices=sorted(set(FORMATS.values())), default="jsonl", help="default: jsonl"
    )
    parser.add_argument("--output", "-o", metavar="FILE", help="default: the standard output")
    add_access(parser)


def run(options: Namespace) -> int:
    """Write the books; a file is there whole or not at all."""
    desk = Desk(access(options))
    try:
        _export(desk, options)
    except OSError as failure:
        where = options.output or "the standard output"
        raise CannotStart(f"{where} cannot be written: {failure.strerror}") from None
    return 0


def _export(desk: Desk, options: Namespace) -> None:
    with (
        desk.stream("export", {"format": options.format}) as pieces,
        Progress("export, bytes", sys.stderr) as progress,
    ):
        if options.output is None:
            _write(sys.stdout.buffer, pieces, progress)
        else:
            _keep(Path(options.output), pieces, progress)


def _write(target: BinaryIO, pieces: Iterator[bytes], progress: Progress) -> None:
    done = 0
    for piece in pieces:
        target.write(piece)
        done += len(piece)
        progress.at(done, 0)
    target.flush()


def _keep(path: Path, pieces: Iterator[bytes], progress: Progress) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as target:
            _write(target, pieces, progress)
            os.fsync(target.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
