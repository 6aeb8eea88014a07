"""Rules of charges: what an ending makes of one, and what may still be taken."""

import pytest
from tests.services.payments.domain.objects import CARD, LUNCH, NOON, attempt, charge, payment

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.fraud.contract import Decision
from sycee.services.payments.contract.intents import (
    CaptureTooLarge,
    ChargeExpiredForCapture,
    MulticaptureUnavailable,
    UpdateCharge,
)
from sycee.services.payments.contract.shared import Origin, Shipping, TextTooLong
from sycee.services.payments.domain import charges as rules
from sycee.services.payments.domain.attempts import BLOCKED, UNDONE, Ending, Kind, Result
from sycee.services.validation.contract import AmountNotPositive

APPROVED = Ending(Result.APPROVED, authorization_code="123456")
DECLINED = Ending(Result.DECLINED, "card_declined", "lost_card", "Your card was declined.")


def test_a_paid_charge_is_captured_and_a_held_one_lapses():
    paid = rules.succeeded(attempt(), APPROVED, payment(), NOON, NOON + 1)
    assert (paid.captured, paid.amount_captured_minor, paid.capture_before) == (True, 2000, None)
    held = rules.succeeded(attempt(Kind.AUTHORIZE), APPROVED, payment(), NOON, NOON + 1)
    assert (held.captured, held.amount_captured_minor, held.capture_before) == (False, 0, NOON + 1)
    assert paid.authorization_code == held.authorization_code == "123456"


@pytest.mark.parametrize(
    ("decision", "ending", "network", "type", "level", "reason"),
    [
        (Decision.APPROVE, APPROVED, "approved_by_network", "authorized", "normal", None),
        (Decision.REVIEW, APPROVED, "approved_by_network", "manual_review", "elevated", None),
        (Decision.CHALLENGE, APPROVED, "approved_by_network", "authorized", "elevated", None),
        (
            Decision.APPROVE,
            Ending(Result.APPROVED, risk="elevated"),
            "approved_by_network",
            "authorized",
            "elevated",
            None,
        ),
        (
            Decision.APPROVE,
            DECLINED,
            "declined_by_network",
            "issuer_declined",
            "normal",
            "lost_card",
        ),
        (
            Decision.DECLINE,
            BLOCKED,
            "not_sent_to_network",
            "blocked",
            "highest",
            "highest_risk_level",
        ),
        (
            Decision.APPROVE,
            UNDONE,
            "not_sent_to_network",
            "invalid",
            "normal",
            "processing_error",
        ),
    ],
)
def test_what_is_said_of_an_outcome(decision, ending, network, type, level, reason):
    tried = attempt(decision=decision, score=12)
    if ending.result is Result.APPROVED:
        made = rules.succeeded(tried, ending, payment(), NOON, NOON)
    else:
        made = rules.failed(tried, ending, payment(), NOON)
        assert (made.status, made.failure_code) == ("failed", ending.code)
    outcome = made.outcome
    assert (outcome.network_status, outcome.type, outcome.risk_level, outcome.reason) == (
        network,
        type,
        level,
        reason,
    )
    assert outcome.risk_score == 12


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (None, 2000),
        (1, 1),
        (2000, 2000),
        (0, AmountNotPositive),
        (-1, AmountNotPositive),
        (2001, CaptureTooLarge),
    ],
)
def test_how_much_is_captured(wanted, taken):
    held = payment(amount_capturable_minor=2000)
    if isinstance(taken, int):
        assert rules.amount_to_capture(held, wanted) == taken
        return
    with pytest.raises(taken):
        rules.amount_to_capture(held, wanted)


def test_an_authorization_lapses_at_its_instant():
    rules.check_not_lapsed(charge(), NOON)
    held = charge(0, capture_before=NOON)
    rules.check_not_lapsed(held, NOON - 1)
    with pytest.raises(ChargeExpiredForCapture):
        rules.check_not_lapsed(held, NOON)


def test_a_capture_and_what_it_adds_to_the_balance():
    part = attempt(Kind.CAPTURE, amount=Money(1500, "USD"), fee_minor=74)
    taken = rules.captured(charge(0), part, "txn_9")
    assert (taken.captured, taken.amount_captured_minor, taken.balance_transaction) == (
        True,
        1500,
        "txn_9",
    )
    sale = rules.sale("txn_9", part, taken, NOON, NOON + 5)
    assert (sale.amount, sale.fee_minor, sale.available_on) == (Money(1500, "USD"), 74, NOON + 5)


def test_twins_are_alike_in_card_amount_and_currency():
    keys = {
        rules.twin_key(CARD, LUNCH),
        rules.twin_key(CARD, Money(20_01, "USD")),
        rules.twin_key(CARD, Money(20_00, "EUR")),
    }
    assert len(keys) == 3


def test_going_on_with_a_charge_takes_everything_over():
    capture = rules.gone_on_with(charge(0), payment(), Kind.CAPTURE, "att_2", Origin("acct"), NOON)
    assert (capture.original, capture.charge, capture.amount) == ("att_1", "ch_1", LUNCH)


def test_notes_are_changed_and_their_former_values_told():
    change = UpdateCharge(
        Origin("acct"),
        "ch_1",
        description="tea",
        metadata={"a": "1"},
        customer="cus_1",
        shipping=Shipping(name="J"),
        fraud_details={"user_report": "safe"},
    )
    rules.check_notes(change)
    before = charge()
    after = rules.noted(before, change)
    assert rules.former_notes(before, after) == {
        "description": None,
        "customer": None,
        "shipping": None,
        "fraud_details": {},
        "metadata": {"a": None},
    }
    assert rules.former_notes(after, after) == {}
    with pytest.raises(TextTooLong):
        rules.check_notes(UpdateCharge(Origin("acct"), "ch_1", description="x" * 1001))


def test_an_unknown_charge_is_not_found():
    assert rules.existing(charge(), "ch_1") == charge()
    with pytest.raises(NotFound):
        rules.existing(None, "ch_2")


def test_captures_add_up_and_the_last_one_holds_nothing():
    held = rules.succeeded(
        attempt(Kind.AUTHORIZE), APPROVED, payment(multicapture="if_available"), NOON, NOON + 1
    )
    assert held.is_multicapture
    part = attempt(Kind.CAPTURE, id="att_2", amount=Money(700, "USD"), rest_minor=1300)
    once = rules.captured(held, part, "txn_1")
    assert (once.amount_captured_minor, once.captures, once.latest_capture) == (700, 1, "att_2")
    going_on = rules.gone_on_with(once, payment(), Kind.VOID, "att_3", Origin("acct_shop"), NOON)
    assert (going_on.original, going_on.held_by) == ("att_1", "att_2")
    back = rules.gone_on_with(once, payment(), Kind.REFUND, "att_3", Origin("acct_shop"), NOON)
    assert (back.original, back.held_by) == ("att_1", None)
    last = attempt(Kind.CAPTURE, id="att_4", amount=Money(300, "USD"))
    done = rules.captured(once, last, "txn_2")
    assert (done.amount_captured_minor, done.captures, done.latest_capture) == (1000, 2, None)


def test_more_may_follow_when_that_was_asked_for_and_not_too_often():
    asked = charge(0, is_multicapture=True, captures=rules.CAPTURES_MAX - 2)
    rules.check_more_may_follow(asked)
    for refused in (
        charge(0),
        charge(0, is_multicapture=True, captures=rules.CAPTURES_MAX - 1),
    ):
        with pytest.raises(MulticaptureUnavailable):
            rules.check_more_may_follow(refused)


def test_what_is_paid_at_once_is_not_captured_in_parts():
    paid = rules.succeeded(
        attempt(), APPROVED, payment(multicapture="if_available"), NOON, NOON + 1
    )
    assert not paid.is_multicapture
