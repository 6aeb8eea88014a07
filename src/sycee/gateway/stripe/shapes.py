"""Pieces of objects that several resources show or take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.request import Answer
from sycee.kernel.clock import Instant, seconds
from sycee.services.payments.contract.customers import NewMethod
from sycee.services.payments.contract.shared import (
    Address,
    BillingDetails,
    Metadata,
    Redisplay,
    Shipping,
)
from sycee.services.validation.contract import CardNumber

Item = TypeVar("Item")
Public: TypeAlias = dict[str, object]
"""An object in its public shape, before it becomes JSON."""

Amount = Annotated[int, Meta(ge=0, le=10**12)]
Id = Annotated[str, Meta(max_length=255)]
Text = Annotated[str, Meta(max_length=5000)]

MetadataGiven: TypeAlias = dict[str, str] | Literal[""] | None
"""An empty text clears it, as everywhere."""
AddressGiven: TypeAlias = Address | Literal[""] | None
ShippingGiven: TypeAlias = Shipping | Literal[""] | None

_encode = msgspec.json.Encoder().encode


class Expanding(msgspec.Struct, frozen=True, kw_only=True):
    """Every operation may be asked to show related objects in place of their ids."""

    expand: list[Text] = []


class CardGiven(msgspec.Struct, frozen=True):
    """A card as typed, or a test token in its place."""

    number: Annotated[str, Meta(max_length=30)] | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    cvc: Annotated[str, Meta(max_length=8)] | None = None
    token: Id | None = None


class BillingGiven(msgspec.Struct, frozen=True):
    """Who a payment method belongs to."""

    address: AddressGiven = None
    email: Text | None = None
    name: Text | None = None
    phone: Text | None = None


class MethodGiven(msgspec.Struct, frozen=True):
    """A payment method described in the request itself."""

    type: Literal["card"]
    card: CardGiven = CardGiven()
    billing_details: BillingGiven = BillingGiven()
    metadata: dict[str, str] = {}
    allow_redisplay: Redisplay = "unspecified"


def new_method(given: MethodGiven | None) -> NewMethod | None:
    """The method as the contract takes it."""
    if given is None:
        return None
    return NewMethod(
        given.type,
        card_number(given.card),
        given.card.token,
        billing(given.billing_details),
        given.metadata,
        given.allow_redisplay,
    )


def billing(given: BillingGiven) -> BillingDetails:
    """Billing details as the contract takes them."""
    return BillingDetails(address(given.address) or Address(), given.email, given.name, given.phone)


def address(given: AddressGiven) -> Address | None:
    """An address as the contract takes it; one of empty texts clears."""
    return Address("", "", "", "", "", "") if given == "" else given


def shipping(given: ShippingGiven) -> Shipping | None:
    """Where goods go, as the contract takes it; one in which nothing is said clears."""
    return Shipping() if given == "" else given


def card_number(card: CardGiven) -> CardNumber | None:
    """The card as typed; years of two digits belong to this century."""
    if card.number is None:
        return None
    year = card.exp_year or 0
    return CardNumber(
        card.number.replace(" ", ""),
        card.exp_month or 0,
        year + 2000 if 0 < year < 100 else year,
        card.cvc,
    )


def refuse_sdk_action(is_wanted: bool) -> None:
    """What Stripe.js would act upon is not offered: a payer is always led to a page."""
    if is_wanted:
        raise ParameterInvalid(
            "use_stripe_sdk is not offered; next_action leads to a page: give a return_url.",
            param="use_stripe_sdk",
        )


def answer(public: Public, status: int = 200) -> Answer:
    """The object as JSON."""
    return Answer(status, _encode(public))


async def changed_metadata(
    given: MetadataGiven, current: Callable[[], Awaitable[Metadata]]
) -> Metadata | None:
    """An update's metadata as the contract takes it: an empty text removes every key."""
    if given == "":
        return dict.fromkeys(await current(), "")
    return given or None


def unix(instant: Instant | None) -> int | None:
    """Whole seconds, or nothing."""
    return None if instant is None else seconds(instant)


def render_address(address: Address | None) -> Public | None:
    """A postal address."""
    if address is None:
        return None
    return {
        "city": address.city,
        "country": address.country,
        "line1": address.line1,
        "line2": address.line2,
        "postal_code": address.postal_code,
        "state": address.state,
    }


def render_shipping(shipping: Shipping | None) -> Public | None:
    """Where goods go."""
    if shipping is None:
        return None
    return {
        "address": render_address(shipping.address),
        "carrier": shipping.carrier,
        "name": shipping.name,
        "phone": shipping.phone,
        "tracking_number": shipping.tracking_number,
    }


def render_billing(billing: BillingDetails) -> Public:
    """Whose payment method it is."""
    return {
        "address": render_address(billing.address),
        "email": billing.email,
        "name": billing.name,
        "phone": billing.phone,
        "tax_id": None,
    }


def listing(
    path: str, items: tuple[Item, ...], has_more: bool, render: Callable[[Item], Public]
) -> Public:
    """A page of objects."""
    return {
        "object": "list",
        "data": [render(item) for item in items],
        "has_more": has_more,
        "url": path,
    }
