"""Builds the vault over its database and its keeper of keys."""

from __future__ import annotations

from sycee.runtime import entropy
from sycee.runtime.host import Host
from sycee.services.vault import store
from sycee.services.vault.adapters.keeper import KeyMissing
from sycee.services.vault.adapters.sealed_file import SealedFile
from sycee.services.vault.contract import Vault
from sycee.services.vault.service import Settings, VaultService

__all__ = ["KeyMissing", "Settings", "build"]

RING = "vault-keys"


async def build(host: Host, settings: Settings) -> Vault:
    """Card numbers over this host's database; a rotation that was broken off is finished first."""
    database = await host.database("vault")
    keeper = SealedFile(host.path(RING), host.secret("vault-seal"), host.clock, entropy.take)
    await keeper.open(may_begin=not await database.read(store.has_keys))
    service = VaultService(
        settings,
        database,
        keeper,
        host.clock,
        host.ids,
        entropy.take,
        host.secret("card-fingerprint"),
    )
    await service.begin()
    return service
