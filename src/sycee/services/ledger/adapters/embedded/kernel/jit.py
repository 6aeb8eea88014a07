"""Compiles functions to machine code, once per version of the kernel, and keeps the result."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar, cast

import numba
from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])

_HERE = Path(__file__).parent


def _version() -> str:
    """What the machine code depends on: every source of the kernel, and who compiles it."""
    digest = sha256(f"{numba.__version__} {sys.version_info[:2]}".encode())
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _cache() -> Path:
    """A folder that can be written; Numba's own check sees one source only, ours sees all."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    for place in (_HERE / "__pycache__", Path(home) / "sycee"):
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place / f"kernel-{_version()}"
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"sycee-kernel-{_version()}"  # noqa: S108


CACHE = _cache()
numba.config.CACHE_DIR = str(CACHE)

_SETTINGS = {"error_model": "numpy", "boundscheck": False, "nogil": True}


def part(function: Function) -> Function:
    """A function that other compiled functions call."""
    return cast(Function, njit(**_SETTINGS)(function))


def inlined(function: Function) -> Function:
    """A few operations with a name."""
    return cast(Function, njit(**_SETTINGS)(function))


def entry(*arguments: object) -> Callable[[Function], Function]:
    """A function that Python calls, compiled for arguments like these and for no others."""
    signature = tuple(numba.typeof(argument) for argument in arguments)

    def compiled(function: Function) -> Function:
        return cast(Function, njit([signature], cache=True, **_SETTINGS)(function))

    return compiled
