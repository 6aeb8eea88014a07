"""``ledger``: keeps and reads books on a running platform, and proves them in a data directory."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import NamedTuple

from sycee.cli.ledger import (
    accounts,
    exporting,
    importing,
    moving,
    statement,
    transfers,
    verifying,
)


class _Action(NamedTuple):
    says: str
    add: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


ACTIONS = {
    "accounts": _Action("list accounts and their balances", accounts.add_list, accounts.run_list),
    "open": _Action("open an account", accounts.add_open, accounts.run_open),
    "transfers": _Action("list an account's transfers", transfers.add_list, transfers.run_list),
    "transfer": _Action("move money, or promise to", transfers.add_move, transfers.run_move),
    "post": _Action("move what was promised", transfers.add_post, transfers.run_post),
    "void": _Action("give back what was promised", transfers.add_void, transfers.run_void),
    "statement": _Action("show an account's statement", statement.add, statement.run),
    "import": _Action("take in accounts and transactions", importing.add, importing.run),
    "export": _Action("give out accounts and transactions", exporting.add, exporting.run),
    "move": _Action("copy the books into another engine", moving.add, moving.run),
    "verify": _Action("prove a data directory's books", verifying.add, verifying.run),
}


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    for name, action in ACTIONS.items():
        says = f"{action.says[0].upper()}{action.says[1:]}."
        action.add(actions.add_parser(name, help=action.says, description=says))


def run(options: Namespace) -> int:
    """Do what was asked."""
    return ACTIONS[options.action].run(options)
