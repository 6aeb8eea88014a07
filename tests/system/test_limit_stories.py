"""Limits that an operator sets, as a shop with Stripe's SDK meets them."""

from __future__ import annotations

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import open_shop, operator


def test_a_shop_that_reads_too_often_is_told_when_to_come_again(platform: Platform) -> None:
    """AE7."""
    shop, other = open_shop(platform, limits={"reads_per_s": 1}), open_shop(platform)
    client = stripe.StripeClient(
        shop.secret_key, base_addresses={"api": platform.url}, max_network_retries=0
    )
    with pytest.raises(stripe.RateLimitError) as told:
        for _ in range(30):
            client.v1.payment_intents.list({"limit": 1})
    assert told.value.json_body["error"]["code"] == "rate_limit"
    assert told.value.headers["retry-after"] == "1"
    for _ in range(3):
        assert other.client.v1.payment_intents.list({"limit": 1}).data == []


def test_a_card_that_has_paid_as_often_as_its_limit_allows_is_refused(platform: Platform) -> None:
    shop = open_shop(platform)
    limits = [{"period": "month", "per": "card", "count_max": 1}]
    with operator(platform) as desk:
        path = f"/api/merchants/{shop.id}/limits"
        assert desk.post(path, json={"limits": limits}).json()["version"] == 1
    lunch: dict[str, object] = {"amount": 2000, "currency": "usd", "confirm": True}
    lunch["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    shop.client.v1.payment_intents.create({**lunch, "payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError) as told:
        shop.client.v1.payment_intents.create({**lunch, "payment_method": "pm_card_visa"})
    assert (told.value.code, told.value.param) == ("charge_exceeds_source_limit", "payment_method")
    shop.client.v1.payment_intents.create({**lunch, "payment_method": "pm_card_mastercard"})
