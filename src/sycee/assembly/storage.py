"""The databases of one data directory: one file each, written by one process at a time."""

from __future__ import annotations

import fcntl
import os
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from sycee.assembly.configuration import Configuration
from sycee.runtime.database import Database, Publisher
from sycee.runtime.database.schema import Schema
from sycee.runtime.database.sqlite import open_sqlite
from sycee.runtime.floor import Queue
from sycee.runtime.queue import LocalQueue

PUBLISHERS = frozenset({"payments", "checkout"})
"""Databases whose services publish events."""
SCHEMAS = {"testcard": "sycee.services.payments.adapters.testcard"}
"""Database -> package of its schema, where that is not the service of the same name."""


class EventQueue(Queue, Protocol):
    """What carries events from databases to consumers."""

    def attach(self, database: Publisher) -> None:
        """Relay what this database publishes."""
        ...

    async def run(self) -> None:
        """Carry events until cancelled."""
        ...


class DataInUse(Exception):
    """Another process works on the same data."""


def schema_of(name: str) -> str:
    """The SQL that makes a database's tables."""
    package = SCHEMAS.get(name, f"sycee.services.{name}")
    return files(package).joinpath("schema.sql").read_text()


def path_of(data: Path, name: str) -> Path:
    """Where a database's file lies."""
    return data / f"{name}.sqlite"


def claim(data: Path, name: str) -> int:
    """Keep other processes away from a database until this one ends; the lock's descriptor.

    The operating system gives the lock back however the process ends.
    """
    data.mkdir(parents=True, exist_ok=True)
    lock = os.open(data / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataInUse(
            f"{path_of(data, name)} is in use: another sycee runs on these data; stop it,"
            " or name another directory with --data."
        ) from None
    return lock


class Databases:
    """Opens databases, and relays the events of those that publish."""

    def __init__(self, data: Path, queue: EventQueue) -> None:
        self._data = data
        self._queue = queue

    async def open(self, name: str) -> Database:
        """A database that nobody else writes; ``DataInUse`` when somebody does."""
        claim(self._data, name)
        schema = Schema(schema_of(name))
        database = await open_sqlite(path_of(self._data, name), schema, name)
        if name in PUBLISHERS:
            self._queue.attach(database)
        return database


def queue_of(configuration: Configuration) -> EventQueue:
    """The queue that is configured: NATS between processes, else none but the process itself."""
    if not configuration.queue.nats:
        return LocalQueue()
    # Its client takes as long to load as all services together.
    from sycee.runtime.queue.nats import NatsQueue

    return NatsQueue(configuration.queue.nats)
