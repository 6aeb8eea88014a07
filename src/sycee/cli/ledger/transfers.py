"""``ledger transfers``, ``transfer``, ``post`` and ``void``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

import msgspec

from sycee.cli.access import access, add_access
from sycee.cli.ledger.desk import Desk, part
from sycee.cli.ledger.table import Minor, add_forms, show
from sycee.kernel.money import Money, currency


class Transfer(msgspec.Struct, frozen=True):
    """A transfer as the platform shows it."""

    id: str | None
    debit: str | None
    credit: str | None
    amount: int
    currency: str
    status: str
    promise: bool
    recorded: str


def add_list(parser: ArgumentParser) -> None:
    """The options of ``transfers``."""
    parser.add_argument("account", help="its name")
    parser.add_argument("currency", help="an ISO 4217 code")
    add_forms(parser)
    add_access(parser)


def run_list(options: Namespace) -> int:
    """Print an account's transfers, promised ones too, in the order of recording."""
    path = f"accounts/{part(options.account)}/{part(options.currency)}/transfers"
    rows = [
        (
            each.recorded,
            each.id,
            each.debit,
            each.credit,
            Minor(each.amount),
            each.currency.upper(),
            f"promise {each.status}" if each.promise else each.status,
        )
        for each in Desk(access(options)).pages(path, Transfer)
    ]
    columns = ("recorded", "id", "debit", "credit", "amount", "currency", "status")
    show(options, columns, rows, columns.index("currency"))
    return 0


def add_move(parser: ArgumentParser) -> None:
    """The options of ``transfer``."""
    parser.add_argument("id", help="names it: the same again moves nothing twice")
    parser.add_argument("debit", help="the account that gives")
    parser.add_argument("credit", help="the account that gets")
    parser.add_argument("amount", type=int, help="in minor units: 1250 is 12.50 USD")
    parser.add_argument("currency", help="an ISO 4217 code")
    parser.add_argument("--pending", action="store_true", help="only promise: post or void later")
    parser.add_argument("--timeout", metavar="S", type=int, help="seconds that the promise holds")
    parser.add_argument("--effective", metavar="TIME", help="when it counts as having happened")
    add_access(parser)


def run_move(options: Namespace) -> int:
    """Move money, or promise to."""
    given = {
        "id": options.id,
        "debit": options.debit,
        "credit": options.credit,
        "amount": options.amount,
        "currency": options.currency,
        "pending": options.pending or None,
        "timeout": options.timeout,
        "effective": options.effective,
    }
    return _tell(Desk(access(options)).post("transfers", Transfer, given))


def add_post(parser: ArgumentParser) -> None:
    """The options of ``post``."""
    parser.add_argument("id", help="of the promise")
    parser.add_argument("--amount", metavar="MINOR", type=int, help="a part of it")
    add_access(parser)


def run_post(options: Namespace) -> int:
    """Move what was promised."""
    path = f"transfers/{part(options.id)}/post"
    return _tell(Desk(access(options)).post(path, Transfer, {"amount": options.amount}))


def add_void(parser: ArgumentParser) -> None:
    """The options of ``void``."""
    parser.add_argument("id", help="of the promise")
    add_access(parser)


def run_void(options: Namespace) -> int:
    """Give back what was promised."""
    return _tell(Desk(access(options)).post(f"transfers/{part(options.id)}/void", Transfer, {}))


def _tell(made: Transfer) -> int:
    amount = Money(made.amount, currency(made.currency))
    sys.stdout.write(f"{made.id}: {amount} from {made.debit} to {made.credit}, {made.status}\n")
    return 0
