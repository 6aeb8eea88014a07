"""``ledger accounts`` and ``ledger open``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import msgspec

from sycee.cli.access import access, add_access
from sycee.cli.ledger.desk import Desk
from sycee.cli.ledger.table import Minor, add_forms, show

KINDS = ("asset", "expense", "liability", "equity", "income")


class Balance(msgspec.Struct, frozen=True):
    """An account and how it stands."""

    account: str
    currency: str
    kind: str
    balance: int
    debits_pending: int
    credits_pending: int


class Account(msgspec.Struct, frozen=True):
    """An account that is open."""

    name: str
    currency: str
    kind: str


def add_list(parser: ArgumentParser) -> None:
    """The options of ``accounts``."""
    parser.add_argument("--prefix", default="", help="only names that begin so")
    parser.add_argument("--at", metavar="TIME", help="as they stood then: 2026-01-31T12:00:00Z")
    add_forms(parser)
    add_access(parser)


def run_list(options: Namespace) -> int:
    """Print every account with its balance."""
    query = {"prefix": options.prefix, "at": options.at}
    found = Desk(access(options)).pages("balances", Balance, query)
    rows = [
        (
            each.account,
            each.currency.upper(),
            each.kind,
            Minor(each.balance),
            Minor(each.debits_pending),
            Minor(each.credits_pending),
        )
        for each in found
    ]
    columns = ("account", "currency", "kind", "balance", "pending debits", "pending credits")
    show(options, columns, rows, columns.index("currency"))
    return 0


def add_open(parser: ArgumentParser) -> None:
    """The options of ``open``."""
    parser.add_argument("name", help="parts joined by colons: merchants:acme:available")
    parser.add_argument("currency", help="an ISO 4217 code")
    parser.add_argument("--kind", choices=KINDS, required=True, help="what it stands for")
    parser.add_argument("--lower", metavar="MINOR", type=int, help="its balance stays above this")
    parser.add_argument("--upper", metavar="MINOR", type=int, help="its balance stays below this")
    add_access(parser)


def run_open(options: Namespace) -> int:
    """Open an account, or find it open."""
    given = {
        "name": options.name,
        "currency": options.currency,
        "kind": options.kind,
        "lower": options.lower,
        "upper": options.upper,
    }
    opened = Desk(access(options)).post("accounts", Account, given)
    sys.stdout.write(f"{opened.name} in {opened.currency.upper()}: open, {opened.kind}\n")
    return 0
