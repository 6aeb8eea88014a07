"""Segments on a disk that fails at every step in every way: nothing acknowledged is ever lost."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from tests.simulation.disk import Died, Fault, MemoryDisk, Step, no_faults
from tests.simulation.journals import LARGE, SMALL, Truth, inline, open_in

from sycee.services.ledger.adapters.embedded.container import ContainerFailed
from sycee.services.ledger.adapters.embedded.disk import SECTOR
from sycee.services.ledger.adapters.embedded.owner import JournalInUse
from sycee.services.ledger.adapters.embedded.segment import Place, begin
from sycee.services.ledger.adapters.embedded.segment_container import open_segments
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import BEGINNING, Batch, following

APPENDS = 6
SEEDS = range(12)


def failing_at(number: int, fault: Fault):
    """A plan: that step fails."""
    return lambda step_number, step: fault if step_number == number else None


def live(disk: MemoryDisk, truth: Truth, appends: int = APPENDS) -> None:
    """One process: opens the journal, compares, appends, and closes unless it dies."""
    container = open_in(disk, truth.dice)
    truth.compare(container)
    try:
        for _ in range(appends):
            truth.append(container)
    except ContainerFailed:
        truth.refused(container)
    else:
        truth.compare(container)
    container.close()


def steps_of(seed: int) -> int:
    """How many steps two lives take when nothing fails."""
    disk = MemoryDisk(Random(seed))
    truth = Truth(Random(seed))
    live(disk, truth)
    live(disk, truth)
    return disk.steps


def survive(seed: int, number: int, fault: Fault, again: int | None = None) -> Truth:
    """Fail at a step, perhaps once more at a step of the recovery, and then compare for good."""
    disk = MemoryDisk(Random(seed))
    truth = Truth(Random(seed))
    disk.plan = failing_at(number, fault)
    with suppress(Died, OSError):
        live(disk, truth)
        live(disk, truth)
    disk.kill()
    disk.plan = failing_at(disk.steps + again, Fault.POWER) if again else no_faults
    with suppress(Died):
        live(disk, truth, appends=2)
    disk.plan = no_faults
    live(disk, truth, appends=1)
    disk.lose_power()
    live(disk, truth, appends=0)
    return truth


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_at_any_step_loses_nothing_that_was_acknowledged(fault: Fault) -> None:
    """MS1, MS7."""
    for seed in SEEDS:
        for number in range(1, steps_of(seed) + 1):
            truth = survive(seed, number, fault)
            assert truth.acknowledged > 0


def test_a_power_failure_at_any_step_of_a_recovery_loses_nothing() -> None:
    """MS1."""
    for seed in range(6):
        dice = Random(seed)
        for number in range(1, steps_of(seed) + 1, 2):
            for again in range(1, 14):
                survive(seed, number, dice.choice(list(Fault)), again)


def test_a_flipped_bit_anywhere_is_noticed_or_changes_nothing() -> None:
    refused = 0
    for seed in SEEDS:
        disk, truth = MemoryDisk(Random(seed)), Truth(Random(seed))
        live(disk, truth)
        container = open_in(disk, truth.dice)
        for _ in range(2):
            truth.append(container)
        disk.lose_power()
        for name in disk.names():
            for sector in range(len(disk.content(name)) // 512):
                bit = sector * 4096 + truth.dice.randrange(4096)
                refused += not opens_whole(disk, truth, name, bit)
    assert refused > 300


def opens_whole(disk: MemoryDisk, truth: Truth, name: str, bit: int) -> bool:
    """Whether all is there after one bit of one file was flipped; False when that is noticed."""
    copy = disk.copied()
    copy.flip(name, bit)
    acknowledged = truth.acknowledged
    try:
        container = open_in(copy, truth.dice)
        truth.compare(container)
    except JournalDamaged as damage:
        assert "batch" in str(damage)
        return False
    assert truth.acknowledged == acknowledged
    container.close()
    return True


def test_a_second_process_is_refused_and_told_by_whom() -> None:
    disk = MemoryDisk(Random(1))
    truth = Truth(Random(1))
    container = open_in(disk, truth.dice)
    truth.append(container)
    before = {name: disk.content(name) for name in disk.names()}
    with pytest.raises(JournalInUse, match=r"in use by process [0-9]+ on "):
        open_in(disk, truth.dice)
    assert {name: disk.content(name) for name in disk.names()} == before
    truth.append(container)
    container.close()
    live(disk, truth)


def test_a_former_owner_is_refused_at_whatever_step_it_was_frozen() -> None:
    """RE5."""
    refused = 0
    for seed in SEEDS:
        for number in range(1, 12):
            refused += not was_acknowledged_beside(seed, number)
    assert refused > len(SEEDS)


def was_acknowledged_beside(seed: int, number: int) -> bool:
    """Take the journal over while its owner stands before a step of an append; it then goes on.

    Whether the former owner believes that the append is done: then it must be.
    """
    disk, truth = MemoryDisk(Random(seed)), Truth(Random(seed))
    live(disk, truth, appends=1)
    former = open_in(disk, truth.dice)
    truth.append(former)
    first = disk.steps
    other = disk.elsewhere()
    later: list[Truth] = []

    def take_over(step_number: int, step: Step) -> None:
        if step_number == first + number and not later:
            later.append(Truth(truth.dice))
            later[0].sent, later[0].acknowledged = list(truth.sent), truth.acknowledged
            owner = open_in(other, truth.dice)
            later[0].compare(owner)
            later[0].append(owner)

    disk.plan = take_over
    try:
        for _ in range(4):
            truth.append(former)
    except ContainerFailed:
        assert later
        final = open_in(other.elsewhere(), truth.dice)
        later[0].compare(final)
        assert later[0].sent[: truth.acknowledged] == truth.sent[: truth.acknowledged]
        return False
    assert not later
    return True


def test_a_missing_segment_is_noticed() -> None:
    disk, truth = MemoryDisk(Random(3)), Truth(Random(3))
    for _ in range(4):
        live(disk, truth)
    logs = [name for name in disk.names() if name.endswith(".log")]
    assert len(logs) > 3
    for name in logs[:-2]:
        copy = disk.copied()
        copy.remove(name)
        with pytest.raises(JournalDamaged, match=r"batch [0-9]+ is missing"):
            list(open_in(copy, truth.dice).batches(0))


def test_segments_left_by_an_owner_that_wrote_nothing_are_removed() -> None:
    disk, truth = MemoryDisk(Random(4)), Truth(Random(4))
    live(disk, truth)
    names = len(disk.names())
    for _ in range(5):
        live(disk, truth, appends=0)
    assert len(disk.names()) <= names + 1


def written(bodies: list[bytes]) -> tuple[MemoryDisk, str, list[Batch]]:
    """A disk with a journal of these bodies, whose owner died; and where they lie."""
    disk = MemoryDisk(Random(5))
    container = open_segments(disk, LARGE, LARGE, Random(5).randbytes, inline)
    head, sent = BEGINNING, []
    for body in bodies:
        head = following(head, head.timestamp + 1, body)
        sent.append(head)
        container.append([head])
    disk.kill()
    return disk, next(name for name in disk.names() if name.endswith(".log")), sent


def reopened(disk: MemoryDisk) -> list[Batch]:
    """What is found."""
    return list(open_segments(disk, LARGE, LARGE, Random(6).randbytes, inline).batches(0))


@pytest.mark.parametrize("last", [bytes(3000), b"x" * 3000, b"x" + bytes(2999)])
def test_a_flipped_bit_in_the_last_batch_is_no_interrupted_write(last: bytes) -> None:
    """It was acknowledged: to cut it off would lose it."""
    for sector in range(6):
        disk, name, sent = written([b"first", last])
        disk.flip(name, (2 + sector) * SECTOR * 8 + 7)
        with pytest.raises(JournalDamaged, match="batch 2 is not as it was written"):
            reopened(disk)
        disk.flip(name, (2 + sector) * SECTOR * 8 + 7)
        assert reopened(disk) == sent


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_sector_that_turned_to_zeros_is_noticed_when_the_journal_goes_on(lost: int) -> None:
    disk, name, _ = written([b"a" * 300, b"b" * 600, b"c" * 300])
    file = disk.open(name)
    file.write(lost * SECTOR, bytes(SECTOR))
    batch = min(lost, 2)
    with pytest.raises(JournalDamaged, match=f"batch {batch} is not as it was written"):
        reopened(disk)


def test_an_interrupted_write_is_cut_off_and_the_place_used_again() -> None:
    for lost in (3, 4, 5):
        disk, name, sent = written([b"a" * 300, b"b" * 300, b"c" * 1200])
        disk.open(name).write(lost * SECTOR, bytes(SECTOR))
        container = open_segments(disk, LARGE, LARGE, Random(6).randbytes, inline)
        assert list(container.batches(0)) == sent[:2]
        other = following(sent[1], 99, b"other")
        container.append([other])
        disk.lose_power()
        assert reopened(disk) == [*sent[:2], other]


def test_a_segment_that_a_former_owner_began_too_late_is_none_of_the_journal() -> None:
    """RE5: it was renamed just after the new owner had looked for segments."""
    disk, _, sent = written([b"a", b"b", b"c"])
    container = open_segments(disk, LARGE, LARGE, Random(6).randbytes, inline)
    for number in range(3):
        sent.append(following(sent[-1], 100 + number, b"new"))
        container.append([sent[-1]])
    late = Place(first=5, epoch=1)
    begin(disk, disk.create("late", SMALL), "late", late, following(sent[2], 9, b"x"), salt=1)
    disk.kill()
    assert reopened(disk) == sent
    assert late.name not in disk.names()


def test_a_segment_with_a_damaged_beginning_is_named_by_its_first_batch() -> None:
    disk, name, _ = written([b"a"])
    disk.flip(name, 200)
    with pytest.raises(JournalDamaged, match="batch 1 cannot be read"):
        reopened(disk)


def test_a_damaged_lock_file_does_no_harm() -> None:
    disk, _, sent = written([b"a", b"b"])
    disk.open("owner.lock").write(0, b"nonsense")
    assert reopened(disk) == sent
