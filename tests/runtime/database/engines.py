"""The databases that keep the promise, opened for a test."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Protocol

import asyncpg
from prometheus_client import REGISTRY

from sycee.runtime.database import Publisher
from sycee.runtime.database.schema import Schema
from sycee.runtime.database.sqlite import open_sqlite
from tests.postgres import PostgresServer
from tests.runtime.database.pots import SCHEMA


class Engine(Protocol):
    """One place where databases are kept."""

    schema: Schema

    async def open(self, name: str, schema: Schema = SCHEMA) -> Publisher:
        """Open a database; it is closed at the end of the test."""
        ...

    async def sees(self, name: str, pot: str) -> bool:
        """Whether a stranger finds this pot."""
        ...

    def commits(self, database: Publisher) -> int:
        """How many groups were committed."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


def count_commits(database: Publisher) -> int:
    """What the metrics say of a database's groups."""
    name = "sycee_database_group_units_count"
    return int(REGISTRY.get_sample_value(name, {"database": database.name}) or 0)


class SqliteEngine:
    """Files in a folder."""

    schema = SCHEMA

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: list[Publisher] = []

    async def open(self, name: str, schema: Schema = SCHEMA) -> Publisher:
        database = await open_sqlite(self.path(name), schema, name)
        self._opened.append(database)
        return database

    async def sees(self, name: str, pot: str) -> bool:
        connection = sqlite3.connect(self.path(name))
        found = connection.execute("SELECT 1 FROM pots WHERE id = ?", (pot,)).fetchone()
        connection.close()
        return found is not None

    def commits(self, database: Publisher) -> int:
        return count_commits(database)

    async def close(self) -> None:
        for database in self._opened:
            await database.close()

    def path(self, name: str) -> Path:
        """A database's file."""
        return self.folder / f"{name}.sqlite"


class PostgresEngine:
    """One database of a server."""

    schema = SCHEMA

    def __init__(self, server: PostgresServer, dsn: str) -> None:
        self.server = server
        self.dsn = dsn
        self._opened: list[Publisher] = []

    async def open(self, name: str, schema: Schema = SCHEMA) -> Publisher:
        from sycee.runtime.database.postgres import open_postgres

        database = await open_postgres(self.dsn, schema, name)
        self._opened.append(database)
        return database

    async def sees(self, name: str, pot: str) -> bool:
        connection = await asyncpg.connect(self.dsn)
        found = await connection.fetchval(f"SELECT 1 FROM {name}.pots WHERE id = $1", pot)
        await connection.close()
        return found is not None

    def commits(self, database: Publisher) -> int:
        return count_commits(database)

    async def close(self) -> None:
        for database in self._opened:
            await database.close()
        await self.server.give_back(self.dsn)
