"""Builds payments over its rail, with its neighbours and its jobs."""

from __future__ import annotations

from sycee.runtime.host import Host, Profile
from sycee.services.fraud.contract import Fraud
from sycee.services.ledger.contract import Ledger
from sycee.services.notify.contract import EVENTS_TOPIC
from sycee.services.payments import jobs
from sycee.services.payments.adapters.rail import Rail
from sycee.services.payments.adapters.testcard import app as testcard
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.contract import Payments
from sycee.services.payments.service.events import Events
from sycee.services.payments.service.once import Once
from sycee.services.payments.service.parts import Parts, Settings
from sycee.services.payments.service.searching import Indexer
from sycee.services.payments.service.whole import PaymentsService
from sycee.services.validation.contract import Validation
from sycee.services.vault.contract import Vault

__all__ = ["Behaviour", "Settings", "build"]


async def build(
    host: Host,
    settings: Settings,
    behaviour: Behaviour,
    vault: Vault,
    validation: Validation,
    fraud: Fraud,
    ledger: Ledger,
) -> Payments:
    """Payments over the simulated acquirer; its jobs begin with the host."""
    rail = await testcard.build(host, vault, behaviour)
    return await build_over(host, settings, rail, vault, validation, fraud, ledger)


async def build_over(
    host: Host,
    settings: Settings,
    rail: Rail,
    vault: Vault,
    validation: Validation,
    fraud: Fraud,
    ledger: Ledger,
) -> PaymentsService:
    """Payments over any rail."""
    database = await host.database("payments")
    raw_cards = settings.raw_cards
    parts = Parts(
        settings=settings,
        takes_raw_cards=host.profile is Profile.DEV if raw_cards is None else raw_cards,
        database=database,
        clock=host.clock,
        ids=host.ids,
        once=Once(database, host.clock),
        events=Events(host.clock, host.ids),
        rail=rail,
        vault=vault,
        validation=validation,
        fraud=fraud,
        ledger=ledger,
    )
    service = PaymentsService(parts)
    host.job("payments.sweep", lambda: jobs.keep_sweeping(service, parts))
    host.job("payments.lapse", lambda: jobs.keep_lapsing(service, parts))
    host.job("payments.mature", lambda: jobs.keep_maturing(service, parts))
    host.job("payments.dispute", lambda: jobs.keep_disputing(service, parts))
    host.job("payments.forget_keys", lambda: jobs.keep_forgetting(parts))
    indexer = Indexer(parts)
    host.subscribe(EVENTS_TOPIC, "payments_search", indexer.receive)
    host.job("payments.look_through", lambda: jobs.keep_looking_through(indexer))
    return service
