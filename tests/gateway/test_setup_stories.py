"""Set-ups from the public door to the database and back: a shop, a payer, a test bank."""

import contextlib
from urllib.parse import urlsplit

import httpx
import pytest

from sycee.gateway.app import Settings, build
from sycee.services.payments.service.customers import CustomersService
from tests.gateway.door import SECRET
from tests.gateway.fakes import FakeIdentity, Scripted
from tests.services.floor import FakeHost
from tests.services.payments.counter import parts_on


@pytest.fixture
async def shop(tmp_path):
    host = FakeHost(tmp_path)
    service = CustomersService(await parts_on(host))
    gateway = await build(
        host, Settings(), FakeIdentity(), service, *[Scripted() for _ in range(4)]
    )
    server = await gateway.serve("127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.port}"
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.drain)
        yield await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, headers=SECRET, trust_env=False)
        )


async def post(shop, path, expect=200, key=None, **form):
    headers = {"idempotency-key": key} if key else {}
    answer = await shop.post(path, data=form, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


async def press(shop, setup, outcome):
    """Open the bank's page as a stranger, and press a button."""
    url = setup["next_action"]["redirect_to_url"]["url"]
    async with httpx.AsyncClient(trust_env=False) as payer:
        assert "remember your card" in (await payer.get(url)).text
        form = {"client_secret": setup["client_secret"], "outcome": outcome}
        return await payer.post(urlsplit(url)._replace(query="").geturl(), data=form)


@pytest.mark.parametrize(
    ("outcome", "status", "owned"),
    [("complete", "succeeded", 1), ("fail", "requires_payment_method", 0)],
)
async def test_a_person_answers_the_challenge_of_a_setup(shop, outcome, status, owned):
    customer = await post(shop, "/v1/customers", name="Anna")
    setup = await post(
        shop,
        "/v1/setup_intents",
        confirm="true",
        customer=customer["id"],
        payment_method="pm_card_authenticationRequiredOnSetup",
        return_url="https://shop.example/done",
    )
    assert setup["status"] == "requires_action"
    sent_back = await press(shop, setup, outcome)
    told = "succeeded" if owned else "failed"
    assert sent_back.headers["location"] == (
        f"https://shop.example/done?setup_intent={setup['id']}"
        f"&setup_intent_client_secret={setup['client_secret']}&redirect_status={told}"
    )
    now = (await shop.get(f"/v1/setup_intents/{setup['id']}")).json()
    assert now["status"] == status and now["next_action"] is None
    methods = (await shop.get(f"/v1/customers/{customer['id']}/payment_methods")).json()
    assert len(methods["data"]) == owned


async def test_a_declined_setup_is_shown_in_its_error_now_and_when_repeated(shop):
    """MS2."""
    form = {"confirm": "true", "payment_method": "pm_card_visa_chargeDeclinedLostCard"}
    first = await post(shop, "/v1/setup_intents", 402, "k", **form)
    error = first["error"]
    assert (error["type"], error["code"]) == ("card_error", "card_declined")
    assert error["decline_code"] == "lost_card"
    failed = error["setup_intent"]
    assert failed["status"] == "requires_payment_method"
    assert failed["last_setup_error"]["decline_code"] == "lost_card"
    path = f"/v1/setup_intents/{failed['id']}/confirm"
    assert (await post(shop, path, payment_method="pm_card_visa"))["status"] == "succeeded"
    assert await post(shop, "/v1/setup_intents", 402, "k", **form) == first


async def test_a_customer_comes_with_a_default_method(shop):
    form = {
        "payment_method": "pm_card_visa",
        "invoice_settings[default_payment_method]": "pm_card_visa",
    }
    customer = await post(shop, "/v1/customers", key="k", **form)
    default = customer["invoice_settings"]["default_payment_method"]
    owned = (await shop.get(f"/v1/customers/{customer['id']}/payment_methods/{default}")).json()
    assert owned["card"]["last4"] == "4242" and owned["customer"] == customer["id"]
    again = await post(shop, "/v1/customers", key="k", **form)
    assert again == customer
