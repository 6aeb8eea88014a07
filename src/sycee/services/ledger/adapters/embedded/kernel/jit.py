"""Compiles functions to machine code, once per version of the kernel, and keeps the result.

With ``NUMBA_DISABLE_JIT=1`` in the environment all stays plain Python over NumPy, a thousand times
slower: so that a tool can see which lines run, and a changed line needs no compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import numba
import numpy as np

from sycee.services.ledger.adapters.embedded.kernel.cache import FOLDER, note_compiled

Given = ParamSpec("Given")
Found = TypeVar("Found")

vars(numba.config)["CACHE_DIR"] = str(FOLDER)

_SETTINGS = {"error_model": "numpy", "boundscheck": False, "nogil": True}
_njit = vars(numba)["njit"]

IS_COMPILED: Final = not vars(numba.config)["DISABLE_JIT"]


def part(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """A function that other compiled functions call."""
    return _njit(**_SETTINGS)(function)


def entry(*arguments: object) -> Callable[[Callable[Given, Found]], Callable[Given, Found]]:
    """A function that Python calls, compiled for arguments like these and for no others."""
    typeof = vars(numba)["typeof"]
    signature = tuple(typeof(argument) for argument in arguments)

    def compiled(function: Callable[Given, Found]) -> Callable[Given, Found]:
        if not IS_COMPILED:
            # Words wrap around, on purpose; machine code does not warn of that.
            return np.errstate(over="ignore")(function)
        return _njit([signature], cache=True, **_SETTINGS)(function)

    return compiled


def all_compiled() -> None:
    """Every entry has been made: unless they were left uncompiled, the next start is quick."""
    if IS_COMPILED:
        note_compiled()
