"""Builds the public REST application from services, and serves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from sycee.gateway.access import Access
from sycee.gateway.api.bank_page import BankPage
from sycee.gateway.api.health import Health
from sycee.gateway.edge.limits import Limits
from sycee.gateway.edge.server import Server
from sycee.gateway.links import Links
from sycee.gateway.pipeline import Dialect, Pipeline
from sycee.gateway.problems import ProblemDialect, problem
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, Table
from sycee.gateway.simple import SimplePayments
from sycee.gateway.stripe.accounts import Accounts
from sycee.gateway.stripe.balance import Balances
from sycee.gateway.stripe.charges import Charges
from sycee.gateway.stripe.customers import Customers
from sycee.gateway.stripe.errors import StripeDialect, error_answer, error_object
from sycee.gateway.stripe.events import Events
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.payment_intents.routes import PaymentIntents
from sycee.gateway.stripe.payment_methods import PaymentMethods
from sycee.gateway.stripe.refunds import Refunds
from sycee.gateway.stripe.setup_intents import SetupIntents
from sycee.gateway.stripe.shapes import Public
from sycee.gateway.stripe.webhook_endpoints import WebhookEndpoints
from sycee.kernel.refusal import Refusal
from sycee.runtime.host import Host, Profile
from sycee.services.identity.contract import Identity
from sycee.services.notify.contract import Notify
from sycee.services.payments.contract import Payments


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``[gateway]`` section."""

    public_url: str = ""
    """Base address in links that callers follow; empty means the address that is listened on."""
    limits: Limits = Limits()
    """Bounds on connections and requests."""


async def _always() -> bool:
    return True


class Gateway:
    """The application and what serving it needs."""

    def __init__(self, app: Pipeline, table: Table, links: Links, limits: Limits) -> None:
        self.app = app
        self.table = table
        self._links = links
        self._limits = limits

    async def serve(self, host: str, port: int) -> Server:
        """Open the door; ``Server.drain`` closes it."""
        server = Server(self.app, self._limits, self._refusal)
        await server.start(host, port)
        if not self._links.base_url:
            self._links.base_url = f"http://{host}:{server.port}"
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
    ready: Callable[[], Awaitable[bool]] = _always,
) -> Gateway:
    """The REST doors over these services; ``ready`` says whether they can work now."""
    links = Links(settings.public_url.rstrip("/"))
    table = Table(_routes(host.profile, payments, notify, links, ready))
    dialects: dict[str, Dialect] = {"v1": StripeDialect(payments, links), "": ProblemDialect()}
    access = Access(identity, host.clock)
    app = Pipeline(table, access, host.ids, dialects, settings.limits.in_flight_max)
    return Gateway(app, table, links, settings.limits)


def _routes(
    profile: Profile,
    payments: Payments,
    notify: Notify,
    links: Links,
    ready: Callable[[], Awaitable[bool]],
) -> list[Route]:
    bank = [] if profile is Profile.PRODUCTION else BankPage(payments).routes()
    return [
        *_stripe(payments, notify, links),
        *SimplePayments(payments, links).routes(),
        *Health(ready).routes(),
        *bank,
    ]


def _stripe(payments: Payments, notify: Notify, links: Links) -> list[Route]:
    expander = Expander()
    charges, refunds = Charges(payments, expander), Refunds(payments, expander)

    async def source(request: Request, id: str) -> Public:
        """What a balance transaction came from."""
        return await (refunds if id.startswith("re_") else charges).fetch(request, id)

    expander.fetches("source", source)
    return [
        *PaymentIntents(payments, expander, links).routes(),
        *charges.routes(),
        *refunds.routes(),
        *Customers(payments, expander).routes(),
        *PaymentMethods(payments, expander).routes(),
        *SetupIntents(payments, expander, links).routes(),
        *Balances(payments, expander).routes(),
        *Events(notify, expander, links).routes(),
        *WebhookEndpoints(notify, expander).routes(),
        *Accounts().routes(),
    ]
