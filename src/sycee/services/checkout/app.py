"""Builds checkout over this host's database."""

from __future__ import annotations

from sycee.runtime.host import Host
from sycee.services.checkout.contract import Checkout
from sycee.services.checkout.jobs import keep_forgetting
from sycee.services.checkout.service.catalog import CatalogService
from sycee.services.checkout.service.parts import Parts, Settings

__all__ = ["Settings", "build"]


async def build(host: Host, settings: Settings) -> Checkout:
    """The catalogue; its job begins with the host."""
    parts = Parts(settings, await host.database("checkout"), host.clock, host.ids)
    host.job("checkout.forget_keys", lambda: keep_forgetting(parts))
    return CatalogService(parts)
