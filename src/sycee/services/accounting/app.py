"""Builds accounting over a ledger, whichever its engine."""

from __future__ import annotations

from sycee.runtime.host import Host
from sycee.services.accounting.contract import Accounting
from sycee.services.accounting.jobs import keep_settling
from sycee.services.accounting.service.parts import Parts, Settings
from sycee.services.accounting.service.whole import AccountingService
from sycee.services.ledger.contract import Ledger

__all__ = ["RECEIPTS_SECRET", "Settings", "build"]

RECEIPTS_SECRET = "ledger-receipts"  # noqa: S105 - the name of a secret
"""The seed of the Ed25519 key that signs receipts."""


async def build(host: Host, settings: Settings, ledger: Ledger) -> Accounting:
    """The books of all owners over this host's database."""
    parts = Parts(settings, await host.database("accounting"), host.clock, host.ids, ledger)
    service = AccountingService(parts, host.secret(RECEIPTS_SECRET)[:32])
    host.job("accounting.settle", lambda: keep_settling(service.posting, parts))
    return service
