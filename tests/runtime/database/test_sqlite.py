"""What only SQLite's files can show: full disks, kills, and reading beside a writer."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import pytest

from sycee.kernel.refusal import Unavailable
from sycee.runtime.database import Session
from sycee.runtime.database import checkpoints as checkpoints_module
from sycee.runtime.database.calls import SLICE_S
from sycee.runtime.database.sqlite import SqliteDatabase, open_sqlite
from sycee.runtime.database.sqlite_reading import open_sqlite_reading
from sycee.runtime.health import Health
from sycee.runtime.queue import outbox
from tests.runtime.database.pots import SCHEMA, announced, count, names, put
from tests.runtime.until import until

ROOT = Path(__file__).resolve().parents[3]
MEBI = 2**20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pots.sqlite"


async def opened(path: Path) -> SqliteDatabase:
    return await open_sqlite(path, SCHEMA, "pots")


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder, except the index that processes share while they live."""
    files = (file for file in folder.iterdir() if not file.name.endswith("-shm"))
    return {file.name: file.read_bytes() for file in files}


def sizes(path: Path) -> tuple[int, int]:
    """Bytes in the database's file, and in its log."""
    return path.stat().st_size, path.with_name(f"{path.name}-wal").stat().st_size


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let the system refuse to make any file larger, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_after_a_commit_that_failed_nothing_is_acknowledged(path: Path) -> None:
    """MS7."""
    database = await opened(path)
    health = Health()
    health.accept()
    health.check("database pots", lambda: database.read(lambda s: s.row("SELECT 1")))
    await database.write(put("sound"))
    with files_no_larger_than(sizes(path)[1] + 20_000):
        body = bytes(100_000)
        done = await asyncio.gather(
            *(database.write(put(name, 1, body)) for name in "abc"), return_exceptions=True
        )
    assert [type(one) for one in done] == [Unavailable] * 3
    with pytest.raises(Unavailable):
        await database.write(put("later"))
    with pytest.raises(Unavailable):
        await database.read(count)
    assert (await health.ready()).checks == {"database pots": "Unavailable"}
    await database.close()
    recovered = await opened(path)
    assert await recovered.read(names) == ["sound"]
    await recovered.write(put("after"))
    await recovered.close()


async def test_a_unit_that_meets_a_full_disk_takes_its_whole_group_along(path: Path) -> None:
    """MS7: also when the unit would not have it so."""
    database = await opened(path)
    await database.write(put("sound"))
    pages = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    def stubborn(session: Session) -> str:
        try:
            put("large", 1, bytes(MEBI))(session)
        except Unavailable:
            return "as if nothing had happened"
        return "done"

    done = await asyncio.gather(
        database.write(put("neighbour")),
        database.write(stubborn),
        database.write(put("waiting")),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [Unavailable] * 3
    with pytest.raises(Unavailable):
        await database.read(count)
    await database.close()
    recovered = await opened(path)
    assert await recovered.read(names) == ["sound"]
    await recovered.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two mebibytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_when_the_disk_is_full_what_was_acknowledged_is_there(small_disk: Path) -> None:
    """MS7."""
    path = small_disk / "pots.sqlite"
    database = await opened(path)
    acknowledged: list[str] = []

    async def fill(caller: int) -> None:
        for number in range(1000):
            name = f"{caller} {number}"
            await database.write(put(name, 1, bytes(5_000)))
            acknowledged.append(name)

    done = await asyncio.gather(*(fill(caller) for caller in range(4)), return_exceptions=True)
    assert [type(one) for one in done] == [Unavailable] * 4
    await database.close()
    reading = await open_sqlite_reading(path, "pots")
    assert set(acknowledged) <= set(await reading.read(names))
    assert len(acknowledged) > 50
    await reading.close()


async def test_a_checkpoint_that_fails_stops_the_database(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MS7."""
    monkeypatch.setattr(checkpoints_module, "EVERY_S", 0.02)
    database = await opened(path)
    await database.write(put("a", 1, bytes(MEBI)))

    async def is_moved() -> bool:
        tool = sqlite3.connect(path)
        busy, frames, moved = tool.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        tool.close()
        return not busy and frames == moved

    async def is_refused() -> bool:
        try:
            await database.read(count)
        except Unavailable:
            return True
        return False

    await until(is_moved)
    with files_no_larger_than(sizes(path)[0]):
        await database.write(put("b", 1, bytes(20_000)))
        await until(is_refused)
    with pytest.raises(Unavailable):
        await database.write(put("c"))
    await database.close()
    recovered = await opened(path)
    assert await recovered.read(names) == ["a", "b"]
    await recovered.close()


KILLED = """
import asyncio, os, sys
from pathlib import Path
from sycee.runtime.database.sqlite import open_sqlite
from tests.runtime.database.pots import SCHEMA, announced

async def main():
    database = await open_sqlite(Path(sys.argv[1]), SCHEMA, "pots")
    async def caller(name):
        number = 0
        while True:
            number += 1
            await database.write(announced(f"{name}-{number}"))
            os.write(1, f"{name}-{number}\\n".encode())
    await asyncio.gather(*(caller(name) for name in range(16)))

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 300, 4_000])
async def test_a_killed_process_keeps_what_it_acknowledged(path: Path, lines: int) -> None:
    """MS1, MS8: what was answered is found, and every row has its event."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    child = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, env=environment
    )
    assert child.stdout is not None
    acknowledged = [child.stdout.readline() for _ in range(lines)]
    child.send_signal(signal.SIGKILL)
    acknowledged += child.stdout.readlines()
    child.stdout.close()
    child.wait()
    database = await opened(path)
    found = set(await database.read(names))
    entries = await database.read(lambda s: outbox.entries(s, 0, 10**9, 10**9))
    await database.close()
    complete = {line.decode().strip() for line in acknowledged if line.endswith(b"\n")}
    assert len(complete) >= lines
    assert complete <= found
    assert {entry.message.key for entry in entries} == found


@pytest.mark.parametrize("reads", [0, 3])
async def test_the_log_is_moved_and_begins_anew_under_load(
    path: Path, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    monkeypatch.setattr(checkpoints_module, "EVERY_S", 0.01)
    monkeypatch.setattr(checkpoints_module, "LOG_BYTES_MAX", MEBI)
    database = await opened(path)

    async def caller(name: int) -> None:
        for number in range(300):
            await database.write(put(f"{name}-{number}", 1, bytes(2_000)))

    async def reader() -> None:
        while True:
            await database.read(count)
            await asyncio.sleep(0)

    readers = [asyncio.create_task(reader()) for _ in range(reads)]
    await asyncio.gather(*(caller(name) for name in range(16)))
    for task in readers:
        task.cancel()
    file_bytes, log_bytes = sizes(path)
    assert file_bytes > 4 * MEBI
    assert log_bytes < file_bytes
    await database.close()
    assert list(contents(path.parent)) == ["pots.sqlite"]


async def test_a_reader_sees_a_running_writers_commits_and_changes_nothing(path: Path) -> None:
    database = await opened(path)
    await database.write(put("a"))
    before = contents(path.parent)
    reading = await open_sqlite_reading(path, "pots")
    assert await reading.read(names) == ["a"]
    with pytest.raises(Unavailable):
        await reading.write(put("b"))
    assert contents(path.parent) == before
    await database.write(put("c"))
    assert await reading.read(names) == ["a", "c"]
    await reading.close()
    with pytest.raises(Unavailable):
        await reading.read(names)
    await database.write(put("d"))
    await database.close()


async def test_a_reader_of_a_stopped_platform_makes_no_file(path: Path) -> None:
    database = await opened(path)
    await database.write(put("a"))
    await database.close()
    before = contents(path.parent)
    reading = await open_sqlite_reading(path, "pots")
    assert await reading.read(names) == ["a"]
    assert not path.with_name("pots.sqlite-shm").exists()
    assert contents(path.parent) == before
    await reading.close()


async def test_a_reader_of_a_stopped_platform_notices_that_it_was_started(path: Path) -> None:
    await (await opened(path)).close()
    reading = await open_sqlite_reading(path, "pots")
    database = await opened(path)
    await database.write(put("a"))
    with pytest.raises(Unavailable):
        await reading.read(names)
    await reading.close()
    await database.close()


def left_by_a_kill(path: Path, folder: Path, *suffixes: str) -> Path:
    """The files as a kill would leave them."""
    folder.mkdir()
    for suffix in suffixes:
        shutil.copyfile(f"{path}{suffix}", folder / f"{path.name}{suffix}")
    return folder / path.name


@pytest.mark.parametrize("suffixes", [("", "-wal", "-shm"), ("", "-wal")])
async def test_a_reader_of_a_killed_platform_sees_all_that_was_committed(
    path: Path, tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    database = await opened(path)
    await database.write(announced("a"))
    left = left_by_a_kill(path, tmp_path / "left", *suffixes)
    await database.close()
    before = contents(left.parent)
    reading = await open_sqlite_reading(left, "pots")
    assert await reading.read(names) == ["a"]
    await reading.close()
    assert contents(left.parent) == before


async def test_a_database_that_is_not_there_is_not_made_by_reading(path: Path) -> None:
    with pytest.raises(Unavailable, match="no database of pots"):
        await open_sqlite_reading(path, "pots")
    assert contents(path.parent) == {}


async def test_a_tool_that_holds_the_file_delays_units_and_stops_nothing(path: Path) -> None:
    database = await opened(path)
    tool = sqlite3.connect(path)
    tool.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        await database.write(put("a"))
    tool.execute("ROLLBACK")
    tool.close()
    await database.write(put("b"))
    assert await database.read(names) == ["b"]
    await database.close()


async def test_slow_units_do_not_hold_the_loop_for_long(path: Path) -> None:
    database = await opened(path)
    steps: list[str] = []

    def slow(session: Session) -> None:
        until_s = perf_counter() + 0.6 * SLICE_S
        while perf_counter() < until_s:
            count(session)
        steps.append("unit")

    async def other() -> None:
        while steps.count("unit") < 10:
            steps.append("other")
            await asyncio.sleep(0)

    await asyncio.gather(other(), *(database.write(slow) for _ in range(10)))
    longest = max(len(run) for run in "".join(step[0] for step in steps).split("o"))
    assert longest <= 2
    await database.close()


async def test_a_query_sees_one_moment(path: Path) -> None:
    """MS5."""
    database, other = await opened(path), sqlite3.connect(path)

    def twice(session: Session) -> tuple[int, int]:
        first = count(session)
        other.execute("INSERT INTO pots (id, amount) VALUES ('x', 1)")
        other.commit()
        return first, count(session)

    assert await database.read(twice) == (0, 0)
    other.close()
    await database.write(put("y"))
    assert await database.read(count) == 2
    await database.close()
