"""The databases of one data directory: one file each, written by one process at a time."""

from __future__ import annotations

import fcntl
import os
from importlib.resources import files
from pathlib import Path

SCHEMAS = {"testcard": "sycee.services.payments.adapters.testcard"}
"""Database -> package of its schema, where that is not the service of the same name."""


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
