"""``/v1/events``: what happened, as it was told to webhooks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from sycee.gateway.access import VERSION
from sycee.gateway.links import Links
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.charges import render_charge
from sycee.gateway.stripe.customers import render_customer
from sycee.gateway.stripe.disputes import render_dispute
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, created_between, page
from sycee.gateway.stripe.payment_intents.render import render_payment
from sycee.gateway.stripe.payment_methods import render_method
from sycee.gateway.stripe.prices import render_price
from sycee.gateway.stripe.products import render_product
from sycee.gateway.stripe.refunds import render_refund
from sycee.gateway.stripe.setup_intents import render_setup
from sycee.gateway.stripe.shapes import Expanding, Public, Text, listing, unix
from sycee.services.checkout.contract.catalog import Price, Product
from sycee.services.notify.contract import Event, EventId, GetEvent, ListEvents, Notify
from sycee.services.notify.contract import Page as NotifyPage
from sycee.services.payments.contract.customers import Customer, Method, Setup
from sycee.services.payments.contract.disputes import Dispute
from sycee.services.payments.contract.intents import Charge, Payment, Refund

PATH = "/v1/events"

_decode_payment = msgspec.msgpack.Decoder(Payment).decode
_decode_charge = msgspec.msgpack.Decoder(Charge).decode
_decode_refund = msgspec.msgpack.Decoder(Refund).decode
_decode_customer = msgspec.msgpack.Decoder(Customer).decode
_decode_method = msgspec.msgpack.Decoder(Method).decode
_decode_product = msgspec.msgpack.Decoder(Product).decode
_decode_price = msgspec.msgpack.Decoder(Price).decode
_decode_setup = msgspec.msgpack.Decoder(Setup).decode
_decode_dispute = msgspec.msgpack.Decoder(Dispute).decode
_decode_previous = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_value = msgspec.msgpack.Decoder().decode
_encode = msgspec.json.Encoder().encode

Show = Callable[[bytes, Links], Public]

SUBJECTS: dict[str, Show] = {
    "payment": lambda body, links: render_payment(_decode_payment(body), links),
    "charge": lambda body, links: render_charge(_decode_charge(body)),
    "refund": lambda body, links: render_refund(_decode_refund(body)),
    "dispute": lambda body, links: render_dispute(_decode_dispute(body)),
    "customer": lambda body, links: render_customer(_decode_customer(body)),
    "method": lambda body, links: render_method(_decode_method(body)),
    "setup": lambda body, links: render_setup(_decode_setup(body), links),
    "product": lambda body, links: render_product(_decode_product(body)),
    "price": lambda body, links: render_price(_decode_price(body)),
}
"""``Event.subject_kind`` -> how its subject is shown."""


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    type: Text | None = None
    types: list[Text] | None = None
    delivery_success: bool | None = None


class Events:
    """The operations on events."""

    def __init__(self, notify: Notify, expander: Expander, links: Links) -> None:
        self._notify = notify
        self._expander = expander
        self._links = links

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(f"GET {PATH}", self.list_page, Listing, answers="list of event", scope="events"),
            route(f"GET {PATH}/{{id}}", self.retrieve, Expanding, answers="event", scope="events"),
        ]

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve an event."""
        query = GetEvent(request.merchant, EventId(request.arguments["id"]))
        public = event_object(await self._notify.get_event(query), self._links)
        return await self._expander.shown(request, public, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List events, newest first."""
        first, end = created_between(given.created)
        types = tuple(given.types or ()) + ((given.type,) if given.type else ())
        wanted = page(given)
        cursor = NotifyPage(wanted.limit, wanted.starting_after, wanted.ending_before)
        found = await self._notify.list_events(
            ListEvents(request.merchant, cursor, types, first, end, given.delivery_success)
        )
        show = partial(event_object, links=self._links)
        public = listing(PATH, found.events, found.has_more, show)
        return await self._expander.shown(request, public, given.expand)


def render_event(event: Event, links: Links | None = None) -> bytes:
    """The body of a webhook: the event as public JSON, on its way to one endpoint at least."""
    return _encode(event_object(event, links or Links(), pending=1))


def event_object(event: Event, links: Links, pending: int = 0) -> Public:
    """An event as the public ``event`` object."""
    shown: Public = {"object": SUBJECTS[event.subject_kind](event.subject, links)}
    if event.previous:
        members = _decode_previous(event.previous).items()
        shown["previous_attributes"] = {name: _decode_value(value) for name, value in members}
    return {
        "id": event.id,
        "object": "event",
        "api_version": VERSION.decode(),
        "created": unix(event.created),
        "data": shown,
        "livemode": event.livemode,
        "pending_webhooks": pending,
        "request": {"id": event.request, "idempotency_key": event.idempotency_key},
        "type": event.type,
    }
