"""Lets a plain function wait for something asynchronous without holding up the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from greenlet import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
    getcurrent,
    greenlet,
)

from sycee.runtime.database.promise import Result


async def run_waiting(function: Callable[[], Result]) -> Result:
    """Call a function that may ``wait_for`` awaitables; the loop goes on meanwhile."""
    inside = greenlet(function)
    outcome = inside.switch()
    while not inside.dead:
        try:
            outcome = inside.switch(await outcome)
        except BaseException as fault:
            if inside.dead:
                raise
            outcome = inside.throw(fault)
    result: Result = outcome
    return result


def wait_for(awaitable: Awaitable[Result]) -> Result:
    """Inside a function that ``run_waiting`` called: what the awaitable answers or raises."""
    result: Result = getcurrent().parent.switch(awaitable)
    return result
