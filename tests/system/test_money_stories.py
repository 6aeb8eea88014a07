"""Captures, cancellations, refunds and currencies, down to the merchant's balance."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import Params, Shop, lunch, open_shop, seen


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return shop.client


def held(client: stripe.StripeClient, **more: object) -> stripe.PaymentIntent:
    intent = client.v1.payment_intents.create(lunch(capture_method="manual", **more))
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 2000)
    return intent


def fee(amount_minor: int) -> int:
    """2.9 % and 0.30 of a currency with two decimals, rounded half up."""
    return min((amount_minor * 290 + 30 * 10_000 + 5_000) // 10_000, amount_minor)


def refused(client: stripe.StripeClient, call: str, *args: object) -> stripe.InvalidRequestError:
    """The refusal of ``payment_intents.capture`` or the like."""
    resource, verb = call.split(".")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        getattr(getattr(client.v1, resource), verb)(*args)
    assert caught.value.http_status == 400
    return caught.value


def test_all_of_a_hold_is_captured(client: stripe.StripeClient) -> None:
    intent = held(client)
    taken = client.v1.payment_intents.capture(intent.id, {"expand": ["latest_charge"]})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 2000, 0)
    assert (taken.latest_charge.captured, taken.latest_charge.amount_captured) == (True, 2000)


def test_a_hold_is_no_money_until_it_is_captured(client: stripe.StripeClient) -> None:
    intent = held(client)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.captured, charge.balance_transaction) == (False, None)
    assert refused(client, "refunds.create", {"payment_intent": intent.id}).code


def test_nothing_above_the_hold_is_captured(client: stripe.StripeClient) -> None:
    """MS4."""
    intent = held(client)
    error = refused(client, "payment_intents.capture", intent.id, {"amount_to_capture": 2001})
    assert (error.code, error.param) == ("amount_too_large", "amount_to_capture")
    assert client.v1.payment_intents.retrieve(intent.id).amount_capturable == 2000
    refused(client, "payment_intents.capture", intent.id, {"amount_to_capture": 0})


@pytest.mark.parametrize(
    "reason", ["duplicate", "fraudulent", "requested_by_customer", "abandoned", None]
)
def test_a_payment_is_canceled_for_a_reason(
    client: stripe.StripeClient, reason: str | None
) -> None:
    intent = held(client)
    params: Params = {} if reason is None else {"cancellation_reason": reason}
    gone = client.v1.payment_intents.cancel(intent.id, params)
    assert (gone.status, gone.cancellation_reason) == ("canceled", reason)
    assert gone.canceled_at is not None and gone.amount_capturable == 0
    assert refused(client, "payment_intents.capture", intent.id).code == (
        "payment_intent_unexpected_state"
    )


def test_an_unknown_reason_is_refused(client: stripe.StripeClient) -> None:
    error = refused(
        client, "payment_intents.cancel", held(client).id, {"cancellation_reason": "bored"}
    )
    assert error.param == "cancellation_reason"


def test_what_is_paid_is_not_canceled(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create(lunch())
    error = refused(client, "payment_intents.cancel", paid.id)
    assert error.code == "payment_intent_unexpected_state"
    assert error.error.payment_intent.status == "succeeded"


def test_a_payment_is_changed_until_it_is_confirmed(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    assert intent.status == "requires_payment_method"
    changed = client.v1.payment_intents.update(
        intent.id,
        {
            "amount": 3100,
            "currency": "eur",
            "description": "dinner",
            "payment_method": "pm_card_visa",
            "receipt_email": "jenny@example.com",
            "statement_descriptor_suffix": "DINNER",
            "shipping": {"name": "Jenny", "address": {"line1": "Linienstr. 1"}},
        },
    )
    assert (changed.amount, changed.currency) == (3100, "eur")
    assert changed.status == "requires_confirmation"
    paid = client.v1.payment_intents.confirm(intent.id, {"expand": ["latest_charge"]})
    charge = paid.latest_charge
    assert (charge.amount, charge.currency, charge.description) == (3100, "eur", "dinner")
    assert (charge.receipt_email, charge.shipping.name) == ("jenny@example.com", "Jenny")
    assert charge.calculated_statement_descriptor == "DINNER"
    refused(client, "payment_intents.update", intent.id, {"amount": 1})


def test_a_refund_is_noted_listed_and_shown(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create(lunch())
    refund = client.v1.refunds.create(
        {
            "charge": paid.latest_charge,
            "amount": 500,
            "reason": "requested_by_customer",
            "metadata": {"ticket": "7"},
        }
    )
    assert (refund.status, refund.amount, refund.currency) == ("succeeded", 500, "usd")
    assert (refund.reason, refund.payment_intent) == ("requested_by_customer", paid.id)
    changed = client.v1.refunds.update(refund.id, {"metadata": {"ticket": "", "by": "me"}})
    assert changed.metadata.to_dict() == {"by": "me"}
    later = client.v1.refunds.create({"payment_intent": paid.id, "amount": 1})
    for wanted in ({"payment_intent": paid.id}, {"charge": paid.latest_charge}):
        assert ids(client.v1.refunds.list(wanted).data) == [later.id, refund.id]
    assert client.v1.refunds.retrieve(refund.id).amount == 500
    refused(client, "refunds.cancel", refund.id)


def test_a_refund_names_what_it_refunds(client: stripe.StripeClient) -> None:
    assert refused(client, "refunds.create", {"amount": 5}).code == "parameter_missing"
    one = client.v1.payment_intents.create(lunch())
    other = client.v1.payment_intents.create(lunch())
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": one.id, "charge": other.latest_charge})
    error = refused(client, "refunds.create", {"payment_intent": one.id, "amount": 2001})
    assert error.code == "amount_too_large"
    client.v1.refunds.create({"payment_intent": one.id})
    error = refused(client, "refunds.create", {"payment_intent": one.id})
    assert error.code == "charge_already_refunded"


def test_a_refund_that_waits_succeeds_later(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create(lunch(payment_method="pm_card_pendingRefund"))
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    assert refund.status == "pending"
    done = seen(lambda: ended(client, refund))
    assert (done.status, done.amount) == ("succeeded", 2000)
    assert client.v1.charges.retrieve(paid.latest_charge).refunded is True


def test_a_refund_that_fails_gives_the_money_back_to_the_shop(
    client: stripe.StripeClient,
) -> None:
    paid = client.v1.payment_intents.create(lunch(payment_method="pm_card_refundFail"))
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    failed = seen(lambda: ended(client, refund))
    assert (failed.status, bool(failed.failure_reason)) == ("failed", True)
    charge = client.v1.charges.retrieve(paid.latest_charge)
    assert (charge.refunded, charge.amount_refunded) == (False, 0)
    there = client.v1.balance_transactions.retrieve(failed.balance_transaction)
    back = client.v1.balance_transactions.retrieve(failed.failure_balance_transaction)
    assert (there.net, back.net, back.type) == (-2000, 2000, "refund_failure")


def ended(client: stripe.StripeClient, refund: stripe.Refund) -> stripe.Refund | None:
    now = client.v1.refunds.retrieve(refund.id)
    return now if now.status != "pending" else None


def ids(objects: Iterable[stripe.StripeObject]) -> list[str]:
    return [each.id for each in objects]


def test_a_charge_is_noted_and_found(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create(lunch(description="lunch", metadata={"table": "7"}))
    charge = client.v1.charges.update(
        paid.latest_charge,
        {
            "description": "lunch for two",
            "metadata": {"waiter": "Kim"},
            "receipt_email": "jenny@example.com",
            "fraud_details": {"user_report": "safe"},
        },
    )
    assert charge.description == "lunch for two"
    assert charge.metadata.to_dict() == {"table": "7", "waiter": "Kim"}
    assert charge.fraud_details.user_report == "safe"
    assert (charge.outcome.type, charge.outcome.network_status) == (
        "authorized",
        "approved_by_network",
    )
    assert ids(client.v1.charges.list({"payment_intent": paid.id}).data) == [charge.id]


@pytest.mark.parametrize(
    ("currency", "amount"), [("jpy", 500), ("krw", 1), ("kwd", 1234), ("bhd", 5), ("eur", 50)]
)
def test_every_currency_counts_in_its_own_smallest_unit(
    platform: Platform, currency: str, amount: int
) -> None:
    client = open_shop(platform).client
    paid = client.v1.payment_intents.create(
        lunch(amount=amount, currency=currency, expand=["latest_charge.balance_transaction"])
    )
    assert (paid.status, paid.amount, paid.currency) == ("succeeded", amount, currency)
    entry = paid.latest_charge.balance_transaction
    assert (entry.currency, entry.amount, entry.net) == (currency, amount, amount - entry.fee)
    (funds,) = client.v1.balance.retrieve().pending
    assert (funds.currency, funds.amount) == (currency, entry.net)


def test_a_payment_below_its_currencys_smallest_is_refused(client: stripe.StripeClient) -> None:
    for change, code in (
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": 49, "currency": "jpy"}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"currency": "xyz"}, "parameter_invalid"),
    ):
        assert refused(client, "payment_intents.create", lunch(**change)).code == code


def test_the_balance_is_the_sum_of_the_story(platform: Platform) -> None:
    """MS3."""
    client = open_shop(platform).client
    taken = client.v1.payment_intents.create(lunch())
    part = held(client)
    client.v1.payment_intents.capture(part.id, {"amount_to_capture": 1234})
    client.v1.payment_intents.cancel(held(client).id)
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.create(lunch(payment_method="pm_card_chargeDeclined"))
    client.v1.refunds.create({"payment_intent": taken.id, "amount": 700})
    broken = client.v1.payment_intents.create(lunch(payment_method="pm_card_refundFail"))
    refund = client.v1.refunds.create({"payment_intent": broken.id})
    seen(lambda: ended(client, refund))
    entries = list(client.v1.balance_transactions.list({"limit": 2}).auto_paging_iter())
    assert sorted((entry.type, entry.amount, entry.fee) for entry in entries) == sorted(
        [
            ("charge", 2000, fee(2000)),
            ("charge", 1234, fee(1234)),
            ("refund", -700, 0),
            ("charge", 2000, fee(2000)),
            ("refund", -2000, 0),
            ("refund_failure", 2000, 0),
        ]
    )
    assert all(entry.net == entry.amount - entry.fee for entry in entries)
    balance = client.v1.balance.retrieve()
    told = sum(funds.amount for funds in [*balance.pending, *balance.available])
    assert told == sum(entry.net for entry in entries) == 4534 - 2 * fee(2000) - fee(1234)
    of_type = client.v1.balance_transactions.list({"type": "refund", "limit": 100})
    assert len(of_type.data) == 2
    (own,) = client.v1.balance_transactions.list({"source": taken.latest_charge}).data
    assert own.source == taken.latest_charge


def test_the_books_are_right_after_all_that(platform: Platform) -> None:
    """MS3."""
    proof = platform.verify()
    assert proof.returncode == 0, proof.stdout + proof.stderr
