"""Builds the public REST application from services, and serves it."""

from __future__ import annotations

from typing import cast

import msgspec

from sycee.gateway.access import Access
from sycee.gateway.api.bank_page import BankPage
from sycee.gateway.api.blocks import BlockList
from sycee.gateway.api.bulk import BulkPayments
from sycee.gateway.api.deliveries import Deliveries
from sycee.gateway.api.health import Health, Ready
from sycee.gateway.api.internal import Internal
from sycee.gateway.api.ledger import doors as ledger_doors
from sycee.gateway.api.merchants import Merchants
from sycee.gateway.api.reference import Reference
from sycee.gateway.api.rehearsals import Rehearsals
from sycee.gateway.api.signing_keys import EndpointKeys
from sycee.gateway.api.velocity import VelocityDoor
from sycee.gateway.edge.limits import Limits
from sycee.gateway.edge.server import Server
from sycee.gateway.links import Links
from sycee.gateway.pipeline import Dialect, Pipeline
from sycee.gateway.problems import ProblemDialect, problem
from sycee.gateway.rates import Turnstile
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, Table
from sycee.gateway.settings import Settings
from sycee.gateway.simple import SimplePayments
from sycee.gateway.stripe.accounts import Accounts
from sycee.gateway.stripe.balance import Balances
from sycee.gateway.stripe.charges import Charges
from sycee.gateway.stripe.customers import Customers
from sycee.gateway.stripe.disputes import Disputes
from sycee.gateway.stripe.errors import StripeDialect, error_answer, error_object
from sycee.gateway.stripe.events import Events
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.payment_intents.routes import PaymentIntents
from sycee.gateway.stripe.payment_methods import PaymentMethods
from sycee.gateway.stripe.prices import Prices
from sycee.gateway.stripe.products import Products
from sycee.gateway.stripe.refunds import Refunds
from sycee.gateway.stripe.searches import Searches
from sycee.gateway.stripe.setup_intents import SetupIntents
from sycee.gateway.stripe.shapes import Public
from sycee.gateway.stripe.webhook_endpoints import WebhookEndpoints
from sycee.kernel.refusal import Refusal
from sycee.runtime.health import Readiness
from sycee.runtime.host import Host, Profile
from sycee.services.accounting.contract import Accounting
from sycee.services.checkout.contract import Checkout
from sycee.services.fraud.contract import Fraud
from sycee.services.identity.contract import Identity
from sycee.services.notify.contract import Notify
from sycee.services.payments.contract import Payments

__all__ = ["Behind", "Gateway", "Settings", "build", "documented_routes"]


async def _always() -> Readiness:
    return Readiness(True, {})


class Gateway:
    """The public application, the operators' one beside it, and what serving them needs."""

    def __init__(
        self,
        app: Pipeline,
        internal: Pipeline,
        turnstile: Turnstile,
        links: Links,
        limits: Limits,
    ) -> None:
        self.app = app
        self.turnstile = turnstile
        self._internal = internal
        self._links = links
        self._limits = limits

    async def serve(self, host: str, port: int) -> Server:
        """Open the public door; ``Server.drain`` closes it."""
        server = await self._open(self.app, host, port)
        if not self._links.base_url:
            self._links.base_url = f"http://{host}:{server.port}"
        return server

    async def serve_internal(self, host: str, port: int) -> Server:
        """Open the operators' door: metrics, and readiness with its reasons."""
        return await self._open(self._internal, host, port)

    async def _open(self, app: Pipeline, host: str, port: int) -> Server:
        server = Server(app, self._limits, self._refusal, app)
        await server.start(host, port)
        return server

    def _refusal(self, path: str, refusal: Refusal) -> Answer:
        """A refusal before routing, in the dialect of the path."""
        if path.startswith("/v1/"):
            return error_answer(refusal, error_object(refusal, self._links))
        return problem(self.app.new_request_id(), refusal)


async def build(
    host: Host,
    settings: Settings,
    identity: Identity,
    payments: Payments,
    notify: Notify,
    fraud: Fraud,
    accounting: Accounting,
    checkout: Checkout,
    ready: Ready = _always,
) -> Gateway:
    """The REST doors over these services; ``ready`` says whether they can work now."""
    links = Links(settings.public_url.rstrip("/"))
    access = Access(identity, host.clock)
    turnstile = Turnstile(host.clock.monotonic_s, settings.rates)
    dialects: dict[str, Dialect] = {"v1": StripeDialect(payments, links), "": ProblemDialect()}
    behind = Behind(identity, payments, notify, fraud, accounting, checkout, ready)
    documented = _documented(behind, links)
    public = [
        *documented,
        *(Reference(documented).routes() if settings.public_docs else ()),
        *(() if host.profile is Profile.PRODUCTION else BankPage(payments).routes()),
    ]
    internal = [*Internal(ready).routes(), *Reference(documented).routes()]
    most = settings.limits.in_flight_max
    app, operators = (
        Pipeline(Table(routes), access, turnstile, host.ids, dialects, most)
        for routes in (public, internal)
    )
    return Gateway(app, operators, turnstile, links, settings.limits)


class Behind(msgspec.Struct, frozen=True):
    """The services behind the doors."""

    identity: Identity
    payments: Payments
    notify: Notify
    fraud: Fraud
    accounting: Accounting
    checkout: Checkout
    ready: Ready


def documented_routes() -> list[Route]:
    """The routes of the OpenAPI document. Nobody stands behind them: they are not for serving."""
    nobody = Behind(
        cast(Identity, None),
        cast(Payments, None),
        cast(Notify, None),
        cast(Fraud, None),
        cast(Accounting, None),
        cast(Checkout, None),
        _always,
    )
    return _documented(nobody, Links())


def _documented(behind: Behind, links: Links) -> list[Route]:
    return [
        *_stripe(behind.payments, behind.notify, behind.checkout, links),
        *SimplePayments(behind.payments, links).routes(),
        *BulkPayments(behind.payments, links).routes(),
        *Merchants(behind.identity).routes(),
        *Deliveries(behind.notify).routes(),
        *Rehearsals(behind.payments).routes(),
        *VelocityDoor(behind.payments, behind.identity).routes(),
        *EndpointKeys(behind.notify).routes(),
        *BlockList(behind.fraud).routes(),
        *ledger_doors.routes(behind.accounting),
        *Health(behind.ready).routes(),
    ]


def _stripe(payments: Payments, notify: Notify, checkout: Checkout, links: Links) -> list[Route]:
    expander = Expander()
    charges, refunds = Charges(payments, expander), Refunds(payments, expander)
    disputes = Disputes(payments, expander)

    async def source(request: Request, id: str) -> Public:
        """What a balance transaction came from."""
        if id.startswith("dp_"):
            return await disputes.fetch(request, id)
        return await (refunds if id.startswith("re_") else charges).fetch(request, id)

    expander.fetches("source", source)
    return [
        *PaymentIntents(payments, expander, links).routes(),
        *Searches(payments, expander, links).routes(),
        *charges.routes(),
        *refunds.routes(),
        *disputes.routes(),
        *Customers(payments, expander).routes(),
        *PaymentMethods(payments, expander).routes(),
        *SetupIntents(payments, expander, links).routes(),
        *Products(checkout, expander).routes(),
        *Prices(checkout, expander).routes(),
        *Balances(payments, expander).routes(),
        *Events(notify, expander, links).routes(),
        *WebhookEndpoints(notify, expander).routes(),
        *Accounts().routes(),
    ]
