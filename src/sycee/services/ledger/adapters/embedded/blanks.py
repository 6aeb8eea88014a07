"""Files full of zeros for the segments to come, made ahead of time by another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from sycee.services.ledger.adapters.embedded.disk import Disk, File

Beside = Callable[[Callable[[], None]], Callable[[], None]]
"""Begins work in another thread; what it gives back waits for its end."""

_PREFIX = "next-"


def in_thread(work: Callable[[], None]) -> Callable[[], None]:
    """Do it in a thread of its own."""
    thread = threading.Thread(target=work, name="next segment", daemon=True)
    thread.start()
    return thread.join


def blank_name(epoch: int) -> str:
    """What an owner's blank file is called."""
    return f"{_PREFIX}{epoch:010}"


def is_blank_name(name: str) -> bool:
    """Whether a file is some owner's blank."""
    return name.startswith(_PREFIX)


class Blanks:
    """One owner's blank files, one at a time, each twice as large as the one before."""

    def __init__(self, disk: Disk, epoch: int, sizes: tuple[int, int], beside: Beside) -> None:
        self.name = blank_name(epoch)
        self._disk = disk
        self._size, self._size_max = sizes
        self._beside = beside
        self._file: File | None = None
        self._fault: OSError | None = None
        self._wait = beside(self._make)

    def take(self, size: int) -> File:
        """A file of at least this size; raises what making it raised."""
        self._wait()
        if self._file is not None and self._file.size < size:
            self.discard()
            self._size = size
            self._make()
        if self._file is None:
            assert self._fault is not None, "a file is made, or it is known why not"
            raise self._fault
        taken, self._file = self._file, None
        return taken

    def make_next(self) -> None:
        """The one that was taken has its own name now: begin to make another."""
        self._size = min(2 * self._size, self._size_max)
        self._wait = self._beside(self._make)

    def discard(self) -> None:
        """Remove the file that nobody took."""
        self._wait()
        if self._file is not None:
            self._file.close()
            self._file = None
            with suppress(OSError):
                self._disk.remove(self.name)

    def _make(self) -> None:
        try:
            self._file = self._disk.create(self.name, self._size)
        except OSError as fault:
            self._fault = fault
