"""The test rail's bank page."""

from __future__ import annotations

import msgspec
import pytest

from sycee.gateway.app import Settings, build
from sycee.runtime.host import Profile
from sycee.services.payments.contract.intents import ClientSecretInvalid, PaymentStatus
from tests.gateway import objects as o
from tests.gateway.door import Floor, opened
from tests.gateway.fakes import FakeIdentity, Scripted

PATH = "/testcard/3ds/pi_1"
SECRET = {"client_secret": 'x"><b>'}


async def test_the_page_has_two_buttons_and_no_scripts():
    async with opened() as door:
        page = await door.client.get(PATH, params=SECRET)
        assert page.status_code == 200
        assert page.text.count("<button") == 2 and "<script" not in page.text
        assert "<b>" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("outcome", "status", "told"),
    [
        ("complete", PaymentStatus.SUCCEEDED, "succeeded"),
        ("fail", PaymentStatus.REQUIRES_PAYMENT_METHOD, "failed"),
    ],
)
async def test_the_answer_leads_back_to_the_shop(outcome, status, told):
    payment = msgspec.structs.replace(o.PAYMENT, status=status)
    async with opened(answer_challenge=payment) as door:
        answer = await door.client.post(PATH, data={"client_secret": "x", "outcome": outcome})
        assert answer.status_code == 303
        location = answer.headers["location"]
        assert location.startswith("https://shop.example/?payment_intent=pi_1&")
        assert location.endswith(f"redirect_status={told}")
        assert door.payments.last.authenticated is (outcome == "complete")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil", "https://", "http://a\r\nx: y", None],
)
async def test_only_web_addresses_are_followed(url):
    payment = msgspec.structs.replace(o.PAYMENT, return_url=url)
    async with opened(answer_challenge=payment) as door:
        answer = await door.client.post(PATH, data={"client_secret": "x", "outcome": "complete"})
        assert answer.status_code == 200 and "location" not in answer.headers


async def test_a_wrong_secret_is_refused():
    async with opened(answer_challenge=ClientSecretInvalid("No.")) as door:
        answer = await door.client.post(PATH, data={"client_secret": "x", "outcome": "fail"})
        assert answer.status_code == 401


async def test_production_has_no_such_page():
    floor = Floor()
    floor.profile = Profile.PRODUCTION
    gateway = await build(floor, Settings(), FakeIdentity(), Scripted(), Scripted(), Scripted())
    assert not any(each.path.startswith("/testcard") for each in gateway.app.routes)
