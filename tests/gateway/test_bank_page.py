"""The test rail's bank page."""

from __future__ import annotations

import msgspec
import pytest

from sycee.gateway.app import Settings, build
from sycee.runtime.host import Profile
from sycee.services.payments.contract.customers import SetupDeclined, SetupStatus
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


WAITING = msgspec.structs.replace(
    o.SETUP, status=SetupStatus.REQUIRES_ACTION, return_url="https://shop.example/?a=b"
)
SETUP_PATH = f"/testcard/3ds/setups/{WAITING.merchant}/{WAITING.id}"
TICKET = WAITING.client_secret


async def test_the_page_of_a_setup_asks_to_remember_the_card():
    async with opened() as door:
        page = await door.client.get(SETUP_PATH, params={"client_secret": TICKET})
        assert page.status_code == 200
        assert page.text.count("<button") == 2 and "remember your card" in page.text
        assert f'action="{SETUP_PATH}"' in page.text


@pytest.mark.parametrize(
    ("outcome", "ending", "redirect"),
    [
        ("complete", SetupStatus.SUCCEEDED, "succeeded"),
        ("complete", SetupStatus.REQUIRES_PAYMENT_METHOD, "failed"),
        ("fail", SetupStatus.REQUIRES_PAYMENT_METHOD, "failed"),
    ],
)
async def test_the_answer_about_a_setup_leads_back_to_the_shop(outcome, ending, redirect):
    kept = [WAITING]

    async def get_setup(_):
        return kept[-1]

    async def confirm_setup(_):
        kept.append(msgspec.structs.replace(WAITING, status=ending))
        if ending is not SetupStatus.SUCCEEDED:
            raise SetupDeclined("No.")
        return kept[-1]

    async with opened(get_setup=get_setup, confirm_setup=confirm_setup) as door:
        answer = await door.client.post(
            SETUP_PATH, data={"client_secret": TICKET, "outcome": outcome}
        )
        assert answer.status_code == 303
        assert answer.headers["location"] == (
            f"https://shop.example/?a=b&setup_intent={WAITING.id}"
            f"&setup_intent_client_secret={TICKET}&redirect_status={redirect}"
        )
        command = next(asked for name, asked in door.payments.asked if name == "confirm_setup")
        assert command.origin.merchant == WAITING.merchant
        assert command.authenticated is (outcome == "complete")


async def test_a_setup_without_an_address_says_how_it_ended():
    async with opened(get_setup=o.SETUP, confirm_setup=o.SETUP) as door:
        answer = await door.client.post(
            SETUP_PATH, data={"client_secret": TICKET, "outcome": "complete"}
        )
        assert answer.status_code == 200 and "The setup is now: succeeded" in answer.text


def told(answer):
    return {name: value for name, value in answer.json().items() if name != "request_id"}


async def test_without_the_ticket_a_setup_stays_as_it_is_known_or_not():
    """IA1."""
    form = {"client_secret": "x", "outcome": "complete"}
    async with opened(get_setup=WAITING) as door:
        wrong = await door.client.post(SETUP_PATH, data=form)
        assert [name for name, _ in door.payments.asked] == ["get_setup"]
    async with opened() as door:
        unknown = await door.client.post(SETUP_PATH, data=form)
    assert wrong.status_code == unknown.status_code == 401
    assert told(wrong) == told(unknown)


async def test_production_has_no_such_page():
    floor = Floor()
    floor.profile = Profile.PRODUCTION
    gateway = await build(floor, Settings(), FakeIdentity(), *[Scripted() for _ in range(5)])
    assert not any(each.path.startswith("/testcard") for each in gateway.app.routes)
