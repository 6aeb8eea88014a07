"""Rules of refunds, guards in order of precedence."""

import pytest
from tests.services.payments.domain.objects import NOON, charge, refund

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.intents import (
    ChargeAlreadyRefunded,
    ChargeNotRefundable,
    RefundStateInvalid,
    RefundTooLarge,
)
from sycee.services.payments.domain import refunds as rules
from sycee.services.validation.contract import AmountNotPositive


@pytest.mark.parametrize(
    ("captured", "refunded", "wanted", "comes_to"),
    [
        (2000, 0, None, 2000),
        (2000, 0, 2000, 2000),
        (2000, 500, None, 1500),
        (2000, 500, 1500, 1500),
        (2000, 500, 1501, RefundTooLarge),
        (2000, 2000, None, ChargeAlreadyRefunded),
        (2000, 2000, 1, ChargeAlreadyRefunded),
        (0, 0, 1, ChargeNotRefundable),
        (0, 0, 0, AmountNotPositive),
        (2000, 0, -1, AmountNotPositive),
    ],
)
def test_how_much_goes_back(captured, refunded, wanted, comes_to):
    """MS4."""
    paid = charge(captured, refunded)
    if isinstance(comes_to, int):
        assert rules.amount_to_refund(paid, wanted) == Money(comes_to, "USD")
        return
    with pytest.raises(comes_to):
        rules.amount_to_refund(paid, wanted)


def test_a_failed_charge_gives_nothing_back():
    with pytest.raises(ChargeNotRefundable):
        rules.amount_to_refund(charge(status="failed"), None)


def test_what_is_reserved_can_be_given_back():
    five = Money(500, "USD")
    assert rules.reserved(charge(), five) == charge(refunded=500)
    assert rules.given_back(charge(refunded=500), five) == charge()


@pytest.mark.parametrize(
    ("waits", "status", "available_on"),
    [(None, "available", NOON), (NOON + 9, "pending", NOON + 9)],
)
def test_a_refund_is_booked_where_its_money_is(waits, status, available_on):
    for book, minor in ((rules.booked, -500), (rules.booked_back, 500)):
        booked = book("txn_3", refund(), NOON, waits)
        assert (booked.status, booked.available_on) == (status, available_on)
        assert (booked.amount.minor, booked.fee_minor, booked.source) == (minor, 0, "re_1")


def test_only_a_refund_that_waits_for_the_payer_is_canceled():
    rules.check_cancelable(refund(status="requires_action"))
    with pytest.raises(RefundStateInvalid):
        rules.check_cancelable(refund())


def test_an_unknown_refund_is_not_found():
    assert rules.existing(refund(), "re_1") == refund()
    with pytest.raises(NotFound):
        rules.existing(None, "re_2")
