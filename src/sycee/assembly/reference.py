"""Writes the page of all settings from the schema: ``python -m sycee.assembly.reference``."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import groupby
from pathlib import Path

import msgspec

from sycee.assembly.configuration import Configuration
from sycee.runtime.config import Key, keys

FILE = Path(__file__).parents[3] / "docs" / "reference" / "configuration.md"

_HEAD = """\
# Configuration

One schema, four sources. What stands further down wins:

1. the defaults below;
2. a file: `sycee.toml` in the folder where the command is given, or the one that
   `--config FILE` or `SYCEE_CONFIG` names;
3. the environment: `SYCEE_` and the key in capitals, with two underscores between section and
   name, such as `SYCEE_PAYMENTS__FEE_BASIS_POINTS`;
4. the command line: `--set payments.fee_basis_points=250`, or an option such as `--port`.

`./sycee config show` prints every value in force and where it came from. A key that does not exist
is refused, with the one that was probably meant. Secrets are never configuration: they are files in
`secrets` in the data directory, readable by their owner only; `./sycee secrets` makes those that
are missing.

This page is generated from the schema.
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for section, members in groupby(keys(Configuration), _section):
        yield f"\n## {f'`[{section}]`' if section else 'At the top'}\n\n"
        yield "| key | type | default | what it does |\n|---|---|---|---|\n"
        yield from map(_row, members)


def _section(key: Key) -> str:
    return key.name.rpartition(".")[0]


def _row(key: Key) -> str:
    default = key.default.value if isinstance(key.default, Enum) else key.default
    shown = msgspec.json.encode(default).decode()
    doc = " ".join(key.doc.split()).replace("``", "`")
    kind = key.kind_text.replace("|", "or")
    return f"| `{key.name.rpartition('.')[2]}` | {kind} | `{shown}` | {doc} |\n"


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(page())
