"""Every object has the public shape: nothing missing, nothing invented."""

from __future__ import annotations

import msgspec
import pytest

from sycee.gateway.links import Links
from sycee.gateway.stripe.accounts import render_account
from sycee.gateway.stripe.balance import render_balance, render_transaction
from sycee.gateway.stripe.charges import render_charge
from sycee.gateway.stripe.customers import render_customer
from sycee.gateway.stripe.disputes import render_dispute
from sycee.gateway.stripe.errors import error_object
from sycee.gateway.stripe.events import render_event
from sycee.gateway.stripe.payment_intents.render import render_payment
from sycee.gateway.stripe.payment_methods import render_method
from sycee.gateway.stripe.prices import render_price
from sycee.gateway.stripe.products import render_product
from sycee.gateway.stripe.refunds import render_refund
from sycee.gateway.stripe.setup_intents import render_setup
from sycee.gateway.stripe.webhook_endpoints import render_endpoint
from sycee.services.checkout.contract.catalog import Price, PriceId, Product, ProductId
from sycee.services.notify.contract import Endpoint, EndpointId, EndpointStatus, Event, EventId
from sycee.services.payments.contract.customers import SetupStatus
from sycee.services.payments.contract.intents import (
    Balance,
    BalanceFunds,
    CardDeclined,
    PaymentStatus,
)
from tests.gateway import objects as o
from tests.gateway.fakes import MERCHANT
from tests.gateway.stripe import oracle

LINKS = Links("https://pay.example")
replace = msgspec.structs.replace

ACTION = replace(
    o.PAYMENT,
    status=PaymentStatus.REQUIRES_ACTION,
    next_action=o.CHALLENGE,
    last_error=o.DECLINED,
    latest_charge=None,
)
BARE = replace(o.PAYMENT, shipping=None, customer=None, metadata={}, automatic_methods=None)
CANCELED = replace(
    o.PAYMENT,
    status=PaymentStatus.CANCELED,
    canceled_at=o.NOON,
    cancellation_reason="abandoned",
)
FAILED = replace(
    o.CHARGE,
    status="failed",
    captured=False,
    amount_captured_minor=0,
    amount_refunded_minor=0,
    failure_code="card_declined",
    failure_message="Your card was declined.",
    balance_transaction=None,
    capture_before=None,
)
PRODUCT = Product(
    ProductId("prod_1"),
    o.SHOP,
    o.NOON,
    False,
    "Tea",
    o.NOON,
    marketing_features=("Green",),
    images=("https://shop.example/tea.png",),
    default_price=PriceId("price_1"),
)
PRICE = Price(PriceId("price_1"), o.SHOP, o.NOON, False, PRODUCT.id, "USD", "250", 250)
BALANCE = Balance(False, (BalanceFunds(o.LUNCH, o.LUNCH),))
ENDPOINT = Endpoint(
    EndpointId("we_1"),
    o.SHOP,
    "https://shop.example/hook",
    ("*",),
    EndpointStatus.ENABLED,
    o.NOON,
    False,
    secret="whsec_x",
)
SETUP_ACTION = replace(
    o.SETUP,
    status=SetupStatus.REQUIRES_ACTION,
    next_action_url="/testcard/3ds/seti_1",
    error_code="card_declined",
    error_decline_code="generic_decline",
)


def event(kind: str, subject: msgspec.Struct) -> dict:
    encoded = msgspec.msgpack.encode(subject)
    previous = msgspec.msgpack.encode({"description": None})
    happened = Event(
        EventId("evt_1"), o.SHOP, "x.updated", o.NOON, False, encoded, kind, previous, "req_1", "k"
    )
    return msgspec.json.decode(render_event(happened))


SHAPES = {
    "a paid payment": ("payment_intent", render_payment(o.PAYMENT, LINKS)),
    "a payment that wants action": ("payment_intent", render_payment(ACTION, LINKS)),
    "a payment without extras": ("payment_intent", render_payment(BARE, LINKS)),
    "a canceled payment": ("payment_intent", render_payment(CANCELED, LINKS)),
    "a charge": ("charge", render_charge(o.CHARGE)),
    "a failed charge": ("charge", render_charge(FAILED)),
    "a refund": ("refund", render_refund(o.REFUND)),
    "a failed refund": (
        "refund",
        render_refund(replace(o.REFUND, status="failed", failure_reason="unknown")),
    ),
    "a dispute": ("dispute", render_dispute(o.DISPUTE)),
    "an inquiry": ("dispute", render_dispute(replace(o.DISPUTE, is_inquiry=True))),
    "a dispute's withdrawal": ("balance_transaction", render_transaction(o.WITHDRAWAL)),
    "an event of a dispute": ("event", event("dispute", o.DISPUTE)),
    "a customer": ("customer", render_customer(o.CUSTOMER)),
    "a deleted customer": ("deleted_customer", render_customer(replace(o.CUSTOMER, deleted=True))),
    "a payment method": ("payment_method", render_method(o.METHOD)),
    "a setup": ("setup_intent", render_setup(o.SETUP, LINKS)),
    "a setup that wants action": ("setup_intent", render_setup(SETUP_ACTION, LINKS)),
    "a product": ("product", render_product(PRODUCT)),
    "a price": ("price", render_price(PRICE)),
    "a price of fractions": (
        "price",
        render_price(replace(PRICE, unit_amount_minor=None, unit_amount_decimal="0.5")),
    ),
    "an event of a product": ("event", event("product", PRODUCT)),
    "an event of a price": ("event", event("price", PRICE)),
    "a balance": ("balance", render_balance(BALANCE, "USD")),
    "an empty balance": ("balance", render_balance(Balance(False, ()), "USD")),
    "a balance transaction": ("balance_transaction", render_transaction(o.TRANSACTION)),
    "a webhook endpoint": ("webhook_endpoint", render_endpoint(ENDPOINT)),
    "an account": ("account", render_account(MERCHANT)),
    "an error": ("api_errors", error_object(CardDeclined("No.", param="x"), LINKS)),
    "an event of a payment": ("event", event("payment", o.PAYMENT)),
    "an event of a charge": ("event", event("charge", o.CHARGE)),
    "an event of a refund": ("event", event("refund", o.REFUND)),
    "an event of a customer": ("event", event("customer", o.CUSTOMER)),
    "an event of a method": ("event", event("method", o.METHOD)),
    "an event of a setup": ("event", event("setup", o.SETUP)),
}


def as_json(public: object) -> dict:
    return msgspec.json.decode(msgspec.json.encode(public))


@pytest.mark.parametrize(("name", "public"), SHAPES.values(), ids=SHAPES)
def test_the_document_accepts_every_object(name, public):
    assert oracle.errors(as_json(public), name) == []


@pytest.mark.parametrize(("name", "public"), SHAPES.values(), ids=SHAPES)
def test_no_key_is_invented(name, public):
    assert oracle.unknown_keys(as_json(public), oracle.schemas()[name]) == []


@pytest.mark.parametrize(("name", "public"), SHAPES.values(), ids=SHAPES)
def test_no_key_is_missing(name, public):
    assert oracle.expected_keys(name) - set(public) == set()


@pytest.mark.parametrize("name", ["payment_intent", "charge", "setup_intent"])
def test_at_least_95_of_100_known_keys_are_present(name):
    known = set(oracle.schemas()[name]["properties"])
    shares = [len(known & set(public)) / len(known) for of, public in SHAPES.values() if of == name]
    assert shares
    assert min(shares) >= 0.95
