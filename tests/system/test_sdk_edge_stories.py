"""Keys, versions, idempotency and errors, as the official SDK sees them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest
import stripe

from sycee.gateway.access import VERSION
from tests.system.platform import Platform, running
from tests.system.shops import Shop, bearer, lunch, open_shop, operator, seen, stranger

FORM = {name: str(value).lower() for name, value in lunch().items()}


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return shop.client


@pytest.mark.parametrize(
    "key", ["sk_test_wrong", "nonsense", "sk_live_" + "0" * 43, "x" * 500, "sk_test_schlüssel"]
)
def test_a_wrong_key_is_an_authentication_error(platform: Platform, key: str) -> None:
    with stranger(platform) as browser:
        header = f"Bearer {key}".encode()
        answer = browser.get("/v1/balance", headers={b"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    if key.isascii():
        with pytest.raises(stripe.AuthenticationError) as caught:
            platform.client(key).v1.balance.retrieve()
        assert caught.value.http_status == 401
        assert key not in str(caught.value)


def test_a_key_also_comes_as_the_user_of_basic_authentication(shop: Shop) -> None:
    with stranger(shop.platform) as curl:
        good = curl.get("/v1/account", auth=(shop.secret_key, ""))
        assert (good.status_code, good.json()["id"]) == (200, shop.id)
        assert curl.get("/v1/account", auth=("nobody", "")).status_code == 401


def test_a_key_that_may_not_is_a_permission_error(shop: Shop) -> None:
    reader = shop.platform.client(shop.key("read_only"))
    assert reader.v1.balance.retrieve().object == "balance"
    with pytest.raises(stripe.PermissionError) as caught:
        reader.v1.payment_intents.create(lunch())
    assert caught.value.http_status == 403


def test_a_browser_confirms_with_the_client_secret_alone(shop: Shop) -> None:
    intent = shop.client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    browser = shop.platform.client(shop.key("publishable"))
    with pytest.raises(stripe.PermissionError):
        browser.v1.payment_intents.retrieve(intent.id)
    with pytest.raises(stripe.InvalidRequestError):
        browser.v1.payment_intents.retrieve(intent.id, {"client_secret": "wrong"})
    ticket = {"client_secret": intent.client_secret}
    shown = browser.v1.payment_intents.retrieve(intent.id, ticket)
    assert shown.id == intent.id and "metadata" not in shown
    paid = browser.v1.payment_intents.confirm(
        intent.id, {**ticket, "payment_method": "pm_card_visa"}
    )
    assert paid.status == "succeeded" and "latest_charge" not in paid


def test_every_answer_has_a_request_id_and_a_version(shop: Shop) -> None:
    with bearer(shop.platform, shop.secret_key) as plain:
        answers = [
            plain.get("/v1/balance"),
            plain.get("/v1/nothing"),
            plain.get("/payment/query", params={"id": "1"}),
            plain.get("/health"),
        ]
    ids = [answer.headers["request-id"] for answer in answers]
    assert all(re.fullmatch(r"req_\w+", id) for id in ids) and len(set(ids)) == len(ids)
    assert {answer.headers["stripe-version"] for answer in answers} == {VERSION.decode()}


@pytest.mark.parametrize("version", ["2020-08-27", "2026-10-28.endive", stripe.api_version])
def test_every_dated_version_is_taken(shop: Shop, version: str) -> None:
    with bearer(shop.platform, shop.secret_key) as plain:
        answer = plain.get("/v1/balance", headers={"stripe-version": version})
    assert answer.status_code == 200


def test_a_version_that_is_no_date_is_refused(shop: Shop) -> None:
    with bearer(shop.platform, shop.secret_key) as plain:
        answer = plain.get("/v1/balance", headers={"stripe-version": "latest"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "version_unknown")


def test_an_error_says_all_that_a_shop_needs(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.create({"currency": "usd"})
    error = caught.value
    assert (error.http_status, error.code, error.param) == (400, "parameter_missing", "amount")
    assert error.error.type == "invalid_request_error"
    assert error.request_id.startswith("req_")
    with httpx.Client(trust_env=False) as reader:
        page = reader.get(error.error.doc_url)
    assert 'id="error-parameter_missing"' in page.text


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": "many"}, "parameter_invalid_integer", "amount"),
        ({"amount": 20.5}, "parameter_invalid_integer", "amount"),
        ({"amount": -5}, "parameter_invalid_integer", "amount"),
        ({"confirm": "perhaps"}, "parameter_invalid", "confirm"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method": "pm_nobody"}, "resource_missing", "payment_method"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"capture_method": "later"}, "parameter_invalid", "capture_method"),
        ({"statement_descriptor": "x" * 23}, "parameter_too_long", "statement_descriptor"),
        ({"statement_descriptor": "LUNCH*"}, "parameter_invalid", "statement_descriptor"),
        ({"statement_descriptor_suffix": "2"}, "parameter_invalid", "statement_descriptor_suffix"),
        ({"description": "x" * 5001}, "parameter_too_long", "description"),
        ({"payment_method_types": ["card", "wish"]}, None, None),
        ({"shipping": "here"}, "parameter_invalid", "shipping"),
        ({"payment_method_data": {"type": "card"}}, None, None),
    ],
)
def test_every_bad_field_is_named(
    client: stripe.StripeClient, change: dict[str, object], code: str | None, param: str | None
) -> None:
    with pytest.raises(stripe.StripeError) as caught:
        client.v1.payment_intents.create(lunch(**change))
    assert caught.value.http_status in (400, 402, 404)
    if code is not None:
        assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize(
    "read",
    [
        lambda c: c.v1.payment_intents.retrieve("pi_nobody"),
        lambda c: c.v1.charges.retrieve("ch_nobody"),
        lambda c: c.v1.refunds.retrieve("re_nobody"),
        lambda c: c.v1.customers.retrieve("cus_nobody"),
        lambda c: c.v1.payment_methods.retrieve("pm_nobody"),
        lambda c: c.v1.setup_intents.retrieve("seti_nobody"),
        lambda c: c.v1.events.retrieve("evt_nobody"),
        lambda c: c.v1.webhook_endpoints.retrieve("we_nobody"),
        lambda c: c.v1.balance_transactions.retrieve("txn_nobody"),
        lambda c: c.v1.payment_intents.retrieve("pi_'; DROP TABLE payments; --"),
        lambda c: c.v1.payment_intents.retrieve("支付"),
    ],
)
def test_what_is_not_there_is_missing(client: stripe.StripeClient, read) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        read(client)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_a_refusal_is_repeated_under_its_key(platform: Platform) -> None:
    """MS2."""
    client = open_shop(platform).client
    options: stripe.RequestOptions = {"idempotency_key": "declined-once"}
    bodies = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            client.v1.payment_intents.create(
                lunch(payment_method="pm_card_chargeDeclined"), options
            )
        bodies.append(caught.value.http_body)
    assert bodies[0] == bodies[1]
    assert len(client.v1.charges.list({"limit": 100}).data) == 1


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/v1/payment_intents", FORM),
        ("/v1/customers", {"name": "Jenny"}),
        ("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"}),
        ("/v1/setup_intents", {"payment_method": "pm_card_visa", "confirm": "true"}),
        ("/v1/webhook_endpoints", {"url": "https://shop.example/", "enabled_events[]": "*"}),
        ("/payment/create", {key: FORM[key] for key in ("amount", "currency", "payment_method")}),
    ],
)
def test_a_repeated_key_answers_byte_for_byte(shop: Shop, path: str, form: dict[str, str]) -> None:
    """MS2."""
    headers = {"idempotency-key": f"twice {path}"}
    with bearer(shop.platform, shop.secret_key) as plain:
        first, again = (plain.post(path, data=form, headers=headers) for _ in range(2))
        other = plain.post(path, data={**form, "metadata[a]": "b"}, headers=headers)
    assert first.status_code in (200, 201), first.text
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.headers["idempotency-key"] == f"twice {path}"
    assert other.status_code in (400, 409) and "idempotency" in other.text


def test_a_key_belongs_to_its_shop(platform: Platform, shop: Shop) -> None:
    """MS2: the scope of a key is merchant and key."""
    options: stripe.RequestOptions = {"idempotency_key": "order-7"}
    ours = shop.client.v1.payment_intents.create(lunch(), options)
    theirs = open_shop(platform).client.v1.payment_intents.create(lunch(amount=999), options)
    assert (ours.id != theirs.id, theirs.amount) == (True, 999)


def test_the_sdk_repeats_by_itself_without_paying_twice(shop: Shop) -> None:
    """MS2."""
    patient = shop.platform.client(shop.secret_key, retries=3)
    paid = patient.v1.payment_intents.create(lunch(description="patient"))
    assert paid.status == "succeeded"


@pytest.mark.parametrize("key", ["x" * 256, "ключ", ""])
def test_a_key_that_is_none_is_refused(shop: Shop, key: str) -> None:
    with bearer(shop.platform, shop.secret_key) as plain:
        headers = {b"idempotency-key": key.encode()}
        answer = plain.post("/v1/customers", data={"name": "x"}, headers=headers)
    assert answer.status_code == 400


def test_a_suspended_shop_takes_no_money_until_it_may_again(platform: Platform) -> None:
    """IA8: a change acts within a second; until then a payment may still pass."""
    shop = open_shop(platform)
    assert paying(shop) == 200
    with operator(platform) as desk:
        for status, outcome in (("suspended", 403), ("active", 200)):
            changed = desk.post(f"/api/merchants/{shop.id}", json={"status": status})
            assert changed.json()["status"] == status
            began = time.monotonic()
            seen(lambda wanted=outcome: paying(shop) == wanted)
            assert time.monotonic() - began < 2


def paying(shop: Shop) -> int | None:
    """The status that a payment is answered with."""
    try:
        return shop.client.v1.payment_intents.create(lunch()).last_response.code
    except stripe.StripeError as error:
        return error.http_status


def test_a_shops_limits_are_kept(platform: Platform) -> None:
    limits = {"amount_minor_max": 5000, "currencies": ["USD"], "duplicate_window_s": 60}
    client = open_shop(platform, limits=limits).client
    client.v1.payment_intents.create(lunch())
    for change, code in (
        ({"amount": 5001}, "amount_too_large"),
        ({"currency": "eur"}, "currency_not_accepted"),
        ({}, "card_declined"),
    ):
        with pytest.raises(stripe.StripeError) as caught:
            client.v1.payment_intents.create(lunch(**change))
        assert caught.value.code == code


def test_a_shop_sees_its_own_account(shop: Shop) -> None:
    account = shop.client.v1.accounts.retrieve_current()
    assert (account.id, account.default_currency, account.charges_enabled) == (
        shop.id,
        "usd",
        True,
    )


@pytest.mark.parametrize("topology", ["one", "processes"])
def test_a_key_is_remembered_through_a_crash(tmp_path: Path, topology: str) -> None:
    """MS2: paid, declined and refunded before; the same answers after, to the byte."""
    named = "gateway.public_url=https://pay.example"
    with running(tmp_path, topology, named) as platform:
        before = [answer.content for answer in repeated(platform)]
        platform.kill()
        platform.start()
        assert [answer.content for answer in repeated(platform)] == before
        assert len(platform.client().v1.charges.list().data) == 2
        assert platform.verify().returncode == 0


def repeated(platform: Platform) -> list[httpx.Response]:
    assert platform.ready is not None
    decline = {**FORM, "payment_method": "pm_card_chargeDeclined"}
    with bearer(platform, platform.ready.secret_key) as desk:

        def post(path: str, form: dict[str, str], key: str) -> httpx.Response:
            return desk.post(path, data=form, headers={"idempotency-key": key})

        paid = post("/v1/payment_intents", FORM, "paid")
        refund = {"payment_intent": paid.json()["id"], "amount": "500"}
        return [
            paid,
            post("/v1/payment_intents", decline, "declined"),
            post("/v1/refunds", refund, "refunded"),
        ]
