"""The page that wires the system, by plain typed calls, in order of who may ask whom.

What belongs to the gateway is imported where it is needed: a process without public doors would
take twice as long to start with them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sycee.assembly.configuration import Configuration
from sycee.runtime import rpc, tls
from sycee.runtime.floor import Floor
from sycee.services.accounting import app as accounting_app
from sycee.services.accounting.contract import Accounting
from sycee.services.checkout import app as checkout_app
from sycee.services.checkout.contract import Checkout
from sycee.services.fraud import app as fraud_app
from sycee.services.fraud.contract import Fraud
from sycee.services.identity import app as identity_app
from sycee.services.identity.contract import Identity
from sycee.services.ledger import app as ledger_app
from sycee.services.ledger.contract import Ledger
from sycee.services.notify import app as notify_app
from sycee.services.notify.contract import Notify
from sycee.services.payments import app as payments_app
from sycee.services.payments.contract import Payments
from sycee.services.validation import app as validation_app
from sycee.services.validation.contract import Validation
from sycee.services.vault import app as vault_app
from sycee.services.vault.contract import Vault

if TYPE_CHECKING:
    from sycee.gateway.app import Gateway
    from sycee.gateway.grpc.door import Door

Contract = TypeVar("Contract")

GATEWAY = "gateway"
SERVICES = (
    "identity",
    "validation",
    "fraud",
    "ledger",
    "accounting",
    "vault",
    "payments",
    "checkout",
    "notify",
    GATEWAY,
)
"""Everything that can live in a process; a service asks only those before it."""


class Assembled(NamedTuple):
    """What lives in this process."""

    services: dict[str, tuple[type, object]]
    """Name: contract and implementation, as the inner door serves them."""
    identity: Identity
    doors: Doors | None
    """The public ones, when the gateway lives here."""


class Doors(NamedTuple):
    """The public doors, still closed."""

    rest: Gateway
    grpc: Door


async def assemble(floor: Floor, configuration: Configuration, here: Collection[str]) -> Assembled:
    """Build the services that live ``here``, before stand-ins for all others."""
    local: dict[str, tuple[type, object]] = {}

    async def place(
        name: str, contract: type[Contract], build: Callable[[], Awaitable[Contract]]
    ) -> Contract:
        if name in here:
            service = await build()
            local[name] = (contract, service)
            return service
        stand_in = rpc.remote(name, contract, address(configuration, name), keys)
        floor.at_close(partial(rpc.disconnect, stand_in))
        if GATEWAY in here:
            floor.health.check(f"service {name}", partial(rpc.check, stand_in))
        return stand_in

    keys = tls_of(configuration)
    c = configuration
    identity = await place("identity", Identity, lambda: identity_app.build(floor, c.identity))
    validation = await place(
        "validation", Validation, lambda: validation_app.build(floor, c.validation, identity)
    )
    fraud = await place("fraud", Fraud, lambda: fraud_app.build(floor, c.fraud))
    is_alone = set(here) == {"ledger"}
    ledger = await place("ledger", Ledger, lambda: ledger_app.build(floor, c.ledger, is_alone))
    accounting = await place(
        "accounting", Accounting, lambda: accounting_app.build(floor, c.accounting, ledger)
    )
    vault = await place("vault", Vault, lambda: vault_app.build(floor, c.vault))
    payments = await place(
        "payments",
        Payments,
        lambda: payments_app.build(floor, c.payments, c.testcard, vault, validation, fraud, ledger),
    )
    checkout = await place("checkout", Checkout, lambda: checkout_app.build(floor, c.checkout))
    notify = await place("notify", Notify, lambda: _build_notify(floor, c))
    if GATEWAY not in here:
        return Assembled(local, identity, None)
    from sycee.gateway import app as gateway_app
    from sycee.gateway.access import Access
    from sycee.gateway.grpc.door import Door

    rest = await gateway_app.build(
        floor,
        c.gateway,
        identity,
        payments,
        notify,
        fraud,
        accounting,
        checkout,
        floor.health.ready,
    )
    behind = {"payments": payments, "ledger": ledger}
    access = Access(identity, floor.clock)
    grpc = Door(access, rest.turnstile, behind, floor.ids, c.gateway.ledger_decoder)
    return Assembled(local, identity, Doors(rest, grpc))


async def _build_notify(floor: Floor, configuration: Configuration) -> Notify:
    from sycee.gateway.links import Links
    from sycee.gateway.stripe.events import render_event

    links = Links(configuration.gateway.public_url.rstrip("/"))
    return await notify_app.build(
        floor, configuration.notify, lambda event: render_event(event, links)
    )


def address(configuration: Configuration, service: str) -> str:
    """Where a service in another process is reached."""
    configured: str = getattr(configuration.addresses, service)
    return configured or f"unix:{sockets(configuration) / service}.sock"


def sockets(configuration: Configuration) -> Path:
    """The folder of the services' sockets."""
    return configuration.folder / "run"


def tls_of(configuration: Configuration) -> tls.Tls | None:
    """What this process shows to its neighbours, when TLS is configured."""
    files = configuration.tls
    if not files.certificate:
        return None
    return tls.load(Path(files.certificate), Path(files.key), Path(files.authority))
