"""Many payments in one call."""

from __future__ import annotations

import pytest

from sycee.kernel.refusal import Unavailable
from tests.gateway import objects as o
from tests.gateway.door import opened

PATH = "/api/payments/bulk"


def item(key, amount=100, **more):
    return {"idempotency_key": key, "amount": amount, "currency": "usd", **more}


async def test_each_payment_has_its_own_result_in_order():
    async def create(command):
        if command.amount.minor == 1:
            raise Unavailable("Try again in a moment.")
        if command.amount.minor == 2:
            raise ValueError("a fault")
        return o.PAYMENT

    async with opened(create_payment=create) as door:
        items = [item("a"), item("b", 1), item("c", 2), item("d")]
        answer = await door.client.post(PATH, json={"payments": items})
        assert answer.status_code == 200
        data = answer.json()["data"]
        assert [each["idempotency_key"] for each in data] == ["a", "b", "c", "d"]
        assert [each["status"] for each in data] == [200, 503, 500, 200]
        assert data[0]["payment_intent"]["id"] == o.PAYMENT.id
        assert data[1]["error"]["type"] == "api_error"
        assert [each["payment_intent"] is None for each in data] == [False, True, True, False]


async def test_a_repetition_is_known_by_its_items_alone():
    async with opened(create_payment=o.PAYMENT) as door:
        await door.client.post(PATH, json={"payments": [item("a"), item("b")]})
        await door.client.post(PATH, json={"payments": [item("b"), item("a", 7)]})
        asked = [question.origin for name, question in door.payments.asked]
        assert [each.idempotency_key for each in asked] == ["a", "b", "b", "a"]
        hashes = [each.request_hash for each in asked]
        assert hashes[1] == hashes[2]
        assert len({hashes[0], hashes[1], hashes[3]}) == 3


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([], "payments"),
        ([item(str(n)) for n in range(101)], "payments"),
        ([item("a"), item("a")], "payments[1][idempotency_key]"),
        ([item("")], "payments[0][idempotency_key]"),
        ([item("a"), item("b", shoe=9)], "payments[1][shoe]"),
        ([item("a", expand=["customer"])], "payments[0][expand]"),
        ([{"amount": 1, "currency": "usd"}], "payments[0][idempotency_key]"),
    ],
)
async def test_what_cannot_be_read_is_refused_before_anything_is_done(items, param):
    async with opened(create_payment=o.PAYMENT) as door:
        answer = await door.client.post(PATH, json={"payments": items})
        assert answer.status_code == 400
        assert param in answer.text
        assert door.payments.asked == []


async def test_the_call_itself_has_no_key_and_is_json():
    async with opened(create_payment=o.PAYMENT) as door:
        keyed = await door.client.post(
            PATH, json={"payments": [item("a")]}, headers={"idempotency-key": "k"}
        )
        form = {"payments[0][amount]": "1", "payments[0][currency]": "usd"}
        form["payments[0][idempotency_key]"] = "a"
        for answer in (keyed, await door.client.post(PATH, data=form)):
            assert answer.status_code == 400
        assert door.payments.asked == []
