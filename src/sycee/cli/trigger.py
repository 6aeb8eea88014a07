"""``trigger``: makes an event happen in test mode, by doing what it tells of."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from sycee.assembly.failures import CannotStart
from sycee.cli.fixtures.walk import add_walk, walk
from sycee.cli.fixtures.written import built_in, read_built_in


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("event", metavar="EVENT", nargs="?", help="such as charge.refunded")
    parser.add_argument("--list", action="store_true", help="show which events there are")
    add_walk(parser)


def run(options: Namespace) -> int:
    """Make the event happen, or show which can be made to."""
    if options.list:
        sys.stdout.writelines(f"{name}\n" for name in built_in())
        return 0
    if not options.event:
        raise CannotStart("Name an event; ./sycee trigger --list shows which there are.")
    walk(options, read_built_in(options.event))
    return 0
