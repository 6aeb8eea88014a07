"""Builds the simulated acquirer over a book of its own."""

from __future__ import annotations

from sycee.runtime.host import Host
from sycee.services.payments.adapters.chaos.rail import ChaosRail
from sycee.services.payments.adapters.chaos.script import script_of
from sycee.services.payments.adapters.rail import Rail
from sycee.services.payments.adapters.testcard.rail import Behaviour, SimulatedAcquirer
from sycee.services.vault.contract import Vault


async def build(host: Host, vault: Vault, behaviour: Behaviour) -> Rail:
    """The rail for test cards, spoiled by its script; its book is the database ``testcard``."""
    rail = SimulatedAcquirer(
        await host.database("testcard"),
        host.clock,
        host.ids,
        vault,
        behaviour,
    )
    if not behaviour.script:
        return rail
    chaos = ChaosRail(rail, script_of(behaviour.script), host.clock)
    host.at_close(chaos.close)
    return chaos
