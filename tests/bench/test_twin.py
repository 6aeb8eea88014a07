"""The twin that payments are measured against keeps the promises that it is said to keep."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing

import httpx
import pytest
from bench.twin import app, confirm

from sycee.gateway.links import Links
from sycee.gateway.stripe.charges import render_charge
from sycee.gateway.stripe.payment_intents.render import render_payment
from tests.gateway.objects import CHARGE, PAYMENT

KEY = "sk_test_here"
CREATE = "/v1/payment_intents"
VISA = {"amount": "2000", "currency": "usd", "payment_method": "pm_card_visa"}


class Shop:
    """A client of the twin, and its database."""

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self.client = client
        self.path = path

    async def post(self, path, form=None, key=None):
        fields = {} if key is None else {"idempotency-key": key}
        return await self.client.post(path, data=form or {}, headers=fields)

    async def created(self, **form):
        return (await self.post(CREATE, {**VISA, **form})).json()["id"]

    async def confirmed(self, id, key=None):
        return await self.post(f"{CREATE}/{id}/confirm", key=key)

    def rows(self, sql):
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
async def shop(tmp_path):
    path = str(tmp_path / "twin.db")
    served = app.build(path, KEY)
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(served),
            base_url="http://twin",
            headers={"authorization": f"Bearer {KEY}"},
        ) as client,
    ):
        yield Shop(client, path)


async def test_a_payment_is_paid_booked_and_told(shop):
    id = await shop.created()
    paid = (await shop.confirmed(id)).json()
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 2000)
    types = [type for (type,) in shop.rows("SELECT type FROM outbox ORDER BY seq")]
    assert types == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    assert shop.rows("SELECT outcome FROM attempts") == [("paid",)]
    ((body,),) = shop.rows("SELECT body FROM charges")
    assert json.loads(body)["payment_intent"] == id


async def test_the_books_balance_after_paid_and_declined(shop):
    for method in ("pm_card_visa", "pm_card_chargeDeclined", "pm_card_mastercard"):
        await shop.confirmed(await shop.created(payment_method=method))
    ((pending, debits, credits),) = shop.rows(
        "SELECT SUM(debits_pending + credits_pending), SUM(debits_posted), SUM(credits_posted)"
        " FROM accounts"
    )
    assert (pending, debits) == (0, credits)
    assert shop.rows(
        "SELECT name, debits_posted, credits_posted FROM accounts"
        " WHERE debits_posted + credits_posted > 0 ORDER BY name"
    ) == [
        ("clearing:acct_twin:usd", 4000, 4000),
        ("fees:usd", 0, 176),
        ("pending:acct_twin:usd", 176, 4000),
        ("settlement:usd", 4000, 0),
    ]


async def test_no_limited_account_gives_what_it_does_not_have(shop):
    with (
        closing(sqlite3.connect(shop.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="CHECK"),
    ):
        connection.execute("UPDATE accounts SET debits_posted = 1 WHERE is_limited = 1")


async def test_a_repetition_is_answered_byte_for_byte(shop):
    first = await shop.post(CREATE, VISA, "create")
    id = first.json()["id"]
    paid = await shop.confirmed(id, "confirm")
    assert (await shop.post(CREATE, VISA, "create")).content == first.content
    assert (await shop.confirmed(id, "confirm")).content == paid.content
    assert shop.rows("SELECT COUNT(*) FROM charges") == [(1,)]


async def test_a_declined_confirm_is_repeated_too(shop):
    id = await shop.created(payment_method="pm_card_chargeDeclined")
    declined = await shop.confirmed(id, "confirm")
    again = await shop.confirmed(id, "confirm")
    assert declined.status_code == again.status_code == 402
    assert declined.content == again.content
    assert declined.json()["error"]["decline_code"] == "generic_decline"


async def test_a_key_is_refused_with_another_request(shop):
    await shop.post(CREATE, VISA, "create")
    other = await shop.post(CREATE, {**VISA, "amount": "2001"}, "create")
    assert (other.status_code, other.json()["error"]["code"]) == (400, "idempotency_error")


async def test_twins_of_one_request_pay_once(shop):
    id = await shop.created()
    answers = await asyncio.gather(*(shop.confirmed(id, "confirm") for _ in range(5)))
    assert {each.status_code for each in answers} <= {200, 409}
    assert shop.rows("SELECT COUNT(*) FROM charges") == [(1,)]


async def test_the_attempt_is_on_disk_before_the_rail_is_asked(shop, monkeypatch):
    seen = []

    async def rail(attempt):
        seen.extend(shop.rows("SELECT id, outcome FROM attempts"))
        seen.extend(shop.rows("SELECT answer FROM keys"))
        return confirm.CARDS[attempt.token].verdict

    monkeypatch.setattr(confirm, "rail", rail)
    await shop.confirmed(await shop.created(), "confirm")
    ((attempt, outcome), (answer,)) = seen
    assert attempt.startswith("att_")
    assert (outcome, answer) == (None, None)


async def test_a_card_that_tries_too_often_is_declined(shop, monkeypatch):
    monkeypatch.setattr(confirm, "TRIES_PER_HOUR", 1)
    first = await shop.confirmed(await shop.created())
    second = await shop.confirmed(await shop.created())
    assert (first.status_code, second.status_code) == (200, 402)


@pytest.mark.parametrize(
    ("form", "status", "param"),
    [
        ({"amount": "49"}, 400, "amount"),
        ({"amount": "-1"}, 400, "amount"),
        ({"currency": "xxx"}, 400, "currency"),
        ({"payment_method": "pm_card_unknown"}, 404, "payment_method"),
        ({"surprise": "1"}, 400, "surprise"),
    ],
)
async def test_what_may_not_be_taken_is_refused(shop, form, status, param):
    answer = await shop.post(CREATE, {**VISA, **form})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


async def test_a_payment_is_confirmed_once(shop):
    id = await shop.created()
    await shop.confirmed(id)
    assert (await shop.confirmed(id)).status_code == 400


async def test_a_stranger_is_let_nowhere(shop):
    shop.client.headers["authorization"] = "Bearer sk_other"
    assert (await shop.post(CREATE, VISA)).status_code == 401


async def test_its_objects_have_the_members_of_the_platforms(shop):
    paid = (await shop.confirmed(await shop.created())).json()
    ((body,),) = shop.rows("SELECT body FROM charges")
    assert paid.keys() == render_payment(PAYMENT, Links()).keys()
    own, ours = json.loads(body), render_charge(CHARGE)
    assert own.keys() == ours.keys()
    card, our_card = (each["payment_method_details"]["card"] for each in (own, ours))
    assert card.keys() == our_card.keys() - {"capture_before"}
