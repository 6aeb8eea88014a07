"""A process takes work only between start and drain, and only while its checks pass."""

from __future__ import annotations

import asyncio

from sycee.runtime.health import Health


class Disk:
    """Something that may be away."""

    away = False

    async def ask(self) -> None:
        if self.away:
            raise OSError("away")


async def test_not_ready_before_start_and_after_drain_begins() -> None:
    """RE1, RE2."""
    health = Health()
    assert not (await health.ready()).ready
    health.accept()
    assert (await health.ready()).ready
    health.refuse()
    assert not (await health.ready()).ready


async def test_readiness_follows_a_check() -> None:
    """RE1."""
    health, disk = Health(), Disk()
    health.check("disk", disk.ask)
    health.accept()
    assert (await health.ready()).checks == {"disk": "ok"}
    disk.away = True
    lost = await health.ready()
    assert (lost.ready, lost.checks) == (False, {"disk": "OSError"})
    disk.away = False
    assert (await health.ready()).ready


async def test_a_check_that_hangs_fails() -> None:
    """RE1: readiness is told within a second."""
    health = Health()
    health.check("disk", asyncio.Event().wait)
    health.accept()
    assert (await health.ready()).checks == {"disk": "TimeoutError"}
