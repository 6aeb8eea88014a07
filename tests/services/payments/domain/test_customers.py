"""What may be said of a customer."""

import msgspec
import pytest
from tests.services.payments.counter import refused

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import (
    Card,
    Customer,
    CustomerFields,
    EmailInvalid,
    Method,
)
from sycee.services.payments.contract.shared import Address, MetadataInvalid, Shipping, TextTooLong
from sycee.services.payments.domain import customers as rules

HOME = Address(city="Bern", line1="Weg 1")
_HOME = msgspec.to_builtins(HOME)
ANNA = Customer(
    "cus_a",
    "acct_shop",
    1,
    False,
    name="Anna",
    email="anna@example.org",
    address=HOME,
    metadata={"a": "1", "b": "2"},
    default_method="pm_1",
)
CARD = Card("visa", "4242", "424242", 12, 2030, "f", "credit", "US")
METHOD = Method("pm_1", "acct_shop", 1, False, "card", CARD, customer="cus_a")


@pytest.mark.parametrize(
    ("fields", "no", "param"),
    [
        (CustomerFields(), None, None),
        (CustomerFields(name="", email="", phone="", description=""), None, None),
        (CustomerFields(name="n" * 256, phone="1" * 20, description="d" * 5000), None, None),
        (CustomerFields(address=HOME, shipping=Shipping(HOME, "Anna")), None, None),
        (CustomerFields(name="n" * 257), TextTooLong, "name"),
        (CustomerFields(email="e" * 513), TextTooLong, "email"),
        (CustomerFields(phone="1" * 21), TextTooLong, "phone"),
        (CustomerFields(description="d" * 5001), TextTooLong, "description"),
        (CustomerFields(address=Address(city="c" * 5001)), TextTooLong, "address[city]"),
        (CustomerFields(shipping=Shipping(name="n" * 5001)), TextTooLong, "shipping[name]"),
        (
            CustomerFields(shipping=Shipping(Address(line2="l" * 5001))),
            TextTooLong,
            "shipping[address][line2]",
        ),
        (CustomerFields(email="anna"), EmailInvalid, "email"),
        (CustomerFields(name="n" * 257, email="anna"), TextTooLong, "name"),
    ],
)
def test_texts_have_limits_and_forms(fields, no, param):
    with refused(no) as refusal:
        rules.check_fields(fields)
    assert no is None or refusal.value.param == param


@pytest.mark.parametrize(
    ("text", "is_email"),
    [
        ("a@b", True),
        ("anna.b+c@mail.example.org", True),
        ("ünna@example.org", True),
        ("anna", False),
        ("@example.org", False),
        ("anna@", False),
        ("a@b@c", False),
        ("an na@example.org", False),
        ("anna@example.org\n", False),
    ],
)
def test_an_email_has_one_at_sign_and_no_spaces(text, is_email):
    assert rules.is_email(text) is is_email


@pytest.mark.parametrize(
    ("fields", "changes", "previous"),
    [
        (CustomerFields(), {}, {}),
        (CustomerFields(name="Anna"), {}, {}),
        (CustomerFields(name="Bea"), {"name": "Bea"}, {"name": "Anna"}),
        (CustomerFields(name=""), {"name": None}, {"name": "Anna"}),
        (CustomerFields(phone="1"), {"phone": "1"}, {"phone": None}),
        (
            CustomerFields(address=Address(city="Rom")),
            {"address": Address(city="Rom")},
            {"address": msgspec.to_builtins(HOME)},
        ),
        (
            CustomerFields(shipping=Shipping(HOME)),
            {"shipping": Shipping(HOME)},
            {"shipping": None},
        ),
        (
            CustomerFields(address=Address(city="Rom", line1="")),
            {"address": Address(city="Rom")},
            {"address": msgspec.to_builtins(HOME)},
        ),
        (CustomerFields(address=Address()), {"address": None}, {"address": _HOME}),
        (CustomerFields(address=Address("", "")), {"address": None}, {"address": _HOME}),
        (CustomerFields(shipping=Shipping(Address(""), "")), {}, {}),
        (
            CustomerFields(metadata={"a": "", "b": "2", "c": "3"}),
            {"metadata": {"b": "2", "c": "3"}},
            {"metadata": {"a": "1", "c": None}},
        ),
        (
            CustomerFields(default_method="pm_2"),
            {"default_method": "pm_2"},
            {"invoice_settings": {"default_payment_method": "pm_1"}},
        ),
        (
            CustomerFields(default_method=""),
            {"default_method": None},
            {"invoice_settings": {"default_payment_method": "pm_1"}},
        ),
    ],
)
def test_an_update_changes_what_it_names_and_tells_what_was_before(fields, changes, previous):
    after = rules.changed(ANNA, fields)
    assert after == msgspec.structs.replace(ANNA, **changes)
    assert rules.previous(ANNA, after) == previous


def test_metadata_that_is_too_long_is_refused():
    with pytest.raises(MetadataInvalid):
        rules.changed(ANNA, CustomerFields(metadata={"k": "v" * 501}))


def test_of_a_forgotten_customer_only_the_name_tag_stays():
    assert rules.deleted(ANNA) == Customer("cus_a", "acct_shop", 1, False, deleted=True)


def test_a_deleted_customer_is_known_but_does_not_live():
    deleted = rules.deleted(ANNA)
    assert rules.existing(deleted, "cus_a") is deleted
    assert rules.living(ANNA, "cus_a") is ANNA
    for absent in (None, deleted):
        with pytest.raises(NotFound):
            rules.living(absent, "cus_a")
    with pytest.raises(NotFound):
        rules.existing(None, "cus_a")


def test_the_default_method_is_ones_own():
    rules.check_default("cus_a", METHOD, "pm_1")
    for method in (None, msgspec.structs.replace(METHOD, customer=None)):
        with pytest.raises(NotFound):
            rules.check_default("cus_a", method, "pm_1")


def test_a_method_that_left_is_no_longer_the_default():
    assert rules.without(ANNA, "pm_1").default_method is None
    assert rules.without(ANNA, "pm_2") is ANNA
