"""A floor for service tests: a clock that is set by hand, and a real database."""

from __future__ import annotations

from pathlib import Path

from tests.services import storage

from sycee.kernel.clock import Instant, after
from sycee.kernel.ids import Ids
from sycee.runtime.database.schema import Schema
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


class FakeHost:
    """A process's floor; another host on the same folder is the next start."""

    def __init__(self, folder, clock=None, profile=Profile.DEV):
        self.folder = folder
        self.clock = clock or FakeClock()
        self.profile = profile
        self.jobs = {}
        self.handlers = {}
        self.databases = {}
        self.closings = []
        self._count = 0
        self.ids = Ids(self.clock, self._entropy)

    async def database(self, service):
        schema = next(SOURCE.glob(f"**/{service}/**/schema.sql")).read_text()
        database = await storage.current.open(self.folder, service, Schema(schema))
        self.databases[service] = database
        return database

    def path(self, name):
        return self.folder / name

    def at_close(self, close):
        self.closings.append(close)

    async def close(self):
        while self.closings:
            await self.closings.pop()()

    def job(self, name, run):
        self.jobs[name] = run

    def subscribe(self, topic, consumer, handle):
        self.handlers[topic, consumer] = handle

    def secret(self, name, size=32):
        return name.encode().ljust(size, b"\0")

    def _entropy(self, size):
        self._count += 1
        return self._count.to_bytes(size, "big")
