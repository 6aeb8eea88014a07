"""Cursor pages over any table whose rows have ``id``, ``merchant``, ``created`` and ``body``."""

from __future__ import annotations

from collections.abc import Mapping

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
    equal: Mapping[str, Value],
) -> tuple[list[bytes], bool]:
    """The bodies of one page, newest first, and whether more follow in the page's direction.

    ``table`` and the columns of ``equal`` are words of this code, never of a request. A filter
    whose value is None does not filter. Raises ``NotFound`` for a cursor that names no row of this
    merchant.
    """
    _check_cursor(session, table, merchant, page)
    limit = min(max(page.limit, 1), LIMIT_MAX)
    conditions = {"merchant = ?": merchant, **_conditions(page, equal)}
    order = "ASC" if page.ending_before is not None else "DESC"
    rows = session.rows(
        " ".join(
            (
                "SELECT body FROM",
                table,
                "WHERE",
                " AND ".join(conditions),
                "ORDER BY id",
                order,
                "LIMIT ?",
            )
        ),
        *conditions.values(),
        limit + 1,
    )
    found = [_body(row[0]) for row in rows[:limit]]
    if page.ending_before is not None:
        found.reverse()
    return found, len(rows) > limit


def _conditions(page: Page, equal: Mapping[str, Value]) -> dict[str, Value]:
    wanted: dict[str, Value] = {f"{column} = ?": value for column, value in equal.items()}
    wanted["id < ?"] = page.starting_after
    wanted["id > ?"] = page.ending_before
    wanted["created >= ?"] = page.created_from
    wanted["created < ?"] = page.created_to
    return {condition: value for condition, value in wanted.items() if value is not None}


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


def _body(value: Value) -> bytes:
    assert isinstance(value, bytes), "a body is MessagePack"
    return value
