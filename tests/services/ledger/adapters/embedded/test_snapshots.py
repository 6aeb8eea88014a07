"""Snapshots: whole or not there, the newest sound one is used, and those too many go."""

from __future__ import annotations

import json
from array import array
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from tests.simulation.disk import Died, Fault, MemoryDisk

from sycee.services.ledger.adapters.embedded.disk import SECTOR, Folder
from sycee.services.ledger.adapters.embedded.snapshots import (
    KEPT,
    PIECE_BYTES,
    Snapshot,
    Snapshots,
)

BALANCES = array("Q", range(3_000))
SECTIONS = {
    "balances": memoryview(BALANCES),
    "nothing": memoryview(b""),
    "flags": memoryview(bytes(range(256)) * 20),
}


def hash_of(seq: int) -> bytes:
    """The hash of a batch of the only journal there is."""
    return bytes([seq]) * 32


def is_ours(seq: int, batch_hash: bytes) -> bool:
    return batch_hash == hash_of(seq)


def save(disk, seq: int, threads: int = 1) -> None:
    Snapshots(disk, threads).save(seq, hash_of(seq), SECTIONS)


def newest(disk, threads: int = 1) -> Snapshot | None:
    return Snapshots(disk, threads).newest(is_ours)


def check(snapshot: Snapshot | None, seq: int) -> None:
    assert snapshot is not None
    assert (snapshot.seq, snapshot.hash) == (seq, hash_of(seq))
    assert {name: bytes(content) for name, content in snapshot.sections.items()} == {
        name: bytes(content) for name, content in SECTIONS.items()
    }


def test_a_snapshot_is_read_as_it_was_saved(tmp_path: Path) -> None:
    disk = Folder(tmp_path)
    assert newest(disk) is None
    save(disk, 5, threads=2)
    check(newest(disk, threads=2), 5)


def test_sections_of_many_pieces_are_read_into_memory_that_may_be_changed(tmp_path: Path) -> None:
    disk = Folder(tmp_path)
    content = Random(1).randbytes(1000) * (2 * PIECE_BYTES // 1000 + 1)
    Snapshots(disk, 2).save(9, hash_of(9), {"records": memoryview(content)})
    found = newest(disk, 2)
    assert found is not None
    section = found.sections["records"]
    assert section == content
    section[0] = 255 - section[0]
    again = newest(disk, 2)
    assert again is not None
    assert again.sections["records"] == content


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    disk = Folder(tmp_path)
    for seq in range(1, 8):
        save(disk, seq)
    assert len(disk.names()) == KEPT
    check(newest(disk), 7)


def test_a_snapshot_of_another_journal_is_skipped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    disk = Folder(tmp_path)
    save(disk, 4)
    Snapshots(disk, 1).save(6, bytes(32), SECTIONS)
    check(newest(disk), 4)
    said = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["why"] for line in said] == ["batch 6 of the journal is another one"]


def test_a_damaged_snapshot_is_skipped_wherever_the_damage_is(
    capfd: pytest.CaptureFixture[str],
) -> None:
    dice = Random(2)
    disk = MemoryDisk(dice)
    save(disk, 4)
    save(disk, 6)
    name = disk.names()[-1]
    content = disk.content(name)
    skipped = 0
    for begin in range(0, len(content), SECTOR):
        if any(content[begin : begin + SECTOR]):
            damaged = disk.copied()
            damaged.flip(name, begin * 8 + dice.randrange(8 * 8))
            check(newest(damaged), 4)
            skipped += 1
    assert skipped > 50
    assert capfd.readouterr().err.count("snapshot_skipped") == skipped


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_at_any_step_leaves_the_snapshot_before_or_this_one(fault: Fault) -> None:
    for seed in range(8):
        for number in range(1, 20):
            disk = MemoryDisk(Random(seed))
            save(disk, 1)
            save(disk, 2)
            first = disk.steps
            disk.plan = lambda n, step, bad=first + number: fault if n == bad else None
            with suppress(Died, OSError):
                save(disk, 3)
            disk.kill()
            disk.lose_power()
            found = newest(disk)
            assert found is not None
            check(found, 3 if disk.steps < first + number else found.seq)
            assert found.seq in (2, 3)
            disk.plan = lambda n, step: None
            save(disk, 4)
            disk.lose_power()
            check(newest(disk), 4)
