"""A floor for service tests: a clock that is set by hand, and a real SQLite database."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sycee.kernel.clock import Instant, after
from sycee.kernel.ids import Ids
from sycee.runtime.host import Profile

SOURCE = Path(__file__).parents[2] / "src" / "sycee" / "services"
NOON = Instant(1_798_718_400_000_000_000)
"""2026-12-31 12:00 UTC."""


class FakeClock:
    def __init__(self):
        self.instant = NOON
        self.monotonic = 1000.0

    def now(self):
        return self.instant

    def monotonic_s(self):
        return self.monotonic

    def pass_s(self, seconds):
        self.instant = after(self.instant, seconds)
        self.monotonic += seconds


class SqliteSession:
    def __init__(self, connection):
        self._connection = connection
        self.published = []

    def run(self, sql, *values):
        return self._connection.execute(sql, values).rowcount

    def row(self, sql, *values):
        return self._connection.execute(sql, values).fetchone()

    def rows(self, sql, *values):
        return self._connection.execute(sql, values).fetchall()

    def publish(self, topic, key, payload):
        self.published.append((topic, key, payload))


class SqliteDatabase:
    """Every unit is a transaction of its own."""

    def __init__(self, path, schema):
        self.connection = sqlite3.connect(path)
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.connection.executescript(schema)
        self.published = []
        self.units = 0

    async def write(self, unit):
        self.units += 1
        session = SqliteSession(self.connection)
        with self.connection:
            result = unit(session)
        self.published.extend(session.published)
        return result

    async def read(self, query):
        self.units += 1
        return query(SqliteSession(self.connection))

    async def close(self):
        self.connection.close()


class FakeHost:
    """A process's floor; another host on the same folder is the next start."""

    def __init__(self, folder, clock=None, profile=Profile.DEV):
        self.folder = folder
        self.clock = clock or FakeClock()
        self.profile = profile
        self.jobs = {}
        self.databases = {}
        self._count = 0
        self.ids = Ids(self.clock, self._entropy)

    async def database(self, service):
        schema = next(SOURCE.glob(f"**/{service}/**/schema.sql")).read_text()
        database = SqliteDatabase(self.folder / f"{service}.sqlite", schema)
        self.databases[service] = database
        return database

    def job(self, name, run):
        self.jobs[name] = run

    def subscribe(self, topic, consumer, handle):
        raise AssertionError("nothing here subscribes")

    def secret(self, name, size=32):
        return name.encode().ljust(size, b"\0")

    def _entropy(self, size):
        self._count += 1
        return self._count.to_bytes(size, "big")
