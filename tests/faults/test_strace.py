"""A fault comes exactly at the system call that was chosen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.lab import strace
from tests.faults.lab.counter import committed
from tests.faults.lab.line import Answer
from tests.faults.lab.strace import Call, Point
from tests.faults.syscalls import Heard, wrongly_acknowledged
from tests.system.platform import ROOT


class Counter:
    """A running counter."""

    def __init__(self, path: Path) -> None:
        self.path = path
        command = [sys.executable, "-m", "tests.faults.lab.counter", str(path), "FULL"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )

    def next(self) -> bytes:
        """Have one more number committed; what is told, nothing after a death."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    """A counter that has begun; skips where tracing is not allowed."""
    try:
        strace.check_possible()
    except strace.CannotTrace as why:
        pytest.skip(str(why))
    made = Counter(tmp_path / "numbers.sqlite")
    assert made.next() == b"1\n"
    yield made
    made.process.kill()
    made.process.communicate()


def test_the_calls_of_one_commit_are_seen(counter: Counter) -> None:
    with strace.watching(counter.process.pid) as seen:
        assert counter.next() == b"2\n"
    log = f"{counter.path}-wal"
    places = strace.points(seen, counter.process.pid)
    assert Point("pwrite64", 2, log) in places
    assert Point("fdatasync", 1, log) in places
    assert Point("write", 1) in places


def test_a_kill_at_the_sync_comes_before_the_promise(counter: Counter) -> None:
    """MS1."""
    point = Point("fdatasync", 1, f"{counter.path}-wal")
    with strace.injecting(counter.process.pid, point, "signal=KILL"):
        assert counter.next() == b""
        assert counter.process.wait(10) == -9


def test_a_kill_at_the_promise_comes_after_the_commit(counter: Counter) -> None:
    """MS1."""
    with strace.injecting(counter.process.pid, Point("write", 1), "signal=KILL"):
        assert counter.next() == b""
        assert counter.process.wait(10) == -9
    assert committed(counter.path) == 2


def test_a_sync_that_fails_is_no_promise(counter: Counter) -> None:
    """MS7."""
    point = Point("fdatasync", 1, f"{counter.path}-wal")
    with strace.injecting(counter.process.pid, point, "error=EIO") as seen:
        assert counter.next() == b""
    assert [call.name for call in seen if call.is_injected] == ["fdatasync"]


LOG = "/data/payments.sqlite-wal"
SYNC = Point("fdatasync", 1, LOG)
WRITTEN = Call(7, "pwrite64", LOG, at=1.0)
FAILED = Call(7, "fdatasync", LOG, at=2.0, is_injected=True)
GOOD = Answer(200, b'{"status":"succeeded"}')


def test_an_answer_after_a_failed_commit_is_found() -> None:
    """MS7."""
    heard = [Heard(GOOD, 2.1), Heard(Answer(503, b"{}"), 2.2), Heard(GOOD, 2.3)]
    assert len(list(wrongly_acknowledged(SYNC, [WRITTEN, FAILED], heard))) == 2


def test_an_answer_before_a_failed_commit_is_none_of_its_business() -> None:
    """MS7."""
    heard = [Heard(GOOD, 1.9)]
    assert list(wrongly_acknowledged(SYNC, [WRITTEN, FAILED], heard)) == []


def test_a_checkpoint_that_fails_does_not_unmake_a_commit() -> None:
    """MS7: the thread that moves the log has written nothing to it."""
    failed = Call(8, "fdatasync", LOG, at=2.0, is_injected=True)
    assert list(wrongly_acknowledged(SYNC, [WRITTEN, failed], [Heard(GOOD, 2.1)])) == []
