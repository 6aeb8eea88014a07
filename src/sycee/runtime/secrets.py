"""Secrets in files: private ones only, and never half written."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_STRANGERS = 0o007


class Unsafe(Exception):
    """A secret is absent, too short or open to strangers; nothing may start with it (SE7)."""


def read(path: Path) -> bytes:
    """The contents of a file that strangers cannot read."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise Unsafe(f"the secret {path} does not exist") from None
    if mode & _STRANGERS:
        raise Unsafe(f"the secret {path} is open to every user of this machine; chmod 600 it")
    return path.read_bytes()


def of_size(path: Path, size: int) -> bytes:
    """The file's secret, which must be at least ``size`` bytes long and not all the same."""
    secret = read(path)
    if len(secret) < size or len(set(secret)) == 1:
        raise Unsafe(f"the secret {path} must hold {size} random bytes")
    return secret


def make(path: Path, size: int) -> None:
    """Write a fresh random secret, unless another process was first. Whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(size))
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
