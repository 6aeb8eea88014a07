"""Customers, their saved cards, and cards that are set up for later."""

from __future__ import annotations

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import CARD, Shop, lunch, open_shop


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return shop.client


@pytest.fixture
def jenny(client: stripe.StripeClient) -> stripe.Customer:
    return client.v1.customers.create({"name": "Jenny Rosen", "email": "jenny@example.com"})


def saved_card(client: stripe.StripeClient, customer: str, token: str) -> stripe.PaymentMethod:
    return client.v1.payment_methods.attach(token, {"customer": customer})


def test_a_customer_is_kept_changed_and_deleted(client: stripe.StripeClient) -> None:
    address = {"line1": "Linienstr. 1", "city": "Berlin", "country": "DE"}
    made = client.v1.customers.create(
        {
            "name": "Jürgen 王",
            "email": "j@example.com",
            "phone": "+49 30 1",
            "description": "regular",
            "address": address,
            "shipping": {"name": "Jürgen", "address": address},
            "metadata": {"größe": "ß & ="},
        }
    )
    kept = client.v1.customers.retrieve(made.id)
    assert (kept.name, kept.email, kept.address.city) == ("Jürgen 王", "j@example.com", "Berlin")
    assert kept.shipping.address.country == "DE"
    assert kept.metadata.to_dict() == {"größe": "ß & ="}
    assert (kept.object, kept.livemode) == ("customer", False)
    changed = client.v1.customers.update(made.id, {"name": "Jo", "description": "", "email": ""})
    assert (changed.name, changed.description, changed.email) == ("Jo", None, None)
    assert changed.phone == "+49 30 1"
    assert client.v1.customers.delete(made.id).deleted is True
    assert client.v1.customers.retrieve(made.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.customers.update(made.id, {"name": "x"})
    assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")


def test_an_empty_text_clears_addresses_and_metadata(client: stripe.StripeClient) -> None:
    home = {"line1": "Linienstr. 1", "city": "Berlin"}
    made = client.v1.customers.create(
        {
            "address": home,
            "shipping": {"name": "Jo", "address": home},
            "metadata": {"a": "1", "b": "2"},
        }
    )
    bare = client.v1.customers.update(made.id, {"address": "", "shipping": "", "metadata": ""})
    assert (bare.address, bare.shipping, bare.metadata.to_dict()) == (None, None, {})
    assert client.v1.customers.create({"address": "", "shipping": ""}).address is None
    billing = {"name": "Jo", "address": home}
    card = client.v1.payment_methods.create(
        {"type": "card", "card": {"token": "tok_visa"}, "billing_details": billing}
    )
    card = client.v1.payment_methods.update(card.id, {"billing_details": {"address": ""}})
    assert (card.billing_details.name, card.billing_details.address.city) == ("Jo", None)


def test_an_empty_text_clears_where_a_payment_is_shipped_to(client: stripe.StripeClient) -> None:
    shipping = {"name": "Jo", "address": {"city": "Berlin"}}
    held = {"confirm": False, "shipping": shipping, "metadata": {"a": "1"}}
    made = client.v1.payment_intents.create(lunch(**held))
    bare = client.v1.payment_intents.update(made.id, {"shipping": "", "metadata": ""})
    assert (bare.shipping, bare.metadata.to_dict()) == (None, {})
    made = client.v1.payment_intents.create(lunch(**held, capture_method="manual"))
    assert client.v1.payment_intents.confirm(made.id, {"shipping": ""}).shipping is None
    taken = client.v1.payment_intents.capture(made.id, {"metadata": ""})
    assert taken.metadata.to_dict() == {}
    charge = client.v1.charges.update(taken.latest_charge, {"shipping": shipping})
    assert charge.shipping.name == "Jo"
    charge = client.v1.charges.update(charge.id, {"shipping": "", "metadata": ""})
    assert (charge.shipping, charge.metadata.to_dict()) == (None, {})


def test_customers_are_found_by_their_address(client: stripe.StripeClient) -> None:
    email = "only-one@example.com"
    made = client.v1.customers.create({"email": email})
    client.v1.customers.create({"email": f"not-{email}"})
    assert [each.id for each in client.v1.customers.list({"email": email}).data] == [made.id]


@pytest.mark.parametrize(
    ("token", "brand", "last4", "funding"),
    [
        ("pm_card_visa", "visa", "4242", "credit"),
        ("pm_card_mastercard_debit", "mastercard", "8210", "debit"),
        ("pm_card_amex", "amex", "0005", "credit"),
        ("pm_card_unionpay_19digits", "unionpay", "0004", "credit"),
    ],
)
def test_test_methods_become_cards(
    client: stripe.StripeClient,
    jenny: stripe.Customer,
    token: str,
    brand: str,
    last4: str,
    funding: str,
) -> None:
    card = saved_card(client, jenny.id, token)
    assert (card.card.brand, card.card.last4, card.card.funding) == (brand, last4, funding)
    assert card.customer == jenny.id
    assert card.id.startswith("pm_") and not card.id.startswith("pm_card")


def test_a_card_by_number_by_token_and_by_name_is_the_same_card(
    client: stripe.StripeClient,
) -> None:
    typed = client.v1.payment_methods.create({"type": "card", "card": CARD})
    token = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    named = client.v1.payment_intents.create(lunch(expand=["payment_method"])).payment_method
    assert typed.card.fingerprint == token.card.fingerprint == named.card.fingerprint
    assert typed.card.checks.cvc_check == "pass"
    assert "4242424242424242" not in str(typed.last_response.body)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"number": "4242424242424241"}, "invalid_number", "number"),
        ({"number": "123"}, "invalid_number", "number"),
        ({"number": "4242 4242 4242 424x"}, "invalid_number", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_month": 0}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 1999}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": 2100}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "12"}, "invalid_cvc", "cvc"),
        ({"cvc": "12x"}, "invalid_cvc", "cvc"),
    ],
)
def test_a_card_that_is_typed_wrongly_is_refused_by_field(
    client: stripe.StripeClient, change: dict[str, object], code: str, param: str
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_methods.create({"type": "card", "card": {**CARD, **change}})
    assert (caught.value.code, caught.value.param) == (code, param)


def test_saved_cards_are_listed_and_detached_for_good(
    client: stripe.StripeClient, jenny: stripe.Customer
) -> None:
    first = saved_card(client, jenny.id, "pm_card_visa")
    second = saved_card(client, jenny.id, "pm_card_mastercard")
    listed = client.v1.payment_methods.list({"customer": jenny.id, "type": "card"})
    assert [card.id for card in listed.data] == [second.id, first.id]
    own = client.v1.customers.payment_methods.list(jenny.id)
    assert [card.id for card in own.data] == [second.id, first.id]
    one = client.v1.customers.payment_methods.retrieve(jenny.id, first.id)
    assert one.id == first.id
    assert client.v1.payment_methods.detach(first.id).customer is None
    assert len(client.v1.customers.payment_methods.list(jenny.id).data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        saved_card(client, jenny.id, first.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create(lunch(payment_method=first.id))


def test_a_card_of_one_customer_does_not_pay_for_another(
    client: stripe.StripeClient, jenny: stripe.Customer
) -> None:
    card = saved_card(client, jenny.id, "pm_card_visa")
    other = client.v1.customers.create({"name": "Other"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create(lunch(payment_method=card.id, customer=other.id))
    with pytest.raises(stripe.InvalidRequestError):
        saved_card(client, other.id, card.id)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.customers.payment_methods.retrieve(other.id, card.id)
    assert unknown.value.http_status == 404


def test_a_saved_card_is_changed(client: stripe.StripeClient, jenny: stripe.Customer) -> None:
    card = saved_card(client, jenny.id, "pm_card_visa")
    changed = client.v1.payment_methods.update(
        card.id,
        {
            "card": {"exp_month": 1, "exp_year": 2041},
            "billing_details": {"name": "J. Rosen", "address": {"postal_code": "10115"}},
            "metadata": {"kind": "private"},
        },
    )
    assert (changed.card.exp_month, changed.card.exp_year) == (1, 2041)
    assert changed.billing_details.address.postal_code == "10115"
    assert changed.metadata.to_dict() == {"kind": "private"}
    assert changed.card.fingerprint == card.card.fingerprint


def test_a_saved_card_pays_while_the_payer_is_away(
    client: stripe.StripeClient, jenny: stripe.Customer
) -> None:
    card = saved_card(client, jenny.id, "pm_card_visa")
    paid = client.v1.payment_intents.create(
        lunch(customer=jenny.id, payment_method=card.id, off_session=True)
    )
    assert (paid.status, paid.customer, paid.payment_method) == ("succeeded", jenny.id, card.id)
    charge = client.v1.charges.retrieve(paid.latest_charge)
    assert (charge.customer, charge.payment_method) == (jenny.id, card.id)


def test_a_default_card_is_kept_with_its_customer(
    client: stripe.StripeClient, jenny: stripe.Customer
) -> None:
    card = saved_card(client, jenny.id, "pm_card_visa")
    settings = {"invoice_settings": {"default_payment_method": card.id}}
    client.v1.customers.update(jenny.id, settings)
    shown = client.v1.customers.retrieve(
        jenny.id, {"expand": ["invoice_settings.default_payment_method"]}
    )
    assert shown.invoice_settings.default_payment_method.card.last4 == "4242"
    client.v1.payment_methods.detach(card.id)
    shown = client.v1.customers.retrieve(jenny.id)
    assert shown.invoice_settings.default_payment_method is None


def test_paying_can_save_the_card(client: stripe.StripeClient, jenny: stripe.Customer) -> None:
    paid = client.v1.payment_intents.create(
        lunch(customer=jenny.id, setup_future_usage="off_session")
    )
    card = client.v1.payment_methods.retrieve(paid.payment_method)
    assert card.customer == jenny.id
    again = client.v1.payment_intents.create(
        lunch(customer=jenny.id, payment_method=card.id, off_session=True)
    )
    assert again.status == "succeeded"


def test_a_card_is_set_up_for_later(client: stripe.StripeClient, jenny: stripe.Customer) -> None:
    setup = client.v1.setup_intents.create(
        {"customer": jenny.id, "payment_method": "pm_card_visa", "usage": "off_session"}
    )
    assert (setup.status, setup.usage) == ("requires_confirmation", "off_session")
    done = client.v1.setup_intents.confirm(setup.id)
    assert (done.status, done.customer) == ("succeeded", jenny.id)
    card = client.v1.payment_methods.retrieve(done.payment_method)
    assert card.customer == jenny.id
    listed = client.v1.setup_intents.list({"customer": jenny.id})
    assert [each.id for each in listed.data] == [setup.id]
    with pytest.raises(stripe.InvalidRequestError) as late:
        client.v1.setup_intents.cancel(setup.id)
    assert late.value.code == "setup_intent_unexpected_state"


def test_a_setup_is_changed_and_given_up(client: stripe.StripeClient) -> None:
    setup = client.v1.setup_intents.create({"description": "later"})
    assert setup.status == "requires_payment_method"
    changed = client.v1.setup_intents.update(
        setup.id, {"payment_method": "pm_card_visa", "description": "sooner"}
    )
    assert (changed.status, changed.description) == ("requires_confirmation", "sooner")
    gone = client.v1.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.setup_intents.confirm(setup.id)


def test_a_setup_with_a_bad_card_is_declined_and_mended(
    client: stripe.StripeClient, jenny: stripe.Customer
) -> None:
    with pytest.raises(stripe.CardError) as caught:
        client.v1.setup_intents.create(
            {
                "customer": jenny.id,
                "payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds",
                "confirm": True,
            }
        )
    assert caught.value.error.decline_code == "insufficient_funds"
    (setup,) = client.v1.setup_intents.list({"customer": jenny.id}).data
    assert setup.status == "requires_payment_method"
    assert setup.last_setup_error.decline_code == "insufficient_funds"
    done = client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert (done.status, done.last_setup_error) == ("succeeded", None)
