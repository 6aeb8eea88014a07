"""Parameters, pages and expansion of the Stripe-compatible doors."""

from __future__ import annotations

import msgspec
import pytest

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import CustomerPage
from sycee.services.payments.contract.intents import PaymentPage
from tests.gateway import objects as o
from tests.gateway.door import opened

SECOND = 1_000_000_000
PAY = {"amount": "2000", "currency": "usd"}

BAD = [
    ({}, "parameter_missing", "amount"),
    ({"amount": "2000"}, "parameter_missing", "currency"),
    ({**PAY, "amount": "20.5"}, "parameter_invalid_integer", "amount"),
    ({**PAY, "amount": "1e3"}, "parameter_invalid_integer", "amount"),
    ({**PAY, "amount": "-0"}, "parameter_invalid_integer", "amount"),
    ({**PAY, "amount": "-5"}, "parameter_invalid_integer", "amount"),
    ({**PAY, "amount": " 5"}, "parameter_invalid_integer", "amount"),
    ({**PAY, "amount": "٥"}, "parameter_invalid_integer", "amount"),
    ({**PAY, "amount": "9" * 5000}, "parameter_invalid_integer", "amount"),
    ({**PAY, "amount": "true"}, "parameter_invalid_integer", "amount"),
    ({**PAY, "currency": "zzz"}, "parameter_invalid", "currency"),
    ({**PAY, "confirm": "yes"}, "parameter_invalid", "confirm"),
    ({**PAY, "confirm": "1"}, "parameter_invalid", "confirm"),
    ({**PAY, "capture_method": "never"}, "parameter_invalid", "capture_method"),
    ({**PAY, "surprise": "1"}, "parameter_unknown", "surprise"),
    ({**PAY, "status": "succeeded"}, "parameter_unknown", "status"),
    ({**PAY, "shipping[planet]": "x"}, "parameter_unknown", "shipping[planet]"),
    ({**PAY, "metadata[a][b]": "x"}, "parameter_invalid", "metadata[a]"),
    ({**PAY, "metadata": "x"}, "parameter_invalid", "metadata"),
    ({**PAY, "statement_descriptor": "x" * 23}, "parameter_too_long", "statement_descriptor"),
    ({**PAY, "payment_method_types": "card"}, "parameter_invalid", "payment_method_types"),
    ({**PAY, "expand[0]": "surprise"}, "parameter_invalid", "expand"),
    ({**PAY, "expand[0]": "latest_charge.amount"}, "parameter_invalid", "expand"),
    ({**PAY, "expand[0]": "latest_charge.customer.x.y.z"}, "parameter_invalid", "expand"),
    ({**PAY, "return_url": "https://shop.example/"}, "parameter_invalid", "return_url"),
]


@pytest.mark.parametrize(("form", "code", "param"), BAD)
async def test_a_wrong_parameter_is_named(form, code, param):
    """MS6, AE2."""
    async with opened(create_payment=o.PAYMENT, get_charge=o.CHARGE) as door:
        answer = await door.client.post("/v1/payment_intents", data=form)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


async def test_json_is_taken_as_well():
    async with opened(create_payment=o.PAYMENT) as door:
        body = {"amount": 2000, "currency": "USD", "confirm": True, "metadata": {"a": "b"}}
        answer = await door.client.post("/v1/payment_intents", json=body)
        assert answer.status_code == 200
        command = door.payments.last
        assert (
            command.amount == o.LUNCH and command.confirm and command.fields.metadata == {"a": "b"}
        )


async def test_a_payment_with_everything_reaches_the_contract():
    form = {
        **PAY,
        "confirm": "true",
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": "4242 4242 4242 4242",
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "34",
        "payment_method_data[card][cvc]": "123",
        "shipping[name]": "Jenny",
        "shipping[address][city]": "Berlin",
        "capture_method": "manual",
        "payment_method_types[]": "card",
        "off_session": "true",
        "description": "null",
    }
    async with opened(create_payment=o.PAYMENT) as door:
        assert (await door.client.post("/v1/payment_intents", data=form)).status_code == 200
        command = door.payments.last
        card = command.fields.new_method.card
        assert (card.number, card.exp_year) == ("4242424242424242", 2034)
        assert command.fields.shipping.address.city == "Berlin"
        assert command.fields.capture_method.value == "manual"
        assert command.fields.method_types == ("card",) and command.off_session
        assert command.fields.description == "null"


SPANS = [
    ({"created": "5"}, 5, 6),
    ({"created[gte]": "5"}, 5, None),
    ({"created[gt]": "5"}, 6, None),
    ({"created[lt]": "9"}, None, 9),
    ({"created[lte]": "9", "created[gt]": "4"}, 5, 10),
]


@pytest.mark.parametrize(("query", "first", "end"), SPANS)
async def test_lists_take_times(query, first, end):
    async with opened(list_payments=PaymentPage((), False)) as door:
        assert (await door.client.get("/v1/payment_intents", params=query)).status_code == 200
        page = door.payments.last.page
        assert page.created_from == (None if first is None else first * SECOND)
        assert page.created_to == (None if end is None else end * SECOND)


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"starting_after": "a", "ending_before": "b"}, {"x": "1"}],
)
async def test_pages_have_bounds(query):
    async with opened(list_payments=PaymentPage((), False)) as door:
        assert (await door.client.get("/v1/payment_intents", params=query)).status_code == 400


async def test_an_unknown_cursor_is_a_missing_resource():
    async with opened() as door:
        answer = await door.client.get("/v1/charges", params={"starting_after": "ch_x"})
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "resource_missing"


async def test_expansion_goes_four_levels_deep_and_asks_once_per_object():
    paths = [
        "latest_charge.balance_transaction",
        "latest_charge.payment_intent.payment_method.customer",
        "customer",
    ]
    answers = {
        "get_charge": o.CHARGE,
        "get_balance_transaction": o.TRANSACTION,
        "get_method": o.METHOD,
        "get_customer": o.CUSTOMER,
    }
    async with opened(get_payment=o.PAYMENT, **answers) as door:
        query = {f"expand[{index}]": path for index, path in enumerate(paths)}
        public = (await door.client.get("/v1/payment_intents/pi_1", params=query)).json()
        charge = public["latest_charge"]
        assert charge["balance_transaction"]["object"] == "balance_transaction"
        assert charge["payment_intent"]["payment_method"]["customer"]["name"] == "Jenny"
        assert public["customer"]["email"] == "jenny@example.com"
        assert [name for name, _ in door.payments.asked].count("get_customer") == 1


async def test_an_object_that_leads_back_to_itself_is_shown_again():
    path = "latest_charge.payment_intent.latest_charge.customer"
    answers = {"get_charge": o.CHARGE, "get_customer": o.CUSTOMER}
    async with opened(get_payment=o.PAYMENT, **answers) as door:
        answer = await door.client.get("/v1/payment_intents/pi_1", params={"expand[]": path})
        outer = answer.json()["latest_charge"]
        inner = outer["payment_intent"]["latest_charge"]
        assert (outer["customer"], inner["customer"]["name"]) == ("cus_1", "Jenny")
        assert inner["payment_intent"] == "pi_1"


async def test_lists_expand_below_data():
    page = PaymentPage((o.PAYMENT, o.PAYMENT), False)
    async with opened(list_payments=page, get_customer=o.CUSTOMER) as door:
        good = await door.client.get("/v1/payment_intents", params={"expand[]": "data.customer"})
        assert good.json()["data"][1]["customer"]["name"] == "Jenny"
        bad = await door.client.get("/v1/payment_intents", params={"expand[]": "customer"})
        assert bad.status_code == 400


async def test_what_cannot_be_found_stays_an_id():
    async with opened(get_payment=o.PAYMENT, get_customer=NotFound("gone")) as door:
        answer = await door.client.get("/v1/payment_intents/pi_1", params={"expand[]": "customer"})
        assert answer.json()["customer"] == "cus_1"


async def test_an_empty_metadata_text_removes_every_key():
    async with opened(update_customer=o.CUSTOMER, get_customer=o.CUSTOMER) as door:
        await door.client.post("/v1/customers/cus_1", data={"metadata": ""})
        assert door.payments.last.fields.metadata == {"tier": ""}


async def test_a_method_of_somebody_else_is_not_a_customers():
    other = msgspec.structs.replace(o.METHOD, customer="cus_2")
    async with opened(get_method=other) as door:
        answer = await door.client.get("/v1/customers/cus_1/payment_methods/pm_1")
        assert answer.status_code == 404


async def test_a_deleted_customer_is_shown_as_such():
    gone = msgspec.structs.replace(o.CUSTOMER, deleted=True)
    async with opened(get_customer=gone, list_customers=CustomerPage((), False)) as door:
        answer = await door.client.get("/v1/customers/cus_1", params={"expand[]": "test_clock"})
        assert answer.json() == {"id": "cus_1", "object": "customer", "deleted": True}


@pytest.mark.parametrize(
    "path", ["/v1/tokens", "/v1/payment_intents/pi_1/apply", "/v1/", "/v1", "/v1/charges/ch_1/x"]
)
async def test_what_is_not_offered_is_said(path):
    async with opened() as door:
        answer = await door.client.post(path)
        assert answer.status_code == 404
        assert answer.json().get("error", answer.json())["message"]
