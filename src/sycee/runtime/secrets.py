"""Secrets in files: private ones only, and never half written."""

from __future__ import annotations

import os
from pathlib import Path

_PRIVATE = 0o600
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
    """Write a fresh random secret, unless another process was first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    try:
        os.write(descriptor, os.urandom(size))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
