"""Both containers keep one promise: what was appended is there, in order, and nobody else adds."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from random import Random

import pytest
from tests.simulation.journals import Truth

from sycee.runtime.database.checkpoints import LOG_BYTES_MAX
from sycee.runtime.database.schema import SQLITE_SEQ, Schema
from sycee.services.ledger.adapters.embedded.container import Container, ContainerFailed
from sycee.services.ledger.adapters.embedded.disk import Folder
from sycee.services.ledger.adapters.embedded.owner import JournalInUse
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.adapters.embedded.sqlite_container import open_rows
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import BEGINNING, following

KINDS = ("rows", "segments")
LOCKS = {"rows": "ledger.lock", "segments": "owner.lock"}
Open = Callable[[], Container]


def opened(kind: str, folder: Path) -> Container:
    """The journal of a folder."""
    if kind == "rows":
        return open_rows(folder / "ledger.sqlite")
    return open_segments(Folder(folder))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def reopen(kind: str, tmp_path: Path) -> Iterator[Open]:
    """Opens the journal; closed at the end of the test."""
    made: list[Container] = []

    def again() -> Container:
        made.append(opened(kind, tmp_path))
        return made[-1]

    yield again
    for container in made:
        container.close()


@pytest.fixture
def truth() -> Truth:
    return Truth(Random(7))


def test_a_new_journal_is_empty(reopen: Open) -> None:
    container = reopen()
    assert container.head == BEGINNING
    assert list(container.batches(0)) == []
    assert (container.hash_at(0), container.hash_at(1)) == (BEGINNING.hash, None)


def test_what_was_appended_is_found_by_this_and_later_processes(reopen: Open, truth: Truth) -> None:
    """MS1."""
    for _ in range(4):
        container = reopen()
        truth.compare(container)
        for _ in range(30):
            truth.append(container)
        truth.compare(container)
        container.close()
    assert truth.acknowledged > 100


def test_a_part_of_a_body_must_be_there(reopen: Open, truth: Truth) -> None:
    container = reopen()
    truth.append(container)
    size = len(truth.sent[0].body)
    assert container.read(1, size, 0) == b""
    for seq, offset, length in ((1, 0, size + 1), (1, -1, 1), (1, size, 1), (99, 0, 1), (0, 0, 0)):
        with pytest.raises(ValueError, match="batch"):
            container.read(seq, offset, length)


def test_a_closed_journal_does_nothing_more(reopen: Open, truth: Truth) -> None:
    container = reopen()
    truth.append(container)
    container.close()
    truth.refused(container)


def test_large_batches_and_many_of_them_are_kept(reopen: Open) -> None:
    container, head = reopen(), BEGINNING
    before = container.bytes_on_disk
    for number in range(40):
        body = os.urandom(64) * 2**14
        head = following(head, number + 1, body)
        container.append([head])
    assert container.bytes_on_disk >= before + 40 * len(body)
    assert [batch.seq for batch in container.batches(0)] == [*range(1, 41)]
    assert container.read(40, 2**19, 64) == body[2**19 : 2**19 + 64]
    container.close()
    assert reopen().head == head._replace(body=b"")


def test_another_process_is_told_who_owns_the_journal(kind: str, tmp_path: Path) -> None:
    container = opened(kind, tmp_path)
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.services.ledger.adapters.embedded.test_containers import opened\n"
        "opened(sys.argv[1], Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, kind, str(tmp_path)]
    root = Path(__file__).parents[5]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "JournalInUse" in ended.stderr
    assert f"in use by process {os.getpid()} on " in ended.stderr
    with pytest.raises(JournalInUse):
        opened(kind, tmp_path)
    Truth(Random(1)).append(container)
    container.close()


def test_a_former_owner_adds_nothing_where_locks_do_not_hold(
    kind: str, reopen: Open, tmp_path: Path, truth: Truth
) -> None:
    """RE5: the lock's file is another one now, as it would be for another machine."""
    former = reopen()
    truth.append(former)
    (tmp_path / LOCKS[kind]).unlink()
    owner = reopen()
    truth.compare(owner)
    late = Truth(Random(8))
    late.sent = list(truth.sent)
    truth.append(owner)
    with pytest.raises(ContainerFailed, match="belongs to"):
        late.append(former)
    late.refused(former)
    truth.append(owner)
    truth.compare(owner)
    owner.close()
    former.close()
    truth.compare(reopen())


def test_a_flipped_bit_in_the_middle_is_noticed(reopen: Open, tmp_path: Path) -> None:
    container, head = reopen(), BEGINNING
    for number in range(1, 6):
        head = following(head, number, number.to_bytes() * 300)
        container.append([head])
    container.close()
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        path.write_bytes(content.replace(b"\3" * 300, b"\3" * 299 + b"\2"))
    with pytest.raises(JournalDamaged, match="batch 3 "):
        list(reopen().batches(0))


def test_a_journal_of_an_earlier_release_is_opened(tmp_path: Path, truth: Truth) -> None:
    path = tmp_path / "ledger.sqlite"
    schema = files("sycee.services.ledger").joinpath("schema.sql").read_text()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(Schema(schema).script(SQLITE_SEQ))
    truth.sent = list(truth.next_group())
    connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", truth.sent)
    connection.commit()
    connection.close()
    container = open_rows(path)
    truth.compare(container)
    truth.append(container)
    truth.compare(container)
    container.close()


def test_a_missing_row_is_noticed(tmp_path: Path, truth: Truth) -> None:
    container = open_rows(tmp_path / "ledger.sqlite")
    for _ in range(5):
        truth.append(container)
    container.close()
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    connection.execute("DELETE FROM log WHERE seq = 2")
    connection.commit()
    connection.close()
    again = open_rows(tmp_path / "ledger.sqlite")
    with pytest.raises(JournalDamaged, match="batch 2 is missing"):
        list(again.batches(0))
    again.close()


def test_sqlites_log_does_not_grow_for_ever_under_load(tmp_path: Path) -> None:
    container, head = open_rows(tmp_path / "ledger.sqlite"), BEGINNING
    body = os.urandom(1024) * 1024
    logged = tmp_path / "ledger.sqlite-wal"
    written = 0
    while written < 6 * LOG_BYTES_MAX:
        head = following(head, head.timestamp + 1, body)
        container.append([head])
        written += len(body)
        if written % (2 * LOG_BYTES_MAX) == 0:
            # What its thread does in time, without waiting for the time.
            container.checkpoints.is_due = container.checkpoints._move_most()
    assert logged.stat().st_size < 4 * LOG_BYTES_MAX
    container.close()


def test_a_commit_of_rows_waits_for_the_disk(tmp_path: Path) -> None:
    """MS1: FULL is 2; with less, the last commits are lost with the power."""
    container = open_rows(tmp_path / "ledger.sqlite")
    assert container._writing.execute("PRAGMA synchronous").fetchone()[0] >= 2
    container.close()
