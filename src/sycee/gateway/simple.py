"""``/payment/create`` and ``/payment/query``: the first page of the tutorial."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.links import Links
from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.shapes import Amount, Id, Public, Text, unix
from sycee.kernel.money import Money, currency
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.intents import (
    CaptureMethod,
    CreatePayment,
    Payment,
    PaymentFields,
    PaymentQuery,
)
from sycee.services.payments.contract.shared import CustomerId, MethodId, PaymentId

NUMBER_DIGITS_MAX = 18

_encode = msgspec.json.Encoder().encode


class Creating(msgspec.Struct, frozen=True):
    """A payment to be taken now."""

    amount: Amount
    currency: Annotated[str, Meta(max_length=3)]
    payment_method: Id
    description: Text | None = None
    customer: Id | None = None
    metadata: dict[str, str] | None = None
    receipt_email: Text | None = None
    capture: bool = True
    """False only authorizes: capture later."""
    return_url: Annotated[str, Meta(max_length=2048)] | None = None


class Querying(msgspec.Struct, frozen=True):
    """A payment's number or its ``payment_id``."""

    id: Id


class SimplePayments:
    """Create and confirm in one step; ask again later."""

    def __init__(self, payments: Payments, links: Links) -> None:
        self._payments = payments
        self._links = links

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(
                "POST /payment/create", self.create, Creating, answers="simple_payment", status=201
            ),
            route("GET /payment/query", self.query, Querying, answers="simple_payment"),
        ]

    async def create(self, request: Request, given: Creating) -> Answer:
        """Take a payment in one step."""
        payment = await self._payments.create_payment(_command(request, given))
        return Answer(201, _encode(render_simple(payment, self._links)))

    async def query(self, request: Request, given: Querying) -> Answer:
        """Show a payment, named by its number or its id."""
        payment = await self._payments.get_payment(_query(request, given.id))
        return Answer(200, _encode(render_simple(payment, self._links)))


def _command(request: Request, given: Creating) -> CreatePayment:
    capture = CaptureMethod.AUTOMATIC if given.capture else CaptureMethod.MANUAL
    return CreatePayment(
        origin=request.origin(),
        amount=Money(given.amount, currency(given.currency)),
        fields=PaymentFields(
            customer=None if given.customer is None else CustomerId(given.customer),
            method=MethodId(given.payment_method),
            description=given.description,
            receipt_email=given.receipt_email,
            metadata=given.metadata,
            return_url=given.return_url,
            capture_method=capture,
        ),
        confirm=True,
    )


def _query(request: Request, id: str) -> PaymentQuery:
    if not id:
        raise ParameterInvalid("id is empty.", param="id")
    if id.isascii() and id.isdigit() and len(id) <= NUMBER_DIGITS_MAX:
        return PaymentQuery(request.merchant, number=int(id))
    return PaymentQuery(request.merchant, PaymentId(id))


def render_simple(payment: Payment, links: Links | None = None) -> Public:
    """A payment as this door shows it."""
    links = links or Links()
    return {
        "id": payment.number,
        "payment_id": payment.id,
        "status": payment.status.value,
        "amount": payment.amount.minor,
        "currency": payment.amount.currency.lower(),
        "created": unix(payment.created),
        "description": payment.description,
        "customer": payment.customer,
        "payment_method": payment.method,
        "metadata": payment.metadata,
        "amount_received": payment.amount_received_minor,
        "next_action_url": _next_url(payment, links),
        "livemode": payment.livemode,
    }


def _next_url(payment: Payment, links: Links) -> str | None:
    return links.absolute(payment.next_action.url) if payment.next_action else None
