"""Where a command that uses the public API finds it, and with which key."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from sycee.assembly.failures import CannotStart
from sycee.assembly.keys import FirstKeys
from sycee.cli.options import add_configuration, configured

FIRST_KEYS = Path("secrets") / "first-keys.json"
"""Where the dev profile keeps its keys, inside the data directory."""


class Access(msgspec.Struct, frozen=True):
    """A platform's public address, without a slash at its end, and a secret key of it."""

    url: str
    key: str


def add_access(parser: ArgumentParser) -> None:
    """Let a command be told where the platform is."""
    parser.add_argument(
        "--url", help="address of the platform (default: $SYCEE_URL, or this machine)"
    )
    parser.add_argument(
        "--key", help="secret key (default: $SYCEE_KEY, or the dev key in the data directory)"
    )
    add_configuration(parser)


def access(options: Namespace) -> Access:
    """The options, then the environment, then what the configuration says."""
    url, key = (
        options.url or os.environ.get("SYCEE_URL"),
        options.key or os.environ.get("SYCEE_KEY"),
    )
    if url and key:
        return Access(url.rstrip("/"), key)
    configuration = configured(options).value
    if not url:
        url = f"http://127.0.0.1:{configuration.port}"
    return Access(url.rstrip("/"), key or kept_key(Path(configuration.data)))


def kept_key(data: Path) -> str:
    """The secret key that the dev profile keeps. Raises ``CannotStart`` when it is not there."""
    path = data / FIRST_KEYS
    try:
        return msgspec.json.decode(path.read_bytes(), type=FirstKeys).secret_key
    except (OSError, msgspec.MsgspecError):
        raise CannotStart(
            f"There is no key in {path}. Name one with --key sk_…, or the data directory of a"
            " dev platform with --data."
        ) from None
