"""Durable storage with group commit, the same under SQLite and PostgreSQL."""

from sycee.runtime.database.promise import Database, Publisher, Result, Row, Session, Value

__all__ = ["Database", "Publisher", "Result", "Row", "Session", "Value"]
