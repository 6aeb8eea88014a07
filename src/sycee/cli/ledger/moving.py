"""``ledger move``: copies the books into another engine, and proves that both are equal."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from sycee.assembly.moving import Moved, move_books
from sycee.cli.options import add_configuration, configured
from sycee.cli.progress import Progress
from sycee.runtime import floor


def add(parser: ArgumentParser) -> None:
    """The action's options."""
    add_configuration(parser)
    parser.add_argument("--to", choices=["tigerbeetle"], required=True, help="the engine")
    parser.add_argument("--addresses", help="of its replicas (ledger.tigerbeetle_addresses)")


def run(options: Namespace) -> int:
    """Move; 1 when the books are not equal afterwards."""
    if options.addresses:
        options.set.append(f"ledger.tigerbeetle_addresses={options.addresses}")
    configuration = configured(options).value
    with Progress("move", sys.stderr) as progress:
        moved = floor.run(move_books(configuration, progress.at))
    sys.stdout.write(_for_people(moved))
    return 1 if moved.findings else 0


def _for_people(moved: Moved) -> str:
    lines = [
        f"{moved.accounts} accounts, {moved.transfers} transfers, {moved.expiries} expiries",
        f"{moved.renewed} pending transfers recorded as of now",
        *(f"DIFFERENT {finding.row}: {finding.problem}" for finding in moved.findings),
        "The books are equal." if not moved.findings else f"{len(moved.findings)} differences.",
    ]
    return "\n".join(lines) + "\n"
