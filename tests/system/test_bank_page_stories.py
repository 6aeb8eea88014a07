"""3-D Secure: the payer goes to the bank's page and comes back, as a browser does."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import Shop, lunch, open_shop, stranger

SHOP_PAGE = "https://shop.example/done?order=7"


class Form(HTMLParser):
    """The one form of a page: where it goes and what is in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            assert found["method"] == "post"
            self.action = found["action"]
        if tag == "input":
            self.fields[found["name"]] = found["value"]
        if tag == "button":
            self.buttons.append((found["name"], found["value"]))


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return shop.client


def visit(platform: Platform, url: str, outcome: str) -> httpx.Response:
    """Open the bank's page, press a button, and see where that leads."""
    with stranger(platform) as browser:
        page = browser.get(url)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        form = Form(page.text)
        assert form.buttons == [("outcome", "complete"), ("outcome", "fail")]
        return browser.post(form.action, data={**form.fields, "outcome": outcome})


def landed(answer: httpx.Response) -> dict[str, str]:
    """What the shop is told when the payer comes back."""
    assert answer.status_code == 303, answer.text
    location = urlsplit(answer.headers["location"])
    assert (location.netloc, location.path) == ("shop.example", "/done")
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def asked(client: stripe.StripeClient, **more: object) -> stripe.PaymentIntent:
    method = more.pop("payment_method", "pm_card_threeDSecure2Required")
    intent = client.v1.payment_intents.create(
        lunch(payment_method=method, return_url=SHOP_PAGE, **more)
    )
    assert intent.status == "requires_action"
    assert intent.next_action.redirect_to_url.return_url == SHOP_PAGE
    return intent


def bank_url(intent: stripe.PaymentIntent | stripe.SetupIntent) -> str:
    return intent.next_action.redirect_to_url.url


def test_a_payer_completes_and_the_payment_is_made(
    platform: Platform, client: stripe.StripeClient
) -> None:
    intent = asked(client)
    told = landed(visit(platform, bank_url(intent), "complete"))
    assert told == {
        "order": "7",
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": "succeeded",
    }
    paid = client.v1.payment_intents.retrieve(intent.id)
    assert (paid.status, paid.amount_received, paid.next_action) == ("succeeded", 2000, None)


def test_a_payer_fails_and_may_try_again(platform: Platform, client: stripe.StripeClient) -> None:
    intent = asked(client)
    assert landed(visit(platform, bank_url(intent), "fail"))["redirect_status"] == "failed"
    failed = client.v1.payment_intents.retrieve(intent.id)
    assert (failed.status, failed.amount_received) == ("requires_payment_method", 0)
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


def test_the_bank_may_decline_after_the_payer_completed(
    platform: Platform, client: stripe.StripeClient
) -> None:
    method = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = asked(client, payment_method=method)
    assert landed(visit(platform, bank_url(intent), "complete"))["redirect_status"] == "failed"
    failed = client.v1.payment_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.decline_code == "insufficient_funds"


def test_a_held_payment_is_asked_about_once_and_captured(
    platform: Platform, client: stripe.StripeClient
) -> None:
    intent = asked(client, capture_method="manual")
    assert landed(visit(platform, bank_url(intent), "complete"))["redirect_status"] == "succeeded"
    held = client.v1.payment_intents.retrieve(intent.id)
    assert (held.status, held.amount_capturable) == ("requires_capture", 2000)
    assert client.v1.payment_intents.capture(intent.id).status == "succeeded"


def test_pressing_the_button_twice_pays_once(
    platform: Platform, client: stripe.StripeClient
) -> None:
    """MS2."""
    intent = asked(client)
    landed(visit(platform, bank_url(intent), "complete"))
    again = visit(platform, bank_url(intent), "complete")
    assert again.status_code < 500
    charges = client.v1.charges.list({"payment_intent": intent.id}).data
    assert [charge.status for charge in charges] == ["succeeded"]


def test_a_stranger_without_the_secret_cannot_answer_for_the_payer(
    platform: Platform, client: stripe.StripeClient
) -> None:
    intent = asked(client)
    path = urlsplit(bank_url(intent)).path
    form = {"client_secret": f"{intent.id}_secret_guess", "outcome": "complete"}
    with stranger(platform) as browser:
        assert browser.post(path, data=form).status_code == 401
        assert browser.post(path, data={"outcome": "complete"}).status_code == 400
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_action"


def test_a_payment_that_waits_for_the_payer_can_be_given_up(
    platform: Platform, client: stripe.StripeClient
) -> None:
    intent = asked(client)
    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"
    assert visit(platform, bank_url(intent), "complete").status_code < 500
    assert client.v1.payment_intents.retrieve(intent.id).status == "canceled"


def test_without_a_return_address_the_page_says_how_it_ended(
    platform: Platform, client: stripe.StripeClient
) -> None:
    intent = client.v1.payment_intents.create(lunch(payment_method="pm_card_threeDSecureRequired"))
    answer = visit(platform, bank_url(intent), "complete")
    assert answer.status_code == 200 and "succeeded" in answer.text


def test_a_shop_may_refuse_to_send_payers_away(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_intents.create(
            lunch(payment_method="pm_card_threeDSecure2Required", error_on_requires_action=True)
        )
    assert caught.value.code == "authentication_required"


def test_a_card_that_asks_always_declines_while_the_payer_is_away(
    client: stripe.StripeClient,
) -> None:
    jenny = client.v1.customers.create({})
    card = client.v1.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": jenny.id}
    )
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_intents.create(
            lunch(customer=jenny.id, payment_method=card.id, off_session=True)
        )
    error = caught.value.error
    assert (error.code, error.decline_code) == (
        "authentication_required",
        "authentication_required",
    )


def test_a_card_that_was_set_up_at_the_bank_pays_while_the_payer_is_away(
    platform: Platform, client: stripe.StripeClient
) -> None:
    jenny = client.v1.customers.create({})
    setup = client.v1.setup_intents.create(
        {
            "customer": jenny.id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": SHOP_PAGE,
        }
    )
    assert setup.status == "requires_action"
    told = landed(visit(platform, bank_url(setup), "complete"))
    assert (told["setup_intent"], told["redirect_status"]) == (setup.id, "succeeded")
    done = client.v1.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    paid = client.v1.payment_intents.create(
        lunch(customer=jenny.id, payment_method=done.payment_method, off_session=True)
    )
    assert paid.status == "succeeded"


def test_a_setup_that_fails_at_the_bank_may_be_tried_again(
    platform: Platform, client: stripe.StripeClient
) -> None:
    setup = client.v1.setup_intents.create(
        {
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": SHOP_PAGE,
        }
    )
    assert landed(visit(platform, bank_url(setup), "fail"))["redirect_status"] == "failed"
    failed = client.v1.setup_intents.retrieve(setup.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    again = client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert again.status == "succeeded"
