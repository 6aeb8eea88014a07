"""``/payment/create`` and ``/payment/query``, as the README's first page shows them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.system.platform import Platform
from tests.system.shops import Shop, bearer, open_shop, stranger

LUNCH = {
    "amount": 2000,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "description": "lunch",
}


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture
def desk(shop: Shop) -> Iterator[httpx.Client]:
    with bearer(shop.platform, shop.secret_key) as client:
        yield client


def test_a_payment_is_taken_in_one_step_and_found_by_both_ids(desk: httpx.Client) -> None:
    made = desk.post("/payment/create", json={**LUNCH, "metadata": {"order": "7"}})
    assert made.status_code == 201
    told = made.json()
    assert type(told["id"]) is int and told["payment_id"].startswith("pi_")
    assert {name: told[name] for name in ("status", "amount", "currency", "description")} == {
        "status": "succeeded",
        "amount": 2000,
        "currency": "usd",
        "description": "lunch",
    }
    assert (told["metadata"], told["livemode"]) == ({"order": "7"}, False)
    assert type(told["created"]) is int
    for id in (told["id"], told["payment_id"]):
        found = desk.get("/payment/query", params={"id": id})
        assert (found.status_code, found.json()) == (200, told)


def test_the_same_payment_is_seen_through_both_apis(shop: Shop, desk: httpx.Client) -> None:
    told = desk.post("/payment/create", json=LUNCH).json()
    intent = shop.client.v1.payment_intents.retrieve(told["payment_id"])
    assert (intent.status, intent.amount, intent.description) == ("succeeded", 2000, "lunch")
    shop.client.v1.refunds.create({"payment_intent": intent.id})


def test_a_form_is_as_good_as_json(desk: httpx.Client) -> None:
    made = desk.post("/payment/create", data={key: str(value) for key, value in LUNCH.items()})
    assert (made.status_code, made.json()["status"]) == (201, "succeeded")


def test_an_authorization_waits_to_be_captured(shop: Shop, desk: httpx.Client) -> None:
    told = desk.post("/payment/create", json={**LUNCH, "capture": False}).json()
    assert (told["status"], told["amount_received"]) == ("requires_capture", 0)
    shop.client.v1.payment_intents.capture(told["payment_id"])
    now = desk.get("/payment/query", params={"id": told["id"]}).json()
    assert (now["status"], now["amount_received"]) == ("succeeded", 2000)


def test_a_payer_who_must_prove_themselves_is_sent_to_the_bank(desk: httpx.Client) -> None:
    told = desk.post(
        "/payment/create", json={**LUNCH, "payment_method": "pm_card_threeDSecure2Required"}
    ).json()
    assert told["status"] == "requires_action"
    assert httpx.get(told["next_action_url"], trust_env=False).status_code == 200


def test_a_decline_is_a_402_that_names_the_payment(desk: httpx.Client) -> None:
    no = desk.post("/payment/create", json={**LUNCH, "payment_method": "pm_card_chargeDeclined"})
    told = no.json()
    assert (no.status_code, told["code"], told["decline_code"]) == (
        402,
        "card_declined",
        "generic_decline",
    )
    assert no.headers["content-type"] == "application/problem+json"
    kept = desk.get("/payment/query", params={"id": told["payment_id"]}).json()
    assert kept["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"amount": None}, 400, "parameter_missing", "amount"),
        ({"amount": "20"}, 400, "parameter_invalid_integer", "amount"),
        ({"amount": 20.0}, 400, "parameter_invalid_integer", "amount"),
        ({"amount": True}, 400, "parameter_invalid_integer", "amount"),
        ({"amount": 0}, 422, "amount_not_positive", "amount"),
        ({"amount": 1}, 422, "amount_too_small", "amount"),
        ({"amount": 10**11}, 422, "amount_too_large", "amount"),
        ({"currency": "usdollar"}, 400, "parameter_too_long", "currency"),
        ({"currency": "zzz"}, 422, "currency_unknown", "currency"),
        ({"payment_method": "pm_nobody"}, 404, "not_found", "payment_method"),
        ({"customer": "cus_nobody"}, 404, "not_found", "customer"),
        ({"colour": "red"}, 400, "parameter_unknown", "colour"),
    ],
)
def test_a_bad_request_names_code_message_and_param(
    desk: httpx.Client, change: dict[str, object], status: int, code: str, param: str
) -> None:
    """MS6, AE5."""
    no = desk.post("/payment/create", json={**LUNCH, **change})
    told = no.json()
    assert (no.status_code, told["code"], told["param"]) == (status, code, param)
    assert told["message"] and told["status"] == status


@pytest.mark.parametrize("missing", ["amount", "currency", "payment_method"])
def test_what_is_missing_is_named(desk: httpx.Client, missing: str) -> None:
    given = {name: value for name, value in LUNCH.items() if name != missing}
    told = desk.post("/payment/create", json=given).json()
    assert (told["code"], told["param"]) == ("parameter_missing", missing)


@pytest.mark.parametrize("id", ["999999999", "pi_nobody", "0", "-1", "9" * 30, "支付", "1.0"])
def test_an_unknown_payment_is_not_found(desk: httpx.Client, id: str) -> None:
    answer = desk.get("/payment/query", params={"id": id})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_foreign_payment_is_as_unknown_as_one_that_is_not_there(
    platform: Platform, desk: httpx.Client
) -> None:
    """IA1."""
    told = desk.post("/payment/create", json=LUNCH).json()
    with bearer(platform, open_shop(platform).secret_key) as other:
        foreign = [other.get("/payment/query", params={"id": told[key]}) for key in KEYS]
        unknown = [other.get("/payment/query", params={"id": id}) for id in ("987654", "pi_x")]
    for answer in (*foreign, *unknown):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


KEYS = ("id", "payment_id")


def test_a_repeated_key_pays_once(desk: httpx.Client) -> None:
    """MS2."""
    key = {"idempotency-key": "lunch-of-today"}
    first, again = (desk.post("/payment/create", json=LUNCH, headers=key) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    other = desk.post("/payment/create", json={**LUNCH, "amount": 1999}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_a_stranger_is_asked_for_a_key(platform: Platform) -> None:
    with stranger(platform) as nobody:
        made = nobody.post("/payment/create", json=LUNCH)
        assert (made.status_code, made.json()["code"]) == (401, "api_key_missing")
        assert nobody.get("/payment/query", params={"id": "1"}).status_code == 401
