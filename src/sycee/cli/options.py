"""Options that many commands take, and the configuration that follows from them."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from sycee.assembly.configuration import Configuration
from sycee.runtime.config import Loaded, load

FILE = "sycee.toml"
"""Read from the folder where the command is given, unless another file is named."""


def add_configuration(parser: ArgumentParser) -> None:
    """Let a command be configured."""
    parser.add_argument("--config", metavar="FILE", help=f"configuration file (default: {FILE})")
    parser.add_argument("--data", metavar="DIR", help="directory of all that is kept")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="any key of the configuration; see config show",
    )


def configured(options: Namespace) -> Loaded[Configuration]:
    """The configuration in force for a command; raises ``ConfigurationInvalid``."""
    return load(Configuration, _file(options), os.environ, overrides(options))


def overrides(options: Namespace) -> list[str]:
    """What the command line itself sets, as ``key=value``; the named options come last."""
    named = ("data", "port", "topology", "profile")
    given = [
        f"{name}={value}" for name in named if (value := getattr(options, name, None)) is not None
    ]
    if getattr(options, "port", None) == 0:
        given = ["grpc_port=0", "internal_port=0", *given]
    return [*options.set, *given]


def _file(options: Namespace) -> Path | None:
    named = options.config or os.environ.get("SYCEE_CONFIG")
    if named:
        return Path(named)
    return Path(FILE) if Path(FILE).exists() else None
