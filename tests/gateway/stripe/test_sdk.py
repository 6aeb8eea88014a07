"""The official Python SDK against the doors, unchanged; services answer from a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
import stripe

from sycee.services.notify.contract import (
    DeletedEndpoint,
    Endpoint,
    EndpointId,
    Endpoints,
    EndpointStatus,
    Events,
)
from sycee.services.payments.contract.customers import CustomerPage, MethodPage, SetupPage
from sycee.services.payments.contract.intents import (
    Balance,
    BalanceFunds,
    BalanceTransactionPage,
    CardDeclined,
    ChargePage,
    PaymentPage,
    PaymentStateInvalid,
    RefundPage,
)
from sycee.services.payments.contract.shared import IdempotencyConflict, IdempotencyInFlight
from sycee.services.validation.contract import CardNumberInvalid
from tests.gateway import objects as o
from tests.gateway.door import Door, opened

ENDPOINT = Endpoint(
    EndpointId("we_1"),
    o.SHOP,
    "https://shop.example/hook",
    ("charge.refunded",),
    EndpointStatus.ENABLED,
    o.NOON,
    False,
    secret="whsec_x",
)
ANSWERS = {
    "create_payment": o.PAYMENT,
    "update_payment": o.PAYMENT,
    "confirm_payment": o.PAYMENT,
    "capture_payment": o.PAYMENT,
    "cancel_payment": o.PAYMENT,
    "get_payment": o.PAYMENT,
    "list_payments": PaymentPage((o.PAYMENT,), False),
    "get_charge": o.CHARGE,
    "update_charge": o.CHARGE,
    "list_charges": ChargePage((o.CHARGE,), False),
    "create_refund": o.REFUND,
    "update_refund": o.REFUND,
    "cancel_refund": o.REFUND,
    "get_refund": o.REFUND,
    "list_refunds": RefundPage((o.REFUND,), False),
    "create_customer": o.CUSTOMER,
    "update_customer": o.CUSTOMER,
    "get_customer": o.CUSTOMER,
    "delete_customer": o.CUSTOMER,
    "list_customers": CustomerPage((o.CUSTOMER,), False),
    "create_method": o.METHOD,
    "update_method": o.METHOD,
    "get_method": o.METHOD,
    "attach_method": o.METHOD,
    "detach_method": o.METHOD,
    "list_methods": MethodPage((o.METHOD,), False),
    "create_setup": o.SETUP,
    "update_setup": o.SETUP,
    "confirm_setup": o.SETUP,
    "cancel_setup": o.SETUP,
    "get_setup": o.SETUP,
    "list_setups": SetupPage((o.SETUP,), False),
    "get_balance": Balance(False, (BalanceFunds(o.LUNCH, o.LUNCH),)),
    "get_balance_transaction": o.TRANSACTION,
    "list_balance_transactions": BalanceTransactionPage((o.TRANSACTION,), False),
    "list_events": Events((), False),
    "create_endpoint": ENDPOINT,
    "update_endpoint": ENDPOINT,
    "get_endpoint": ENDPOINT,
    "delete_endpoint": DeletedEndpoint(EndpointId("we_1")),
    "list_endpoints": Endpoints((ENDPOINT,), False),
}

Ask = Callable[[stripe.StripeClient], object]

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 34, "cvc": "123"}
CALLS: dict[str, Ask] = {
    "payment_intents.create": lambda c: c.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"order": "1", "größe": "ß & ="},
            "shipping": {"name": "Jenny", "address": {"line1": "Linienstr. 1"}},
            "expand": ["latest_charge.balance_transaction", "customer"],
        }
    ),
    "payment_intents.create with card data": lambda c: c.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "payment_method_data": {"type": "card", "card": {"token": "tok_visa"}},
        }
    ),
    "payment_intents.retrieve": lambda c: c.v1.payment_intents.retrieve("pi_1"),
    "payment_intents.update": lambda c: c.v1.payment_intents.update(
        "pi_1", {"amount": 1, "metadata": ""}
    ),
    "payment_intents.confirm": lambda c: c.v1.payment_intents.confirm("pi_1"),
    "payment_intents.capture": lambda c: c.v1.payment_intents.capture(
        "pi_1", {"amount_to_capture": 5}
    ),
    "payment_intents.cancel": lambda c: c.v1.payment_intents.cancel(
        "pi_1", {"cancellation_reason": "abandoned"}
    ),
    "payment_intents.list": lambda c: c.v1.payment_intents.list(
        {"limit": 3, "created": {"gte": 1, "lt": 9}, "expand": ["data.customer"]}
    ),
    "charges.retrieve": lambda c: c.v1.charges.retrieve("ch_1"),
    "charges.update": lambda c: c.v1.charges.update(
        "ch_1", {"fraud_details": {"user_report": "safe"}}
    ),
    "charges.list": lambda c: c.v1.charges.list({"payment_intent": "pi_1"}),
    "refunds.create": lambda c: c.v1.refunds.create({"payment_intent": "pi_1", "amount": 5}),
    "refunds.retrieve": lambda c: c.v1.refunds.retrieve("re_1"),
    "refunds.update": lambda c: c.v1.refunds.update("re_1", {"metadata": {"a": "b"}}),
    "refunds.cancel": lambda c: c.v1.refunds.cancel("re_1"),
    "refunds.list": lambda c: c.v1.refunds.list({"charge": "ch_1"}),
    "customers.create": lambda c: c.v1.customers.create(
        {"name": "Jenny", "email": "jenny@example.com", "address": {"city": "Berlin"}}
    ),
    "customers.retrieve": lambda c: c.v1.customers.retrieve("cus_1"),
    "customers.update": lambda c: c.v1.customers.update(
        "cus_1", {"invoice_settings": {"default_payment_method": "pm_1"}}
    ),
    "customers.delete": lambda c: c.v1.customers.delete("cus_1"),
    "customers.list": lambda c: c.v1.customers.list({"email": "jenny@example.com"}),
    "customers.payment_methods.list": lambda c: c.v1.customers.payment_methods.list("cus_1"),
    "customers.payment_methods.retrieve": lambda c: c.v1.customers.payment_methods.retrieve(
        "cus_1", "pm_1"
    ),
    "payment_methods.create": lambda c: c.v1.payment_methods.create(
        {"type": "card", "card": CARD, "billing_details": {"email": "jenny@example.com"}}
    ),
    "payment_methods.retrieve": lambda c: c.v1.payment_methods.retrieve("pm_1"),
    "payment_methods.update": lambda c: c.v1.payment_methods.update(
        "pm_1", {"card": {"exp_month": 1, "exp_year": 2040}}
    ),
    "payment_methods.attach": lambda c: c.v1.payment_methods.attach("pm_1", {"customer": "cus_1"}),
    "payment_methods.detach": lambda c: c.v1.payment_methods.detach("pm_1"),
    "payment_methods.list": lambda c: c.v1.payment_methods.list(
        {"customer": "cus_1", "type": "card"}
    ),
    "setup_intents.create": lambda c: c.v1.setup_intents.create(
        {"customer": "cus_1", "payment_method": "pm_1", "payment_method_types": ["card"]}
    ),
    "setup_intents.retrieve": lambda c: c.v1.setup_intents.retrieve("seti_1"),
    "setup_intents.update": lambda c: c.v1.setup_intents.update("seti_1", {"description": "x"}),
    "setup_intents.confirm": lambda c: c.v1.setup_intents.confirm("seti_1"),
    "setup_intents.cancel": lambda c: c.v1.setup_intents.cancel("seti_1"),
    "setup_intents.list": lambda c: c.v1.setup_intents.list({"customer": "cus_1"}),
    "balance.retrieve": lambda c: c.v1.balance.retrieve(),
    "balance_transactions.retrieve": lambda c: c.v1.balance_transactions.retrieve(
        "txn_1", {"expand": ["source"]}
    ),
    "balance_transactions.list": lambda c: c.v1.balance_transactions.list({"type": "charge"}),
    "events.list": lambda c: c.v1.events.list({"types": ["charge.*"], "delivery_success": False}),
    "webhook_endpoints.create": lambda c: c.v1.webhook_endpoints.create(
        {"url": "https://shop.example/hook", "enabled_events": ["charge.refunded"]}
    ),
    "webhook_endpoints.retrieve": lambda c: c.v1.webhook_endpoints.retrieve("we_1"),
    "webhook_endpoints.update": lambda c: c.v1.webhook_endpoints.update("we_1", {"disabled": True}),
    "webhook_endpoints.delete": lambda c: c.v1.webhook_endpoints.delete("we_1"),
    "webhook_endpoints.list": lambda c: c.v1.webhook_endpoints.list({"limit": 5}),
    "accounts.retrieve_current": lambda c: c.v1.accounts.retrieve_current(),
}


async def asked(door: Door, ask: Ask) -> object:
    """The SDK blocks, so it gets a thread."""
    client = stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": f"http://127.0.0.1:{door.port}"},
        max_network_retries=0,
    )
    return await asyncio.to_thread(ask, client)


@pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)
async def test_every_call_of_the_sdk_is_understood(ask):
    async with opened(**ANSWERS) as door:
        found = await asked(door, ask)
        assert isinstance(found, stripe.StripeObject)
        assert found.last_response.request_id.startswith("req_")


FACTS = {
    "error_code": "card_declined",
    "decline_code": "insufficient_funds",
    "charge": "ch_1",
    "payment": "pi_1",
}
REFUSALS = [
    (CardDeclined("Declined.", facts=FACTS), stripe.CardError, 402, "card_declined", None),
    (
        CardNumberInvalid("Wrong.", param="number"),
        stripe.CardError,
        402,
        "invalid_number",
        "number",
    ),
    (None, stripe.InvalidRequestError, 404, "resource_missing", "intent"),
    (
        PaymentStateInvalid("No.", facts={"payment": "pi_1"}),
        stripe.InvalidRequestError,
        400,
        "payment_intent_unexpected_state",
        None,
    ),
    (IdempotencyConflict("Used."), stripe.IdempotencyError, 400, "idempotency_conflict", None),
    (IdempotencyInFlight("Busy."), stripe.APIError, 409, "idempotency_key_in_use", None),
]


@pytest.mark.parametrize(("refusal", "error", "status", "code", "param"), REFUSALS)
async def test_refusals_become_the_errors_of_the_sdk(refusal, error, status, code, param):
    async with opened(confirm_payment=refusal, get_payment=o.PAYMENT) as door:
        with pytest.raises(error) as caught:
            await asked(door, lambda c: c.v1.payment_intents.confirm("pi_1"))
        raised = caught.value
        assert (raised.http_status, raised.error.code, raised.error.param) == (status, code, param)
        assert raised.error.doc_url.endswith(f"/docs#error-{code}")


async def test_a_decline_shows_its_payment_and_charge():
    refusal = CardDeclined("Declined.", facts=FACTS)
    async with opened(confirm_payment=refusal, get_payment=o.PAYMENT) as door:
        with pytest.raises(stripe.CardError) as caught:
            await asked(door, lambda c: c.v1.payment_intents.confirm("pi_1"))
        error = caught.value.error
        assert (error.decline_code, error.charge) == ("insufficient_funds", "ch_1")
        assert error.payment_intent.id == "pi_1"


async def test_a_wrong_key_is_an_authentication_error():
    async with opened() as door:
        with pytest.raises(stripe.AuthenticationError):
            await asked(door, lambda c: c.v1.balance.retrieve(options={"api_key": "sk_test_wrong"}))


async def test_lists_page_themselves_through():
    def page(query):
        first = query.page.starting_after is None
        item = o.REFUND if first else replace_id(o.REFUND, "re_2")
        return RefundPage((item,), first)

    async with opened(list_refunds=page) as door:
        ids = await asked(
            door, lambda c: [each.id for each in c.v1.refunds.list().auto_paging_iter()]
        )
        assert ids == ["re_1", "re_2"]
        assert door.payments.last.page.starting_after == "re_1"


def replace_id(refund, id):
    return msgspec.structs.replace(refund, id=id)
