"""The simple API."""

from __future__ import annotations

import pytest

from sycee.services.payments.contract.intents import CardDeclined
from sycee.services.payments.contract.shared import IdempotencyConflict
from tests.gateway.door import opened
from tests.gateway.objects import PAYMENT

LUNCH = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"}


async def test_a_payment_is_made_in_one_step():
    async with opened(create_payment=PAYMENT) as door:
        answer = await door.client.post("/payment/create", json=LUNCH)
        assert answer.status_code == 201
        body = answer.json()
        assert (body["id"], body["payment_id"], body["status"]) == (7, "pi_1", "succeeded")
        assert (body["amount"], body["currency"]) == (2000, "usd")
        command = door.payments.last
        assert command.confirm and command.amount.currency == "USD"


@pytest.mark.parametrize(("id", "number", "text"), [("7", 7, None), ("pi_1", None, "pi_1")])
async def test_a_payment_is_found_by_either_id(id, number, text):
    async with opened(get_payment=PAYMENT) as door:
        answer = await door.client.get("/payment/query", params={"id": id})
        assert answer.status_code == 200 and answer.json()["payment_id"] == "pi_1"
        assert (door.payments.last.number, door.payments.last.id) == (number, text)


async def test_an_unknown_payment_is_404_as_json():
    async with opened() as door:
        answer = await door.client.get("/payment/query", params={"id": "pi_other"})
        assert answer.status_code == 404 and answer.json()["code"] == "not_found"


async def test_a_decline_is_402_with_its_reason():
    facts = {"error_code": "card_declined", "decline_code": "do_not_honor", "payment": "pi_1"}
    refusal = CardDeclined("Your card was declined.", facts=facts)
    async with opened(create_payment=refusal) as door:
        answer = await door.client.post("/payment/create", json=LUNCH)
        assert answer.status_code == 402
        body = answer.json()
        assert (body["code"], body["decline_code"]) == ("card_declined", "do_not_honor")
        assert body["payment_id"] == "pi_1"


async def test_the_idempotency_key_goes_to_payments_with_a_hash():
    """MS2."""
    async with opened(create_payment=PAYMENT) as door:
        for body in (LUNCH, dict(reversed(LUNCH.items())), {**LUNCH, "amount": 1}):
            await door.client.post("/payment/create", json=body, headers={"idempotency-key": "k"})
        first, reordered, different = [asked[1].origin for asked in door.payments.asked]
        assert first.idempotency_key == "k"
        assert first.request_hash == reordered.request_hash != different.request_hash


async def test_another_body_under_the_same_key_is_409():
    """MS2."""
    async with opened(create_payment=IdempotencyConflict("Used with another body.")) as door:
        answer = await door.client.post("/payment/create", json=LUNCH)
        assert answer.status_code == 409 and answer.json()["code"] == "idempotency_conflict"


@pytest.mark.parametrize("amount", [20.5, 1e3, True, "2000", None, -1, [], {}, 10**15])
async def test_an_amount_is_a_json_integer(amount):
    """MS6."""
    async with opened(create_payment=PAYMENT) as door:
        answer = await door.client.post("/payment/create", json={**LUNCH, "amount": amount})
        assert answer.status_code == 400 and answer.json()["param"] == "amount"
        assert not door.payments.asked


async def test_without_a_key_nothing_is_told():
    async with opened(get_payment=PAYMENT) as door:
        answer = await door.client.get(
            "/payment/query", params={"id": "7"}, headers={"authorization": ""}
        )
        assert answer.status_code == 401 and "code" in answer.json()
