"""Cursor pages over any of the tables, newest first."""

from __future__ import annotations

from typing import Self

from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Row, Session, Value
from sycee.services.notify.contract import Page

SIZE_MAX = 100


class Selection:
    """Which rows of a table, and which columns of them. ``id`` must be the first column."""

    def __init__(self, table: str, columns: str) -> None:
        self._table = table
        self._columns = columns
        self._conditions: list[str] = []
        self._values: list[Value] = []

    def where(self, condition: str, *values: Value) -> Self:
        """Narrow it down."""
        self._conditions.append(condition)
        self._values.extend(values)
        return self

    def page(self, session: Session, page: Page) -> tuple[list[Row], bool]:
        """One page, and whether more rows lie beyond it in the same direction."""
        size = min(max(page.limit, 1), SIZE_MAX)
        if page.starting_after is not None:
            self._pass("id < ?", session, page.starting_after, "starting_after")
        elif page.ending_before is not None:
            self._pass("id > ?", session, page.ending_before, "ending_before")
            rows = list(self._rows(session, "ASC", size + 1))
            return rows[:size][::-1], len(rows) > size
        rows = list(self._rows(session, "DESC", size + 1))
        return rows[:size], len(rows) > size

    def _pass(self, condition: str, session: Session, cursor: str, param: str) -> None:
        # The first condition is the merchant's, so a foreign cursor is an unknown one (IA1).
        owner, merchant = self._conditions[0], self._values[0]
        sql = f"SELECT id FROM {self._table} WHERE {owner} AND id = ?"  # noqa: S608
        if session.row(sql, merchant, cursor) is None:
            raise NotFound(f"No such object: {cursor}", param=param)
        self.where(condition, cursor)

    def _rows(self, session: Session, order: str, limit: int) -> list[Row]:
        sql = (
            f"SELECT {self._columns} FROM {self._table}"  # noqa: S608 - only our own words
            f" WHERE {' AND '.join(self._conditions)} ORDER BY id {order} LIMIT ?"
        )
        return list(session.rows(sql, *self._values, limit))
