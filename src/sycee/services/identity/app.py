"""Builds identity: its database, its pepper, and the job that notes when keys were used."""

from __future__ import annotations

import asyncio

import msgspec

from sycee.runtime.host import Host
from sycee.services.identity.contract import Identity
from sycee.services.identity.service import IdentityService


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the identity service."""

    remember_s: float = 0.5
    """Seconds for which a caller is remembered; a revoked key may live that long elsewhere."""
    last_used_every_s: float = 30.0
    """Seconds between two notes of which keys were used."""


async def build(host: Host, settings: Settings) -> Identity:
    """Merchants and keys over this host's database."""
    service = IdentityService(
        await host.database("identity"),
        host.clock,
        host.ids,
        host.secret("api-keys"),
        settings.remember_s,
    )

    async def note_use() -> None:
        try:
            while True:
                await asyncio.sleep(settings.last_used_every_s)
                await service.keep_last_used()
        finally:
            await service.keep_last_used()

    host.job("identity.last_used", note_use)
    return service
