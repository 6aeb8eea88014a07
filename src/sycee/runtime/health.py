"""Whether this process lives, and whether it should be given work (RE1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from sycee.runtime import logs

Check = Callable[[], Awaitable[object]]
"""Answers when all is well, raises otherwise."""

CHECK_S = 0.5
OK = "ok"

log = logs.logger("health")


class Readiness(msgspec.Struct, frozen=True):
    """Whether to send work here, and what stands in the way."""

    ready: bool
    checks: dict[str, str]
    """Name of a check → ``ok``, or what is wrong."""


class Health:
    """What an orchestrator asks. A process is *live* as long as it can answer at all; it is
    *ready* between start and drain while every check passes."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._failing: set[str] = set()
        self._accepting = False

    def check(self, name: str, ask: Check) -> None:
        """Make readiness depend on ``ask``, which gets half a second to answer."""
        self._checks[name] = ask

    def accept(self) -> None:
        """The process is built: let work come."""
        self._accepting = True

    def refuse(self) -> None:
        """The process drains: let work go elsewhere."""
        self._accepting = False

    async def ready(self) -> Readiness:
        """Run all checks at once."""
        if not self._accepting:
            return Readiness(False, {"process": "starting or draining"})
        outcomes = await asyncio.gather(*(self._run(*check) for check in self._checks.items()))
        checks = dict(zip(self._checks, outcomes, strict=True))
        return Readiness(all(outcome == OK for outcome in outcomes), checks)

    async def _run(self, name: str, ask: Check) -> str:
        try:
            async with asyncio.timeout(CHECK_S):
                await ask()
        except Exception as fault:  # noqa: BLE001 - whatever a check raises is its answer
            return self._fail(name, fault)
        self._failing.discard(name)
        return OK

    def _fail(self, name: str, fault: Exception) -> str:
        if name not in self._failing:
            self._failing.add(name)
            log.fault("check_fails", check=name)
        return type(fault).__name__
