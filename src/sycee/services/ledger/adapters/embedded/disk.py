"""A folder and its files, as narrow as a journal needs them, so that a test can break them."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

SECTOR = 512
"""What a disk writes whole or not at all."""

_FILL = bytes(1 << 20)


class InUse(Exception):
    """Another process holds the lock."""


class File(Protocol):
    """An open file. Every error of the disk is an ``OSError``."""

    @property
    def size(self) -> int:
        """Bytes in it."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes; fewer only at the end."""
        ...

    def read_into(self, offset: int, into: memoryview) -> None:
        """Fill a buffer; ``OSError`` when the file ends before."""
        ...

    def write(self, offset: int, content: bytes | memoryview) -> None:
        """Write all of it."""
        ...

    def cut(self, size: int) -> None:
        """Make the file end there."""
        ...

    def sync(self) -> None:
        """Return when everything that was written, and the size, is on disk."""
        ...

    def forget(self) -> None:
        """Have the next reads come from the disk, not from memory.

        After a sync that failed, memory may show what the disk never got.
        """
        ...

    def close(self) -> None:
        """Close it, once or more; a lock on it ends."""
        ...


class Disk(Protocol):
    """One folder. What ``create``, ``rename`` and ``remove`` did is on disk after ``sync``."""

    def names(self) -> Sequence[str]:
        """Its files, in order."""
        ...

    def open(self, name: str) -> File:
        """A file that is there."""
        ...

    def create(self, name: str, size: int) -> File:
        """A file of so many zeros, on disk when this returns, though not yet its name.

        The zeros are written, not only reserved: else each later write would also have to change
        what the disk notes of the file. One of that name is replaced.
        """
        ...

    def lock(self, name: str) -> File:
        """A file, made where it is missing, that no other process has locked; else ``InUse``."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in one step; one of that name is replaced."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file."""
        ...

    def sync(self) -> None:
        """Return when the names are on disk."""
        ...


class Folder:
    """A ``Disk`` of the operating system."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        _sync_folder(path.parent)
        self._path = path

    def names(self) -> Sequence[str]:
        return sorted(path.name for path in self._path.iterdir() if path.is_file())

    def open(self, name: str) -> File:
        return _File(os.open(self._path / name, os.O_RDWR | os.O_CLOEXEC))

    def create(self, name: str, size: int) -> File:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        file = _File(os.open(self._path / name, flags, 0o600))
        try:
            for offset in range(0, size, len(_FILL)):
                file.write(offset, memoryview(_FILL)[: size - offset])
            file.sync()
        except BaseException:
            file.close()
            raise
        return file

    def lock(self, name: str) -> File:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        file = _File(os.open(self._path / name, flags, 0o600))
        try:
            fcntl.flock(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            file.close()
            raise InUse(name) from held
        return file

    def rename(self, old: str, new: str) -> None:
        (self._path / old).rename(self._path / new)

    def remove(self, name: str) -> None:
        (self._path / name).unlink()

    def sync(self) -> None:
        _sync_folder(self._path)


class _File:
    """A ``File`` of the operating system."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        found = os.pread(self.descriptor, size, offset)
        if len(found) in (0, size):
            return found
        parts = [found]
        while found and (missing := size - sum(map(len, parts))):
            found = os.pread(self.descriptor, missing, offset + size - missing)
            parts.append(found)
        return b"".join(parts)

    def read_into(self, offset: int, into: memoryview) -> None:
        while into:
            count = os.preadv(self.descriptor, [into], offset)
            if not count:
                raise OSError(errno.EIO, "a file ends early")
            into, offset = into[count:], offset + count

    def write(self, offset: int, content: bytes | memoryview) -> None:
        rest = memoryview(content)
        while rest:
            count = os.pwrite(self.descriptor, rest, offset)
            rest, offset = rest[count:], offset + count

    def cut(self, size: int) -> None:
        os.ftruncate(self.descriptor, size)

    def sync(self) -> None:
        if sys.platform == "darwin":
            fcntl.fcntl(self.descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(self.descriptor)

    def forget(self) -> None:
        if sys.platform == "linux":
            os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def close(self) -> None:
        # Closing twice could close what another has opened meanwhile.
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
