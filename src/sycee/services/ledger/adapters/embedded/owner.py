"""Who owns a journal: one process at a time, and no former owner once another has come (RE5)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import msgspec

from sycee.services.ledger.adapters.embedded.disk import SECTOR, Disk, File, InUse


class JournalInUse(Exception):
    """Another process owns the journal."""


class Dispossessed(Exception):
    """Another process has become the owner: what this one writes does not belong to the journal."""


class _Entry(msgspec.Struct, frozen=True):
    """What the lock file says of the owner."""

    epoch: int
    pid: int
    host: str


class Owner:
    """The right to write a journal.

    The lock keeps other processes of this machine away for as long as this one lives. Where locks
    do not hold, as on some shared disks, the epoch decides: each owner's is higher than all before,
    is on disk before he reads the journal's end, and is looked at before and after every write.
    Of a former owner that was frozen, the first look refuses the write; a write that was under way
    when the new owner came is refused by the second, and so never acknowledged.
    """

    def __init__(self, disk: Disk, name: str, lock: File, epoch: int) -> None:
        self.epoch = epoch
        self._disk = disk
        self._name = name
        self._lock = lock

    def check(self) -> None:
        """Raise ``Dispossessed`` when another has become the owner."""
        # By its name, since the lock file itself may have been replaced.
        file = self._disk.open(self._name)
        try:
            found = _decoded(file.read(0, SECTOR))
        finally:
            file.close()
        if found is None or found.epoch != self.epoch:
            who = "an unknown process" if found is None else _named(found)
            raise Dispossessed(f"the journal belongs to {who} now")

    def release(self) -> None:
        """Let another become the owner."""
        self._lock.close()


class Claim:
    """A lock that is held, before its holder has become the owner."""

    def __init__(self, disk: Disk, name: str) -> None:
        """Take the lock, or raise ``JournalInUse``, which names the process that holds it."""
        self._disk = disk
        self._name = name
        try:
            self._lock = disk.lock(name)
        except InUse:
            raise JournalInUse(_in_use(disk, name)) from None

    def own(self, epoch_seen: int) -> Owner:
        """Become the owner, in an epoch that is higher than the journal's and the lock file's."""
        before = _decoded(self._lock.read(0, SECTOR))
        epoch = 1 + max(epoch_seen, before.epoch if before else 0)
        entry = _Entry(epoch, os.getpid(), socket.gethostname())
        self._lock.write(0, msgspec.json.encode(entry).ljust(SECTOR))
        self._lock.sync()
        self._disk.sync()
        return Owner(self._disk, self._name, self._lock, epoch)

    def release(self) -> None:
        """Do not become the owner after all."""
        self._lock.close()


def _in_use(disk: Disk, name: str) -> str:
    found = None
    with suppress(OSError):
        file = disk.open(name)
        found = _decoded(file.read(0, SECTOR))
        file.close()
    who = "another process" if found is None else _named(found)
    return f"The journal is in use by {who}; stop it, or name another directory with --data."


def _named(entry: _Entry) -> str:
    return f"process {entry.pid} on {entry.host}"


def _decoded(content: bytes) -> _Entry | None:
    """What a lock file says; None of one that is new, or of no owner of ours."""
    try:
        return msgspec.json.decode(content, type=_Entry)
    except msgspec.DecodeError:
        return None
