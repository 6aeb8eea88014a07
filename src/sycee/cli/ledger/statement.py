"""``ledger statement``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import msgspec

from sycee.cli.access import access, add_access
from sycee.cli.ledger.desk import PAGE, Desk, part
from sycee.cli.ledger.table import Minor, Row, add_forms, show


class Sums(msgspec.Struct, frozen=True):
    """How an account stands."""

    balance: int


class Line(msgspec.Struct, frozen=True):
    """One movement."""

    recorded: str
    transaction: str | None
    side: str
    amount: int
    balance: int
    counterpart: str | None


class Statement(msgspec.Struct, frozen=True):
    """A page of a statement."""

    opening: Sums
    lines: list[Line]
    closing: Sums
    has_more: bool
    next: str | None


def add(parser: ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("account", help="its name")
    parser.add_argument("currency", help="an ISO 4217 code")
    parser.add_argument("--from", dest="start", metavar="TIME", help="not what was before")
    parser.add_argument("--to", dest="end", metavar="TIME", help="not what is at it or after it")
    add_forms(parser)
    add_access(parser)


def run(options: Namespace) -> int:
    """Print the statement, its first and last balance around its lines."""
    desk, code = Desk(access(options)), options.currency.upper()
    path = f"accounts/{part(options.account)}/{part(options.currency)}/statement"
    query: dict[str, str | int | None] = {
        "start": options.start,
        "end": options.end,
        "limit": PAGE,
    }
    page = desk.get(path, Statement, query)
    rows: list[Row] = [_sums("opening", page.opening, code)]
    rows += [_row(line, code) for line in page.lines]
    while page.has_more:
        page = desk.get(path, Statement, {**query, "after": page.next})
        rows += [_row(line, code) for line in page.lines]
    rows.append(_sums("closing", page.closing, code))
    columns = ("recorded", "transaction", "counterpart", "debit", "credit", "balance", "currency")
    show(options, columns, rows, columns.index("currency"))
    return 0


def _row(line: Line, code: str) -> Row:
    amount, is_debit = Minor(line.amount), line.side == "debit"
    return (
        line.recorded,
        line.transaction,
        line.counterpart,
        amount if is_debit else None,
        None if is_debit else amount,
        Minor(line.balance),
        code,
    )


def _sums(word: str, sums: Sums, code: str) -> Row:
    return (word, None, None, None, None, Minor(sums.balance), code)
