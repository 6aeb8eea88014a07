"""A disk in memory that does what disks do at the worst moment, by the roll of seeded dice.

What was written is seen at once and kept only after a sync. Until then the power's failure keeps
any of it, sector by sector, in any order, old or new, but a sector always whole. A sync that fails
keeps any of it too, and what it did not keep is still seen, for as long as nobody forgets it: as
Linux does, which believes afterwards that all is written.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from enum import Enum
from random import Random

from sycee.services.ledger.adapters.embedded.disk import SECTOR, InUse


class Fault(Enum):
    """What can happen in place of a step."""

    POWER = "the power fails"
    KILL = "the process is killed"
    EIO = "an error of the disk"
    ENOSPC = "no room"


class Died(BaseException):
    """The process that asked is no more; nothing of it may go on."""


class Step(Enum):
    """What a disk does that can fail."""

    CREATE = "create"
    WRITE = "write"
    CUT = "cut"
    SYNC = "sync"
    RENAME = "rename"
    REMOVE = "remove"
    SYNC_NAMES = "sync names"


Plan = Callable[[int, Step], Fault | None]
"""Given the number of a step and what it is: whether it fails, and how."""


def no_faults(number: int, step: Step) -> Fault | None:
    """Nothing happens."""
    return None


class Inode:
    """A file's content: as it is seen, as it is kept, and what of the difference may be kept."""

    def __init__(self, size: int) -> None:
        self.seen = bytearray(size)
        self.kept = bytearray(size)
        self.unsynced: dict[int, list[bytes]] = {}
        self.is_locked_by: object | None = None

    def write(self, offset: int, content: bytes) -> None:
        end = offset + len(content)
        self.seen.extend(bytes(max(0, end - len(self.seen))))
        self.seen[offset:end] = content
        for sector in range(offset // SECTOR, -(-end // SECTOR)):
            version = bytes(self.seen[sector * SECTOR : (sector + 1) * SECTOR])
            self.unsynced.setdefault(sector, []).append(version)

    def cut(self, size: int) -> None:
        del self.seen[size:]
        self.seen.extend(bytes(size - len(self.seen)))
        for sector in [sector for sector in self.unsynced if sector * SECTOR >= size]:
            del self.unsynced[sector]

    def sync(self) -> None:
        """Keep what was written since; what an earlier sync failed to keep is not written again."""
        del self.kept[len(self.seen) :]
        for sector, versions in self.unsynced.items():
            self._keep(sector, versions[-1])
        self.kept.extend(bytes(len(self.seen) - len(self.kept)))
        self.unsynced.clear()

    def keep_some(self, dice: Random) -> None:
        """Keep any of what is not synced; the rest is not there to be kept any more."""
        if len(self.seen) < len(self.kept) and dice.random() < 0.5:
            del self.kept[len(self.seen) :]
        share = dice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for sector, versions in self.unsynced.items():
            if dice.random() < share:
                self._keep(sector, dice.choice(versions))
        self.unsynced.clear()

    def _keep(self, sector: int, version: bytes) -> None:
        begin = sector * SECTOR
        self.kept.extend(bytes(max(0, begin + len(version) - len(self.kept))))
        self.kept[begin : begin + len(version)] = version

    def forget(self) -> None:
        """See what is kept, but for what may still be written."""
        waiting = {sector: versions[-1] for sector, versions in self.unsynced.items()}
        size = len(self.seen)
        self.seen[:] = self.kept[:size].ljust(size, b"\0")
        for sector, version in waiting.items():
            self.seen[sector * SECTOR : sector * SECTOR + len(version)] = version


class MemoryDisk:
    """A folder on such a disk. Keeps ``Disk``."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.plan: Plan = no_faults
        self.steps = 0
        self.life = object()
        """Of the process that runs; its files die with it."""
        self.on_death: Callable[[], None] = lambda: None
        self._seen: dict[str, Inode] = {}
        self._kept: dict[str, Inode] = {}
        self._unsynced: list[tuple[str | None, str | None, Inode]] = []
        """Names taken away and names given, in order."""

    def names(self) -> Sequence[str]:
        self.check(self.life)
        return sorted(self._seen)

    def open(self, name: str) -> MemoryFile:
        if name not in self._seen:
            raise FileNotFoundError(errno.ENOENT, name)
        return MemoryFile(self, self._seen[name])

    def create(self, name: str, size: int) -> MemoryFile:
        self.step(Step.CREATE, None)
        inode = Inode(size)
        self._note(None, name, inode)
        return MemoryFile(self, inode)

    def lock(self, name: str) -> MemoryFile:
        if name not in self._seen:
            self._note(None, name, Inode(0))
        inode = self._seen[name]
        if inode.is_locked_by is self.life:
            raise InUse(name)
        inode.is_locked_by = self.life
        return MemoryFile(self, inode, is_lock=True)

    def rename(self, old: str, new: str) -> None:
        self.step(Step.RENAME, None)
        if old not in self._seen:
            raise FileNotFoundError(errno.ENOENT, old)
        self._note(old, new, self._seen[old])

    def remove(self, name: str) -> None:
        self.step(Step.REMOVE, None)
        if name not in self._seen:
            raise FileNotFoundError(errno.ENOENT, name)
        self._note(name, None, self._seen[name])

    def sync(self) -> None:
        self.step(Step.SYNC_NAMES, self._keep_some_names)
        self._kept = dict(self._seen)
        self._unsynced.clear()

    def lose_power(self) -> None:
        """What was not synced is kept or lost; the process dies."""
        self._keep_some_names()
        self._seen = dict(self._kept)
        for inode in self._seen.values():
            inode.keep_some(self.dice)
            inode.seen[:] = inode.kept
        self.kill()

    def kill(self) -> None:
        """The process dies; the system lives, and with it all that was written."""
        self.life = object()

    def elsewhere(self) -> MemoryDisk:
        """The same disk on another machine, where the locks of this one do not hold."""
        other = copy(self)
        other.life = object()
        other.plan = no_faults
        return other

    def copied(self) -> MemoryDisk:
        """Another disk with the same content."""
        other = MemoryDisk(self.dice)
        other._kept = deepcopy(self._kept)
        other.lose_power()
        return other

    def flip_a_bit(self) -> None:
        """Damage what is kept, anywhere but where nothing was ever written."""
        places = [
            (name, sector)
            for name, inode in sorted(self._seen.items())
            for sector in range(len(inode.kept) // SECTOR)
            if any(inode.kept[sector * SECTOR : (sector + 1) * SECTOR])
        ]
        name, sector = self.dice.choice(places)
        self.flip(name, sector * SECTOR * 8 + self.dice.randrange(SECTOR * 8))

    def flip(self, name: str, bit: int) -> None:
        """Damage one bit of a file."""
        for content in (self._seen[name].kept, self._seen[name].seen):
            content[bit // 8] ^= 1 << bit % 8

    def content(self, name: str) -> bytes:
        """What is seen in a file."""
        return bytes(self._seen[name].seen)

    def check(self, life: object) -> None:
        """A dead process does nothing."""
        if life is not self.life:
            raise Died

    def step(self, step: Step, half_done: Callable[[], None] | None) -> None:
        """One more step, which may not come to its end."""
        self.steps += 1
        fault = self.plan(self.steps, step)
        if fault is None:
            return
        if fault in (Fault.EIO, Fault.ENOSPC):
            if half_done is not None:
                half_done()
            raise OSError(getattr(errno, fault.name), fault.value)
        if fault is Fault.POWER:
            self.lose_power()
        else:
            if step is Step.WRITE and half_done is not None:
                half_done()
            self.kill()
        self.on_death()
        raise Died

    def _note(self, old: str | None, new: str | None, inode: Inode) -> None:
        self._unsynced.append((old, new, inode))
        _renamed(self._seen, old, new, inode)

    def _keep_some_names(self) -> None:
        """Keep any of the changes of names, in their order."""
        share = self.dice.choice((0.0, 0.5, 1.0))
        for old, new, inode in self._unsynced:
            if self.dice.random() < share:
                _renamed(self._kept, old, new, inode)
        self._unsynced.clear()


class MemoryFile:
    """A file of such a disk. Keeps ``File``."""

    def __init__(self, disk: MemoryDisk, inode: Inode, is_lock: bool = False) -> None:
        self._disk = disk
        self._is_lock = is_lock
        self._life = disk.life
        self._inode = inode

    @property
    def size(self) -> int:
        self._disk.check(self._life)
        return len(self._inode.seen)

    def read(self, offset: int, size: int) -> bytes:
        self._disk.check(self._life)
        return bytes(self._inode.seen[offset : offset + size])

    def read_into(self, offset: int, into: memoryview) -> None:
        found = self.read(offset, len(into))
        if len(found) < len(into):
            raise OSError(errno.EIO, "a file ends early")
        into[:] = found

    def write(self, offset: int, content: bytes | memoryview) -> None:
        self._disk.check(self._life)
        # The system copies page by page, so what is left of a write are whole sectors.
        part = self._disk.dice.randint(0, len(content) // SECTOR) * SECTOR
        self._disk.step(Step.WRITE, lambda: self._inode.write(offset, bytes(content[:part])))
        self._inode.write(offset, bytes(content))

    def cut(self, size: int) -> None:
        self._disk.check(self._life)
        self._disk.step(Step.CUT, None)
        self._inode.cut(size)

    def sync(self) -> None:
        self._disk.check(self._life)
        self._disk.step(Step.SYNC, lambda: self._inode.keep_some(self._disk.dice))
        self._inode.sync()

    def forget(self) -> None:
        self._disk.check(self._life)
        self._inode.forget()

    def close(self) -> None:
        if self._is_lock:
            self._inode.is_locked_by = None


def _renamed(names: dict[str, Inode], old: str | None, new: str | None, inode: Inode) -> None:
    if old is not None:
        names.pop(old, None)
    if new is not None:
        names[new] = inode
