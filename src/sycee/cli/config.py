"""``config show``: every setting, its value, and where that came from."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from enum import Enum

import msgspec

from sycee.cli.options import add_configuration, configured
from sycee.runtime.config import Setting


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("what", choices=["show"], help="what to do with the configuration")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_configuration(parser)


def run(options: Namespace) -> int:
    """Print all settings."""
    settings = configured(options).settings
    if options.json:
        shown = {each.key.name: {"value": each.value, "source": each.source} for each in settings}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(shown)) + b"\n")
        return 0
    width = max(len(each.key.name) for each in settings)
    for each in settings:
        sys.stdout.write(f"{each.key.name:<{width}} = {_text(each):<24}  # {each.source}\n")
    return 0


def _text(setting: Setting) -> str:
    value = setting.value.value if isinstance(setting.value, Enum) else setting.value
    return msgspec.json.encode(value).decode()
