"""Limits of velocity: which may be set, which payments they count, what is said when they end."""

import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.payments.counter import refused
from tests.services.payments.domain.objects import LUNCH, attempt

from sycee.kernel.clock import SECOND_NS
from sycee.kernel.money import CurrencyUnknown
from sycee.services.payments.contract.velocity import (
    PaymentAboveLimit,
    PaymentBelowLimit,
    VelocityLimit,
    VelocityLimitInvalid,
)
from sycee.services.payments.domain import velocity as rules
from sycee.services.payments.domain.attempts import Counted

DAILY = VelocityLimit("day", currency="USD", amount_minor_max=50_00, count_max=3)


def _at(text):
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp()) * SECOND_NS


@pytest.mark.parametrize(
    ("limits", "param", "no"),
    [
        ([DAILY], None, None),
        ([DAILY, VelocityLimit("day", "card", count_max=3)], None, None),
        ([VelocityLimit("payment", currency="USD", amount_minor_min=1)], None, None),
        ([VelocityLimit("month", method="card", count_max=1)], None, None),
        ([VelocityLimit("day")], "amount_max", VelocityLimitInvalid),
        ([VelocityLimit("day", count_max=0)], "amount_max", VelocityLimitInvalid),
        ([VelocityLimit("day", count_max=2**62)], "amount_max", VelocityLimitInvalid),
        ([VelocityLimit("day", method="cheque", count_max=1)], "method", VelocityLimitInvalid),
        ([VelocityLimit("day", amount_minor_max=1)], "currency", VelocityLimitInvalid),
        ([VelocityLimit("payment", amount_minor_min=1)], "currency", VelocityLimitInvalid),
        ([VelocityLimit("day", currency="ZZZ", count_max=1)], None, CurrencyUnknown),
        (
            [VelocityLimit("day", currency="USD", amount_minor_min=1)],
            "amount_min",
            VelocityLimitInvalid,
        ),
        (
            [VelocityLimit("payment", "card", currency="USD", amount_minor_max=1)],
            "per",
            VelocityLimitInvalid,
        ),
        ([VelocityLimit("payment", count_max=1)], "count_max", VelocityLimitInvalid),
        (
            [VelocityLimit("payment", currency="USD", amount_minor_min=2, amount_minor_max=1)],
            "amount_min",
            VelocityLimitInvalid,
        ),
        (
            [DAILY, msgspec.structs.replace(DAILY, count_max=9)],
            "limits",
            VelocityLimitInvalid,
        ),
        (
            [VelocityLimit("day", count_max=1)] * (rules.LIMITS_MAX + 1),
            "limits",
            VelocityLimitInvalid,
        ),
    ],
)
def test_limits_that_contradict_themselves_are_refused(limits, param, no):
    with refused(no) as told:
        rules.check_limits(tuple(limits))
    assert told is None or param is None or told.value.param == param


@pytest.mark.parametrize(
    ("limit", "no"),
    [
        (VelocityLimit("payment", currency="USD", amount_minor_min=20_00), None),
        (VelocityLimit("payment", currency="USD", amount_minor_min=20_01), PaymentBelowLimit),
        (VelocityLimit("payment", currency="USD", amount_minor_max=20_00), None),
        (VelocityLimit("payment", currency="USD", amount_minor_max=19_99), PaymentAboveLimit),
        (VelocityLimit("payment", currency="EUR", amount_minor_max=19_99), None),
    ],
)
def test_a_single_payment_is_between_least_and_most(limit, no):
    with refused(no) as told:
        assert rules.counters((limit,), attempt(), None) == []
    assert no is None or told.value.param == "amount"


@pytest.mark.parametrize(
    ("limit", "customer", "counted"),
    [
        (DAILY, None, Counted("acct_shop|test|day|1798675200|merchant|||USD", 20_00)),
        (
            VelocityLimit("day", "card", "card", count_max=1),
            None,
            Counted("acct_shop|test|day|1798675200|card|fp|card|", 0),
        ),
        (
            VelocityLimit("day", "customer", count_max=1),
            "cus_1",
            Counted("acct_shop|test|day|1798675200|customer|cus_1||", 0),
        ),
        (VelocityLimit("day", "customer", count_max=1), None, None),
        (VelocityLimit("day", method="other", count_max=1), None, None),
        (VelocityLimit("day", currency="EUR", count_max=1), None, None),
    ],
)
def test_a_payment_counts_where_it_fits(limit, customer, counted):
    found = rules.counters((limit,), attempt(), customer)
    assert [each.counted for each in found] == ([] if counted is None else [counted])


def test_live_payments_count_apart():
    (test,) = rules.counters((DAILY,), attempt(), None)
    (live,) = rules.counters((DAILY,), attempt(livemode=True), None)
    assert test.counted.key != live.counted.key


@pytest.mark.parametrize(
    ("period", "now", "begins", "ends"),
    [
        ("day", "2026-11-25T09:00:00", "2026-11-25", "2026-11-26"),
        ("day", "2026-11-25T23:59:59", "2026-11-25", "2026-11-26"),
        ("week", "2026-11-23T00:00:00", "2026-11-23", "2026-11-30"),
        ("week", "2026-11-29T23:59:59", "2026-11-23", "2026-11-30"),
        ("month", "2026-02-28T12:00:00", "2026-02-01", "2026-03-01"),
        ("month", "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
    ],
)
def test_periods_are_those_of_the_calendar(period, now, begins, ends):
    on = rules.window(period, _at(now))
    assert on == (_at(begins + "T00:00:00"), _at(ends + "T00:00:00"))


@given(st.sampled_from(["day", "week", "month"]), st.integers(0, 4_000_000_000))
def test_every_moment_is_in_one_period_and_periods_meet(period, second):
    on = rules.window(period, second * SECOND_NS)
    assert on.begins <= second * SECOND_NS < on.ends
    assert rules.window(period, on.ends).begins == on.ends


def test_a_refusal_says_what_is_left():
    (counter,) = rules.counters((DAILY,), attempt(), None)
    by_sum = rules.exceeded(counter, LUNCH, 1, 40_00)
    assert (by_sum.param, by_sum.facts["amount_left"]) == ("amount", "1000")
    assert "10.00 USD" in by_sum.detail
    assert rules.exceeded(counter, LUNCH, 1, 60_00).facts["amount_left"] == "0"
    by_count = rules.exceeded(counter._replace(param="method"), LUNCH, 3, 0)
    assert (by_count.param, by_count.facts["count_left"]) == ("method", "0")
    assert by_count.facts["resets_at"] in by_count.detail
