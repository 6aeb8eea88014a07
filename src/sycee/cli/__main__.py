"""``./sycee``: reads the command and runs it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from sycee import __version__

COMMANDS = {
    "up": "start the platform",
    "serve": "start some services of it in this process",
    "demo": "drive a shop's day through the public API",
    "verify": "prove the books",
    "ledger": "keep books: accounts, transfers, statements, import and export",
    "doctor": "look for what could stand in the way",
    "config": "show every setting and where it came from",
    "secrets": "make the secrets that an installation needs",
    "listen": "forward webhooks to a local address",
    "trigger": "make an event happen in test mode",
    "fixtures": "walk the steps of a file through the API, in test mode",
}
"""Command -> what it does; each is a module of this package with ``add`` and ``run``."""

IN_A_CHECKOUT = """
in a checkout of the source, ./sycee also has:
    test                run the tests
    check               run the checks of the source
    bench               measure speed and memory
    faults              run a campaign of faults
"""


def main() -> NoReturn:
    """Run the command that was given; exits with its status."""
    command = next((word for word in sys.argv[1:] if word in COMMANDS), None)
    parser = ArgumentParser(
        prog="sycee",
        description="A payment platform that a company runs itself.",
        epilog=IN_A_CHECKOUT,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sycee {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    modules: dict[str, ModuleType] = {}
    for name, says in COMMANDS.items():
        inner = commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
        if name == command:
            modules[name] = import_module(f"sycee.cli.{name}")
            modules[name].add(inner)
    options = parser.parse_args()
    sys.exit(_run(modules[options.command], options))


def _run(module: ModuleType, options: object) -> int:
    """Expected failures become one line; anything else is a bug and shows its stack."""
    from sycee.assembly.failures import EXPECTED

    try:
        status: int = module.run(options)
    except EXPECTED as failure:
        sys.stderr.write(f"sycee: {failure}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    main()
