"""``verify``: proves the books of a data directory, of a running platform or a stopped one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import msgspec

from sycee.assembly.proof import Proof, prove
from sycee.cli.options import add_configuration, configured
from sycee.cli.progress import Progress
from sycee.runtime import floor


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    add_configuration(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Print what was proved; 1 when a row is wrong."""
    data = configured(options).value.folder
    with Progress("verify", sys.stderr) as progress:
        proof = floor.run(prove(data, progress.at))
    sys.stdout.write(_as_json(proof) if options.json else _for_people(proof))
    return 1 if proof.findings else 0


def _as_json(proof: Proof) -> str:
    return msgspec.json.format(msgspec.json.encode(proof)).decode() + "\n"


def _for_people(proof: Proof) -> str:
    lines = [
        f"{proof.batches} batches, {proof.accounts} accounts, {proof.transfers} transfers",
        *(
            f"{line.currency}: debits {line.debits} = credits {line.credits}"
            for line in proof.lines
        ),
        *(f"WRONG {finding.row}: {finding.problem}" for finding in proof.findings),
        "The books are right." if not proof.findings else f"{len(proof.findings)} wrong.",
    ]
    return "\n".join(lines) + "\n"
