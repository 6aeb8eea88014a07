"""Accounts with names."""

from __future__ import annotations

from collections.abc import Sequence

from sycee.kernel.money import Currency
from sycee.kernel.u128 import U128
from sycee.runtime.database import Row, Session
from sycee.services.accounting.contract import (
    AccountKind,
    AccountName,
    Metadata,
    NamedAccount,
)
from sycee.services.accounting.store.bodies import (
    instant,
    number,
    number_or_none,
    octets,
    places,
    sql,
)
from sycee.services.ledger.contract import AccountId

IDS_MAX = 500
"""Ids in one statement."""

_SELECT = (
    "SELECT id, name, currency, kind, lower_minor, upper_minor, metadata, opened, is_open, owner"
    " FROM accounts"
)


def add(session: Session, owner: str, account: NamedAccount) -> None:
    """Keep an account that is about to be opened; the one that exists wins."""
    session.run(
        "INSERT INTO accounts (owner, id, name, currency, kind, lower_minor, upper_minor, metadata,"
        " opened, is_open) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
        " ON CONFLICT (owner, name, currency) DO NOTHING",
        owner,
        account.id.encode(),
        account.name,
        account.currency,
        account.kind.value,
        account.lower_minor,
        account.upper_minor,
        account.metadata,
        account.opened,
    )


def mark_open(session: Session, account: AccountId) -> None:
    """The ledger has it."""
    session.run("UPDATE accounts SET is_open = 1 WHERE id = ?", account.encode())


def find(
    session: Session, owner: str, name: AccountName, currency: Currency
) -> tuple[NamedAccount, bool] | None:
    """An account, and whether the ledger has it."""
    row = session.row(
        sql(_SELECT, "WHERE owner = ? AND name = ? AND currency = ?"),
        owner,
        name,
        currency,
    )
    return (_account(row), number(row[8]) == 1) if row else None


def by_ids(session: Session, ids: Sequence[AccountId]) -> list[tuple[str, NamedAccount]]:
    """Those of these accounts that have names, with their owners."""
    found: list[tuple[str, NamedAccount]] = []
    for first in range(0, len(ids), IDS_MAX):
        some = ids[first : first + IDS_MAX]
        rows = session.rows(
            sql(_SELECT, "WHERE is_open = 1 AND id IN (", places(len(some)), ")"),
            *(account.encode() for account in some),
        )
        found += [(str(row[9]), _account(row)) for row in rows]
    return found


def page(
    session: Session, owner: str, prefix: str, after: tuple[str, str], limit: int
) -> list[NamedAccount]:
    """The next open accounts in order of name and currency."""
    rows = session.rows(
        sql(
            _SELECT,
            "WHERE owner = ? AND is_open = 1 AND SUBSTR(name, 1, ?) = ?",
            "AND (name > ? OR (name = ? AND currency > ?)) ORDER BY name, currency LIMIT ?",
        ),
        owner,
        len(prefix),
        prefix,
        after[0],
        after[0],
        after[1],
        limit,
    )
    return [_account(row) for row in rows]


def _account(row: Row) -> NamedAccount:
    return NamedAccount(
        id=AccountId(U128.decode(octets(row[0]))),
        name=AccountName(str(row[1])),
        currency=Currency(str(row[2])),
        kind=AccountKind(row[3]),
        lower_minor=number_or_none(row[4]),
        upper_minor=number_or_none(row[5]),
        metadata=Metadata(str(row[6])),
        opened=instant(row[7]),
    )
