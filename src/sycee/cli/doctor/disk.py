"""The disk below the data directory."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sycee.assembly.configuration import Configuration
from sycee.cli.doctor.findings import Finding, fail, ok, warn
from sycee.runtime.database.trial import Trial, try_disk

FREE_LEAST, FREE_USUAL = 256 * 2**20, 4 * 2**30
COMMITS_PER_S_USUAL = 100

NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "lustre"),
        *("fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "virtiofs", "beegfs", "gpfs", "orangefs"),
    }
)
"""Whose locks or flushes may not be honest."""
PASSING = {
    "tmpfs": "memory: all is gone at the next boot",
    "ramfs": "memory: all is gone at the next boot",
    "overlay": "a container's own layer: all is gone with the container",
}
_MOUNTS = Path("/proc/self/mountinfo")


def findings(configuration: Configuration) -> Iterator[Finding]:
    """Whether the data directory can be written, how fast, how long it lasts, how much it takes."""
    data = Path(configuration.data).resolve()
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield fail(
            "data directory",
            f"{there} cannot be written by user {os.geteuid()}",
            "Name another one with --data DIR, or give it to that user.",
        )
        return
    yield ok("data directory", str(data) if there == data else f"{data}, made at the first start")
    yield _file_system(there)
    yield _free(there)
    yield _speed(there)


def file_system(folder: Path, mounts: str) -> str:
    """The type of the file system that a folder lies on, from the text of ``mountinfo``."""
    best, found = -1, "unknown"
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4].replace("\\040", " ")
        # Of two mounts on the same point, the later one is seen.
        if folder.is_relative_to(point) and len(point) >= best:
            best, found = len(point), right.split()[0]
    return found


def _file_system(folder: Path) -> Finding:
    try:
        kind = file_system(folder, _MOUNTS.read_text())
    except OSError:
        return ok("file system", "unknown here")
    if kind in NETWORK:
        advice = "Data on a network may lose what was acknowledged: use a disk of this machine."
        return warn("file system", kind, advice)
    if kind in PASSING:
        return warn("file system", f"{kind}, {PASSING[kind]}", "Use a disk, or mount a volume.")
    return ok("file system", kind)


def _free(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    says = f"{free / 2**30:.1f} GiB free"
    if free < FREE_LEAST:
        return fail("disk space", says, "Make room: a full disk stops all payments.")
    if free < FREE_USUAL:
        return warn("disk space", says, "Watch it: a full disk stops all payments.")
    return ok("disk space", says)


def _speed(folder: Path) -> Finding:
    try:
        return graded(try_disk(folder))
    except (OSError, sqlite3.Error) as error:
        return fail("durable writes", str(error), "The disk must take writes; see dmesg.")


def graded(trial: Trial) -> Finding:
    """What a trial of the disk comes to."""
    per_s = trial.commits / trial.took_s
    says = f"{per_s:.0f} commits a second, {1000 / per_s:.2f} ms each"
    if not trial.has_wal:
        return fail("durable writes", "no write-ahead log", "Use a disk of this machine.")
    if per_s < COMMITS_PER_S_USUAL:
        return warn("durable writes", says, "Every payment waits for several: use a faster disk.")
    return ok("durable writes", says)
