"""Where the databases of service tests are: SQLite files, or a PostgreSQL server."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import asyncpg

from sycee.runtime.database.sqlite import open_sqlite


class Recorded:
    """A session that notes what a unit publishes."""

    def __init__(self, session):
        self.run, self.row, self.rows = session.run, session.row, session.rows
        self._publish = session.publish
        self.published = []

    def publish(self, topic, key, payload):
        self._publish(topic, key, payload)
        self.published.append((topic, key, payload))


class Watched:
    """A real database, with what tests like to know of it."""

    def __init__(self, database, connection):
        self.database = database
        self.connection = connection
        self.published = []
        self.units = 0
        self.is_exclusive = database.is_exclusive

    async def write(self, unit):
        self.units += 1
        attempts = []

        def recorded(session):
            attempts.append(Recorded(session))
            return unit(attempts[-1])

        result = await self.database.write(recorded)
        self.published.extend(attempts[-1].published)
        return result

    async def read(self, query):
        self.units += 1
        return await self.database.read(query)

    async def close(self):
        await self.database.close()


class Sqlite:
    """A file for each service in the host's folder."""

    def __init__(self):
        self._opened = []

    async def open(self, folder, service, schema):
        path = folder / f"{service}.sqlite"
        database = await open_sqlite(path, schema, service)
        self._opened.append(database)
        return Watched(database, SqliteFile(path))

    async def close(self):
        for database in self._opened:
            await database.close()


class Postgres:
    """A database for each folder of hosts."""

    def __init__(self, server):
        self._server = server
        self._opened = []
        self._places = {}

    async def open(self, folder, service, schema):
        from sycee.runtime.database.postgres import open_postgres

        if folder not in self._places:
            self._places[folder] = await self._server.fresh()
        dsn = self._places[folder]
        # Some tests keep two hosts on one folder, which both write.
        database = await open_postgres(dsn, schema, service, sole_writer=False)
        self._opened.append(database)
        return Watched(database, PostgresSchema(dsn, service))

    async def close(self):
        for database in self._opened:
            await database.close()
        for dsn in self._places.values():
            await self._server.give_back(dsn)


class Rows(list):
    """All rows of a statement."""

    def fetchone(self):
        return self[0] if self else None

    def fetchall(self):
        return self


class SqliteFile:
    """A stranger's look at a database: every statement at once, and for itself."""

    def __init__(self, path):
        self._path = path

    def execute(self, sql, values=()):
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            return Rows(connection.execute(sql, values).fetchall())
        finally:
            connection.close()


class PostgresSchema:
    """The same look at a server."""

    def __init__(self, dsn, service):
        self._dsn = dsn
        self._service = service

    def execute(self, sql, values=()):
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._execute(sql, values)).result()

    async def _execute(self, sql, values):
        from sycee.runtime.database.postgres_session import dollars

        settings = {"search_path": self._service}
        connection = await asyncpg.connect(self._dsn, server_settings=settings)
        try:
            return Rows(map(tuple, await connection.fetch(dollars(sql), *values)))
        finally:
            await connection.close()


current = Sqlite()
"""Where hosts of the running test open their databases."""
