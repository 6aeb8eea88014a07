"""Compiles functions to machine code, once per version of the kernel, and keeps the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

from sycee.services.ledger.adapters.embedded.kernel.cache import FOLDER

Given = ParamSpec("Given")
Found = TypeVar("Found")

vars(numba.config)["CACHE_DIR"] = str(FOLDER)

_SETTINGS = {"error_model": "numpy", "boundscheck": False, "nogil": True}
_njit = vars(numba)["njit"]


def part(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """A function that other compiled functions call."""
    return _njit(**_SETTINGS)(function)


inlined = part
"""A few operations with a name: the compiler puts them where they are used."""


def entry(*arguments: object) -> Callable[[Callable[Given, Found]], Callable[Given, Found]]:
    """A function that Python calls, compiled for arguments like these and for no others."""
    typeof = vars(numba)["typeof"]
    signature = tuple(typeof(argument) for argument in arguments)

    def compiled(function: Callable[Given, Found]) -> Callable[Given, Found]:
        return _njit([signature], cache=True, **_SETTINGS)(function)

    return compiled
