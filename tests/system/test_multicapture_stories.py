"""An order leaves in several parcels: each is captured as it goes, over Stripe's own SDK."""

from __future__ import annotations

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import lunch, open_shop

PARTS: dict[str, object] = {"card": {"request_multicapture": "if_available"}}


@pytest.fixture(scope="module")
def client(platform: Platform) -> stripe.StripeClient:
    return open_shop(platform).client


def test_parcels_are_captured_as_they_go(client: stripe.StripeClient) -> None:
    intents = client.v1.payment_intents
    held = intents.create(lunch(capture_method="manual", payment_method_options=PARTS))
    assert held.payment_method_options is not None
    assert held.payment_method_options["card"]["request_multicapture"] == "if_available"
    charge = client.v1.charges.retrieve(str(held.latest_charge))
    assert charge.payment_method_details is not None
    assert charge.payment_method_details["card"]["multicapture"]["status"] == "available"
    part = intents.capture(held.id, {"amount_to_capture": 700, "final_capture": False})
    assert (part.status, part.amount_capturable, part.amount_received) == (
        "requires_capture",
        1300,
        700,
    )
    client.v1.refunds.create({"payment_intent": held.id, "amount": 200})
    last = intents.capture(held.id, {"amount_to_capture": 300})
    assert (last.status, last.amount_capturable, last.amount_received) == ("succeeded", 0, 1000)
    booked = client.v1.balance_transactions.list({"source": charge.id}).data
    assert sorted(each.amount for each in booked) == [300, 700]


def test_who_did_not_ask_for_parts_captures_once(client: stripe.StripeClient) -> None:
    held = client.v1.payment_intents.create(lunch(capture_method="manual"))
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(held.id, {"final_capture": False})
    assert refused.value.param == "final_capture"


def test_what_is_not_offered_is_refused_by_name(client: stripe.StripeClient) -> None:
    options: dict[str, object] = {"card": {"request_overcapture": "if_available"}}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(lunch(payment_method_options=options))
    assert "request_overcapture" in str(refused.value.param)
