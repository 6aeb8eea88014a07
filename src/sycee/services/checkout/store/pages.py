"""Cursor pages over any table whose rows have ``id``, ``merchant``, ``created`` and ``body``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Session, Value
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.shared import Page

LIMIT_MAX = 100


def bodies(
    session: Session,
    table: str,
    merchant: MerchantId,
    page: Page,
    wanted: Mapping[str, Sequence[Value]],
) -> tuple[list[bytes], bool]:
    """The bodies of one page, newest first, and whether more follow in the page's direction.

    ``table`` and the columns of ``wanted`` are words of this code, never of a request. A column
    without values does not filter. Raises ``NotFound`` for a cursor that names no row of this
    merchant.
    """
    _check_cursor(session, table, merchant, page)
    limit = min(max(page.limit, 1), LIMIT_MAX)
    conditions, values = _conditions(merchant, page, wanted)
    order = "ASC" if page.ending_before is not None else "DESC"
    where = " AND ".join(conditions)
    sql = " ".join(("SELECT body FROM", table, "WHERE", where, "ORDER BY id", order, "LIMIT ?"))
    rows = session.rows(sql, *values, limit + 1)
    found = [body(row[0]) for row in rows[:limit]]
    if page.ending_before is not None:
        found.reverse()
    return found, len(rows) > limit


def body(value: Value) -> bytes:
    """The column that holds a Struct."""
    assert isinstance(value, bytes), "a body is MessagePack"
    return value


def _conditions(
    merchant: MerchantId, page: Page, wanted: Mapping[str, Sequence[Value]]
) -> tuple[list[str], list[Value]]:
    conditions: list[str] = ["merchant = ?"]
    values: list[Value] = [merchant]
    for column, among in wanted.items():
        if among:
            conditions.append(f"{column} IN ({', '.join('?' * len(among))})")
            values.extend(among)
    bounds: dict[str, Value] = {
        "id < ?": page.starting_after,
        "id > ?": page.ending_before,
        "created >= ?": page.created_from,
        "created < ?": page.created_to,
    }
    given = {bound: value for bound, value in bounds.items() if value is not None}
    return [*conditions, *given], [*values, *given.values()]


def _check_cursor(session: Session, table: str, merchant: MerchantId, page: Page) -> None:
    for param, cursor in (
        ("starting_after", page.starting_after),
        ("ending_before", page.ending_before),
    ):
        if cursor is None:
            continue
        sql = " ".join(("SELECT 1 FROM", table, "WHERE id = ? AND merchant = ?"))
        if session.row(sql, cursor, merchant) is None:
            raise NotFound(f"No such object: '{cursor}'", param=param)
