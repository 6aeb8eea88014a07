"""The journal's containers: appends per second, commits beside a checkpoint, snapshots.

Prints one JSON object. Bars: 5,000 small appends/s in segments; a snapshot of 500 MB read within
2 s; a commit of 1 MB beside SQLite's checkpoint no slower than without one.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.machine import report
from sycee.services.ledger.adapters.embedded.container import Container
from sycee.services.ledger.adapters.embedded.disk import Folder
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.adapters.embedded.snapshots import Snapshots
from sycee.services.ledger.adapters.embedded.sqlite_container import SqliteContainer, open_rows
from sycee.services.ledger.domain.journal import Batch, following

SMALL = 158
"""Bytes of a body with one transfer."""
LARGE = 1_060_000
"""Of one with 8,189."""
SECONDS = 3.0
PACED_S = 8.0
PACE_PER_S = 75
"""Large commits a second: 600,000 transfers."""
SNAPSHOT_BYTES = 500_000_000
READS = 1_000


class Figures(msgspec.Struct, frozen=True):
    """Of one container."""

    small_appends_per_s: int
    small_append_ms_p99: float
    large_append_ms_p50: float
    large_append_ms_p99: float
    megabytes_per_s: int
    read_128_bytes_us: float
    replay_megabytes_per_s: int


class Checkpoint(msgspec.Struct, frozen=True):
    """Paced commits of 1 MB to SQLite, while a checkpoint runs and while none does."""

    beside_ms_p50: float
    beside_ms_p90: float
    without_ms_p50: float
    without_ms_p90: float
    longest_ms: float
    log_megabytes_max: int


class Snapshot(msgspec.Struct, frozen=True):
    """500 MB in two sections."""

    save_s: float
    read_s: float


class Measured(msgspec.Struct, frozen=True):
    """Everything."""

    rows: Figures
    segments: Figures
    checkpoint: Checkpoint
    snapshot: Snapshot


def batches(container: Container, body: bytes) -> Iterator[Batch]:
    """What comes next, for ever."""
    head = container.head
    while True:
        head = following(head, head.timestamp + 1, body)
        yield head


def appended(container: Container, size: int, until_s: float) -> list[float]:
    """Append as fast as it goes; the seconds of each, without making the batch."""
    took = []
    end = time.perf_counter() + until_s
    for batch in batches(container, os.urandom(size)):
        begin = time.perf_counter()
        container.append([batch])
        took.append(time.perf_counter() - begin)
        if begin > end:
            return took
    return took


def figures(container: Container) -> Figures:
    """One container's."""
    small = appended(container, SMALL, SECONDS)
    first_large = container.head.seq + 1
    large = appended(container, LARGE, SECONDS)
    begin = time.perf_counter()
    for number in range(READS):
        container.read(first_large + number % len(large), LARGE // 2, 128)
    read = time.perf_counter() - begin
    begin = time.perf_counter()
    replayed = sum(len(batch.body) for batch in container.batches(0))
    replay = time.perf_counter() - begin
    container.close()
    return Figures(
        round(len(small) / sum(small)),
        percentile_ms(small, 99),
        percentile_ms(large, 50),
        percentile_ms(large, 99),
        round(LARGE * len(large) / sum(large) / 1e6),
        round(read / READS * 1e6, 1),
        round(replayed / replay / 1e6),
    )


def checkpoint(container: SqliteContainer, path: Path) -> Checkpoint:
    """Commit at an even pace, and note during which commits its log was moved."""
    moving: list[tuple[float, float]] = []
    took: list[tuple[float, float]] = []
    sizes = []
    with watched(container, moving):
        begin = time.perf_counter()
        for number, batch in enumerate(batches(container, os.urandom(LARGE))):
            due = begin + number / PACE_PER_S
            if due > begin + PACED_S:
                break
            time.sleep(max(0.0, due - time.perf_counter()))
            start = time.perf_counter()
            container.append([batch])
            took.append((start, time.perf_counter()))
            sizes.append(path.with_name(f"{path.name}-wal").stat().st_size)
    container.close()
    beside = [end - start for start, end in took if overlaps(start, end, moving)]
    without = [end - start for start, end in took if not overlaps(start, end, moving)]
    return Checkpoint(
        percentile_ms(beside, 50),
        percentile_ms(beside, 90),
        percentile_ms(without, 50),
        percentile_ms(without, 90),
        percentile_ms([end - start for start, end in took], 100),
        max(sizes) >> 20,
    )


@contextmanager
def watched(container: SqliteContainer, moving: list[tuple[float, float]]) -> Iterator[None]:
    """Note when the container's log is being moved."""
    checkpoints = container.checkpoints
    move: Callable[[str], int] = checkpoints._move

    def timed(mode: str) -> int:
        begin = time.perf_counter()
        try:
            return move(mode)
        finally:
            moving.append((begin, time.perf_counter()))

    checkpoints._move = timed  # type: ignore[method-assign]
    yield
    checkpoints._move = move  # type: ignore[method-assign]


def overlaps(start: float, end: float, spans: Sequence[tuple[float, float]]) -> bool:
    """Whether some of the spans have a part in common with this one."""
    return any(start < until and since < end for since, until in spans)


def snapshot(folder: Path) -> Snapshot:
    """Save one and read it."""
    content = memoryview(os.urandom(SNAPSHOT_BYTES // 2))
    snapshots = Snapshots(Folder(folder))
    begin = time.perf_counter()
    snapshots.save(1, bytes(32), {"records": content, "ids": content})
    saved = time.perf_counter()
    assert snapshots.newest(lambda seq, found: True) is not None
    return Snapshot(round(saved - begin, 2), round(time.perf_counter() - saved, 2))


def percentile_ms(values: Sequence[float], percent: int) -> float:
    """Milliseconds."""
    if len(values) < 2:
        return 0.0
    if percent == 100:
        return round(max(values) * 1e3, 2)
    return round(statistics.quantiles(values, n=100)[percent - 1] * 1e3, 2)


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
        folder = Path(scratch)
        rows = figures(open_rows(folder / "rows.sqlite"))
        segments = figures(open_segments(Folder(folder / "segments")))
        paced = folder / "paced.sqlite"
        report(
            Measured(rows, segments, checkpoint(open_rows(paced), paced), snapshot(folder / "s"))
        )


if __name__ == "__main__":
    main()
