"""What may happen to a payment method."""

import msgspec
import pytest
from tests.services.payments.counter import refused

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import Card, Method, MethodUnusable, UpdateMethod
from sycee.services.payments.contract.shared import Address, BillingDetails, Origin
from sycee.services.payments.domain import methods as rules
from sycee.services.validation.contract import (
    CardExpired,
    CardExpiryMonthInvalid,
    CardExpiryYearInvalid,
    CardNumber,
)

CARD = Card("visa", "4242", "424242", 12, 2030, "f", "credit", "US")
BILLING = BillingDetails(Address(city="Bern"), "anna@example.org", "Anna")
FREE = Method("pm_1", "acct_shop", 1, False, "card", CARD, BILLING, metadata={"a": "1"})
OWNED = msgspec.structs.replace(FREE, customer="cus_a")
HERE = Origin("acct_shop")


@pytest.mark.parametrize(
    ("id", "is_test"),
    [("pm_card_visa", True), ("tok_visa", True), ("pm_01J0", False), ("pm_", False)],
)
def test_test_methods_are_known_by_name(id, is_test):
    assert rules.is_test_method(id) is is_test


def test_spaces_and_hyphens_are_taken_out_of_numbers():
    assert rules.plain(CardNumber("4242 4242-4242", 1, 2030, "1")) == CardNumber(
        "424242424242", 1, 2030, "1"
    )


def test_a_method_that_is_not_there_is_not_found():
    assert rules.existing(FREE, "pm_1") is FREE
    with pytest.raises(NotFound):
        rules.existing(None, "pm_1")


@pytest.mark.parametrize(
    ("method", "is_detached", "customer", "no"),
    [
        (FREE, False, None, None),
        (FREE, False, "cus_a", None),
        (OWNED, False, "cus_a", None),
        (OWNED, False, None, MethodUnusable),
        (OWNED, False, "cus_b", MethodUnusable),
        (FREE, True, None, MethodUnusable),
        (FREE, True, "cus_a", MethodUnusable),
    ],
)
def test_only_the_owner_pays_with_an_owned_method(method, is_detached, customer, no):
    with refused(no):
        rules.check_usable(method, is_detached, customer)


def test_only_an_owned_method_can_be_detached():
    assert rules.check_owned(OWNED, False) == "cus_a"
    for method, is_detached in ((FREE, False), (FREE, True), (OWNED, True)):
        with pytest.raises(MethodUnusable):
            rules.check_owned(method, is_detached)


@pytest.mark.parametrize(
    ("month", "year", "no"),
    [
        (6, 2026, None),
        (12, 2076, None),
        (0, 2030, CardExpiryMonthInvalid),
        (13, 2030, CardExpiryMonthInvalid),
        (13, 1999, CardExpiryMonthInvalid),
        (1, 2025, CardExpiryYearInvalid),
        (1, 2077, CardExpiryYearInvalid),
        (5, 2026, CardExpired),
    ],
)
def test_an_expiry_lies_ahead(month, year, no):
    card = msgspec.structs.replace(CARD, exp_month=month, exp_year=year)
    with refused(no):
        rules.check_expiry(card, 2026, 6)


@pytest.mark.parametrize(
    ("fields", "changes", "previous"),
    [
        ({}, {}, {}),
        (
            {"exp_month": 1, "exp_year": 2031},
            {"card": msgspec.structs.replace(CARD, exp_month=1, exp_year=2031)},
            {"card": {"exp_month": 12, "exp_year": 2030}},
        ),
        (
            {"exp_month": 0},
            {"card": msgspec.structs.replace(CARD, exp_month=0)},
            {"card": {"exp_month": 12}},
        ),
        (
            {"billing": BillingDetails(name="Bea", email="", phone="1")},
            {"billing": BillingDetails(BILLING.address, None, "Bea", "1")},
            {
                "billing_details": {
                    "email": "anna@example.org",
                    "name": "Anna",
                    "phone": None,
                }
            },
        ),
        (
            {"billing": BillingDetails(Address(city="Rom"))},
            {"billing": msgspec.structs.replace(BILLING, address=Address(city="Rom"))},
            {"billing_details": {"address": msgspec.to_builtins(Address(city="Bern"))}},
        ),
        (
            {"billing": BillingDetails(Address(city=""))},
            {"billing": msgspec.structs.replace(BILLING, address=Address())},
            {"billing_details": {"address": msgspec.to_builtins(Address(city="Bern"))}},
        ),
        ({"metadata": {"a": ""}}, {"metadata": {}}, {"metadata": {"a": "1"}}),
        (
            {"allow_redisplay": "always"},
            {"allow_redisplay": "always"},
            {"allow_redisplay": "unspecified"},
        ),
    ],
)
def test_an_update_changes_what_it_names_and_tells_what_was_before(fields, changes, previous):
    after = rules.changed(FREE, UpdateMethod(HERE, "pm_1", **fields))
    assert after == msgspec.structs.replace(FREE, **changes)
    assert rules.previous(FREE, after) == previous
