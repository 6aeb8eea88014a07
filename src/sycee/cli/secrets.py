"""``secrets``: makes the secrets that an installation needs and does not have."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from sycee.assembly.secrets import NAMES, SIZE
from sycee.cli.options import add_configuration, configured
from sycee.runtime import secrets


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    add_configuration(parser)


def run(options: Namespace) -> int:
    """Make what is missing; what is there stays."""
    folder = configured(options).value.folder / "secrets"
    for name in NAMES:
        path = folder / name
        was_there = path.exists()
        if not was_there:
            secrets.make(path, SIZE)
        secrets.of_size(path, SIZE)
        sys.stdout.write(f"{path}: {'was there' if was_there else 'made'}\n")
    return 0
