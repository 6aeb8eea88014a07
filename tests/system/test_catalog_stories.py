"""A merchant's products and prices, through Stripe's own SDK."""

from __future__ import annotations

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import open_shop, seen


@pytest.fixture(scope="module")
def client(platform: Platform) -> stripe.StripeClient:
    return open_shop(platform).client


def test_a_product_is_offered_priced_changed_and_archived(client: stripe.StripeClient) -> None:
    tea = client.v1.products.create(
        {
            "name": "Tea",
            "marketing_features": [{"name": "Green"}],
            "default_price_data": {"currency": "usd", "unit_amount": 250},
            "expand": ["default_price"],
        }
    )
    assert (tea.default_price.unit_amount, tea.default_price.type) == (250, "one_time")
    assert tea.default_price.product == tea.id
    price = client.v1.prices.create({"currency": "usd", "unit_amount": 300, "product": tea.id})
    client.v1.products.update(tea.id, {"default_price": price.id, "description": "Fresh"})
    client.v1.prices.update(tea.default_price.id, {"active": False})
    active = client.v1.prices.list({"product": tea.id, "active": True})
    assert [each.id for each in active.data] == [price.id]
    with pytest.raises(stripe.InvalidRequestError) as kept:
        client.v1.products.delete(tea.id)
    assert kept.value.code == "product_has_prices"
    assert client.v1.products.update(tea.id, {"active": False}).active is False


@pytest.mark.parametrize(
    ("currency", "asked", "amount", "decimal"),
    [
        ("usd", {"unit_amount": 1999}, 1999, "1999"),
        ("jpy", {"unit_amount": 500}, 500, "500"),
        ("kwd", {"unit_amount": 12345}, 12345, "12345"),
        ("usd", {"unit_amount_decimal": "0.25"}, None, "0.25"),
    ],
)
def test_a_price_is_in_the_minor_unit_of_its_currency(
    client: stripe.StripeClient, currency: str, asked: dict, amount: int | None, decimal: str
) -> None:
    made = client.v1.prices.create({"currency": currency, "product_data": {"name": "Tea"}, **asked})
    kept = client.v1.prices.retrieve(made.id)
    assert (kept.currency, kept.unit_amount, str(kept.unit_amount_decimal)) == (
        currency,
        amount,
        decimal,
    )


@pytest.mark.parametrize("name", ["recurring", "tiers", "custom_unit_amount", "currency_options"])
def test_what_a_price_cannot_be_is_refused_by_name(client: stripe.StripeClient, name: str) -> None:
    asked = {"currency": "usd", "unit_amount": 1, "product_data": {"name": "Tea"}}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.prices.create({**asked, name: {"interval": "month"}})
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", name)


def test_a_lookup_key_finds_the_price_of_today(client: stripe.StripeClient) -> None:
    asked = {"currency": "usd", "unit_amount": 1, "product_data": {"name": "Tea"}}
    client.v1.prices.create({**asked, "lookup_key": "today"})
    with pytest.raises(stripe.InvalidRequestError) as taken:
        client.v1.prices.create({**asked, "lookup_key": "today"})
    assert taken.value.param == "lookup_key"
    moved = client.v1.prices.create({**asked, "lookup_key": "today", "transfer_lookup_key": True})
    found = client.v1.prices.list({"lookup_keys": ["today"]})
    assert [price.id for price in found.data] == [moved.id]
    with pytest.raises(stripe.InvalidRequestError) as many:
        client.v1.prices.list({"lookup_keys": [str(number) for number in range(11)]})
    assert many.value.param == "lookup_keys"


def test_a_product_without_prices_is_deleted(client: stripe.StripeClient) -> None:
    tea = client.v1.products.create({"name": "Tea", "metadata": {"a": "b"}})
    assert client.v1.products.update(tea.id, {"metadata": ""}).metadata.to_dict() == {}
    assert client.v1.products.delete(tea.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.products.retrieve(tea.id)
    assert gone.value.http_status == 404
    expected = {"product.created", "product.updated", "product.deleted", "price.created"}

    def told() -> bool:
        return expected <= {event.type for event in client.v1.events.list({"limit": 100}).data}

    client.v1.prices.create(
        {"currency": "usd", "unit_amount": 1, "product_data": {"name": "Coffee"}}
    )
    seen(told)
