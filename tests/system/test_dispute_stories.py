"""A payer's bank wants the money back: the merchant wins, loses, or is only asked."""

from __future__ import annotations

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import Shop, lunch, open_shop, seen


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return shop.client


def disputed(client: stripe.StripeClient, card: str = "createDispute") -> stripe.Dispute:
    """A dispute of a fresh payment, with its money where it belongs."""
    intent = client.v1.payment_intents.create(lunch(payment_method=f"pm_card_{card}"))
    is_inquiry = card.endswith("Inquiry")

    def look() -> stripe.Dispute | None:
        found = client.v1.disputes.list({"payment_intent": intent.id}).data
        is_there = found and (is_inquiry or found[0].balance_transactions)
        return found[0] if is_there else None

    return seen(look)


def test_a_merchant_wins_with_evidence(client: stripe.StripeClient) -> None:
    dispute = disputed(client)
    (withdrawn,) = dispute.balance_transactions
    assert (withdrawn.amount, withdrawn.fee, withdrawn.net) == (-2000, 1500, -3500)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": dispute.charge})
    assert refused.value.code == "charge_disputed"
    evidence: dict[str, object] = {"evidence": {"uncategorized_text": "winning_evidence"}}
    assert client.v1.disputes.update(dispute.id, evidence).status == "under_review"
    listed = client.v1.balance_transactions.list
    sources: dict[str, object] = {"source": dispute.id, "type": "adjustment"}
    assert seen(lambda: len(listed(sources).data) == 2)
    assert [each.net for each in listed(sources).data] == [2000, -3500]
    assert client.v1.disputes.retrieve(dispute.id).status == "won"
    charge = client.v1.charges.retrieve(dispute.charge)
    assert charge.disputed
    assert client.v1.refunds.create({"charge": dispute.charge}).amount == 2000


def test_a_dispute_that_is_accepted_is_lost(client: stripe.StripeClient) -> None:
    dispute = disputed(client, "createDisputeProductNotReceived")
    assert dispute.reason == "product_not_received"
    assert client.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.disputes.close(dispute.id)
    assert refused.value.code == "dispute_unexpected_state"


def test_an_inquiry_leaves_the_money(client: stripe.StripeClient) -> None:
    inquiry = disputed(client, "createDisputeInquiry")
    assert (inquiry.status, inquiry.balance_transactions) == ("warning_needs_response", [])
    assert inquiry.is_charge_refundable
    assert client.v1.disputes.close(inquiry.id).status == "warning_closed"


def test_disputes_are_told_as_events(client: stripe.StripeClient) -> None:
    dispute = disputed(client)
    types = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]

    def told() -> set[str]:
        events = client.v1.events.list({"types": types, "limit": 100}).data
        return {each.type for each in events if each.data.object["id"] == dispute.id}

    assert seen(lambda: told() == set(types))
