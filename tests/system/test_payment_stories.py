"""Payments, told through the official SDK."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import lunch


@pytest.fixture
def shop(platform: Platform) -> stripe.StripeClient:
    return platform.client()


def outcomes(times: int, action: Callable[[int], object]) -> list[object]:
    """Do something many times at once; what each returned or raised."""

    def attempt(number: int) -> object:
        try:
            return action(number)
        except stripe.StripeError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(times) as pool:
        return list(pool.map(attempt, range(times)))


def test_a_payment_is_created_confirmed_and_paid(shop: stripe.StripeClient) -> None:
    created = shop.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa"}
    )
    assert created.status == "requires_confirmation"
    paid = shop.v1.payment_intents.confirm(created.id)
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    charge = shop.v1.charges.retrieve(str(paid.latest_charge))
    assert (charge.paid, charge.captured, charge.amount) == (True, True, 2000)
    assert charge.payment_method_details.card.last4 == "4242"


def test_a_declined_card_raises_the_card_error_of_the_sdk(shop: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        shop.v1.payment_intents.create(
            lunch(payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
        )
    error = caught.value.error
    assert error is not None
    assert (error.code, error.decline_code) == ("card_declined", "insufficient_funds")
    intent = shop.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.decline_code == "insufficient_funds"


def test_a_declined_payment_can_be_paid_with_another_card(shop: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        shop.v1.payment_intents.create(lunch(payment_method="pm_card_visa_chargeDeclined"))
    intent = caught.value.error.payment_intent.id
    paid = shop.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_mastercard"})
    assert paid.status == "succeeded"


def test_an_authorization_is_captured_in_part(shop: stripe.StripeClient) -> None:
    held = shop.v1.payment_intents.create(lunch(capture_method="manual"))
    assert (held.status, held.amount_capturable) == ("requires_capture", 2000)
    taken = shop.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    assert (taken.status, taken.amount_received) == ("succeeded", 1500)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_intents.capture(held.id)


def test_an_authorization_is_given_up(shop: stripe.StripeClient) -> None:
    held = shop.v1.payment_intents.create(lunch(capture_method="manual"))
    gone = shop.v1.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_intents.capture(held.id)


def test_a_card_that_wants_three_d_secure_asks_for_action(shop: stripe.StripeClient) -> None:
    asked = shop.v1.payment_intents.create(
        lunch(payment_method="pm_card_authenticationRequired", return_url="https://shop.example/")
    )
    assert asked.status == "requires_action"
    assert asked.next_action.type == "redirect_to_url"


def test_a_payment_is_refunded_in_parts_and_never_beyond(shop: stripe.StripeClient) -> None:
    paid = shop.v1.payment_intents.create(lunch())
    first = shop.v1.refunds.create({"payment_intent": paid.id, "amount": 1200})
    assert first.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.create({"payment_intent": paid.id, "amount": 801})
    shop.v1.refunds.create({"payment_intent": paid.id})
    charge = shop.v1.charges.retrieve(str(paid.latest_charge))
    assert (charge.refunded, charge.amount_refunded) == (True, 2000)


def test_simultaneous_refunds_never_exceed_what_was_captured(shop: stripe.StripeClient) -> None:
    """MS4: the known bug of the field."""
    paid = shop.v1.payment_intents.create(lunch())
    answers = outcomes(
        16, lambda _: shop.v1.refunds.create({"payment_intent": paid.id, "amount": 600})
    )
    refunds = [answer for answer in answers if isinstance(answer, stripe.Refund)]
    assert len(refunds) == 3
    charge = shop.v1.charges.retrieve(str(paid.latest_charge))
    assert charge.amount_refunded == 1800


def test_simultaneous_captures_take_the_money_once(shop: stripe.StripeClient) -> None:
    """MS4: the known bug of the field."""
    held = shop.v1.payment_intents.create(lunch(capture_method="manual"))
    answers = outcomes(
        16, lambda _: shop.v1.payment_intents.capture(held.id, {"amount_to_capture": 1500})
    )
    assert sum(isinstance(answer, stripe.PaymentIntent) for answer in answers) == 1
    charge = shop.v1.charges.retrieve(str(held.latest_charge))
    assert charge.amount_captured == 1500


def test_retrying_with_the_same_key_pays_once(shop: stripe.StripeClient) -> None:
    """MS2."""
    options: stripe.RequestOptions = {"idempotency_key": f"lunch-{id(shop)}"}
    first = shop.v1.payment_intents.create(lunch(), options)
    again = shop.v1.payment_intents.create(lunch(), options)
    assert first.last_response.body == again.last_response.body
    with pytest.raises(stripe.IdempotencyError):
        shop.v1.payment_intents.create(lunch(amount=1), options)


def test_a_storm_of_twins_has_one_effect(shop: stripe.StripeClient) -> None:
    """MS2."""
    options: stripe.RequestOptions = {"idempotency_key": f"storm-{id(shop)}"}
    answers = outcomes(32, lambda _: shop.v1.payment_intents.create(lunch(), options))
    paid = {answer.id for answer in answers if isinstance(answer, stripe.PaymentIntent)}
    assert len(paid) == 1
    final = shop.v1.payment_intents.create(lunch(), options)
    assert {final.id} == paid


def test_the_books_are_right_after_all_that(platform: Platform) -> None:
    """MS3."""
    proof = platform.verify()
    assert proof.returncode == 0, proof.stdout + proof.stderr
