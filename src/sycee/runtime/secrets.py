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
    draft = _draft(path, os.urandom(size))
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def replace(path: Path, secret: bytes) -> None:
    """Write a secret in place of any before. Whole or not at all, also when the power fails."""
    _draft(path, secret).replace(path)
    _sync_folder(path.parent)


def _draft(path: Path, secret: bytes) -> Path:
    """The secret on disk, beside where it belongs."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        Path(draft).unlink()
        raise
    return Path(draft)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
