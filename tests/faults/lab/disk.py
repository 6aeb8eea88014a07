"""A disk that can lose power: an ext4 file system in a file, shut down in the middle of things.

The cut is the kernel's own: the file system stops at once and forgets what it had not written
(``EXT4_IOC_SHUTDOWN`` without flushing). What then is on the disk is what a power failure leaves,
but for a disk's own cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING = 2
SIZE_MIB = 512
PROGRAMS = ("mkfs.ext4", "losetup", "mount", "umount")


class CannotCut(Exception):
    """This machine does not let us make and break disks; the text says why."""


class Disk:
    """A mounted disk of its own."""

    def __init__(self, image: Path, mounted: Path) -> None:
        self.mounted = mounted
        self._image = image

    def cut(self) -> None:
        """Lose power: nothing that is not on the disk now will ever be."""
        handle = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        finally:
            os.close(handle)

    def come_back(self) -> None:
        """Have power again: unmount what is left and mount what is on the disk."""
        _run("umount", str(self.mounted))
        self.mount()

    def mount(self) -> None:
        """Mount it through a loop device."""
        _run("mount", "-o", "loop", str(self._image), str(self.mounted))


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A new disk for the length of a block; raises ``CannotCut``."""
    check_possible()
    image, mounted = folder / "disk.img", folder / "disk"
    with image.open("wb") as file:
        file.truncate(SIZE_MIB * 2**20)
    mounted.mkdir()
    _run("mkfs.ext4", "-q", "-F", str(image))
    made = Disk(image, mounted)
    made.mount()
    try:
        yield made
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=False, capture_output=True)


def check_possible() -> None:
    """Raise ``CannotCut`` unless disks can be made and broken here."""
    if os.geteuid() != 0:
        raise CannotCut("only root may mount and shut down a disk")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise CannotCut(f"{missing[0]} is not installed")
    if not Path("/dev/loop-control").exists():
        raise CannotCut("there are no loop devices")


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CannotCut(f"{' '.join(command)}: {done.stderr.strip()}")
