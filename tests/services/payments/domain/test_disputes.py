"""Rules of disputes, and what they write into the books."""

import pytest
from tests.services.payments.domain import objects as o

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.disputes import (
    Dispute,
    DisputeStateInvalid,
    DisputeStatus,
    Evidence,
)
from sycee.services.payments.contract.shared import TextTooLong
from sycee.services.payments.domain import disputes as rules
from sycee.services.payments.domain.chart import TransferCode
from sycee.services.payments.domain.disputes import DisputeMove, Step

LATER = o.NOON + 1
S = DisputeStatus


def dispute(status=S.NEEDS_RESPONSE, amount=2000, **more):
    """A dispute of the charge of 20.00 USD, to be answered a nanosecond after noon."""
    given = {
        "id": "dp_1",
        "merchant": o.SHOP,
        "created": o.NOON,
        "livemode": False,
        "charge": "ch_1",
        "payment": "pi_1",
        "amount": Money(amount, "USD"),
        "reason": "fraudulent",
        "status": status,
        "due_by": LATER,
        "brand": "visa",
        "case": "case.att_1",
    }
    return Dispute(**{**given, **more})


def move(step=Step.WITHDRAW, **more):
    """What such a dispute moves."""
    given = {
        "id": rules.move_id("dp_1", step),
        "step": step,
        "dispute": "dp_1",
        "merchant": o.SHOP,
        "livemode": False,
        "payment": "pi_1",
        "charge": "ch_1",
        "number": 7,
        "rail": "testcard",
        "amount": o.LUNCH,
    }
    return DisputeMove(**{**given, **more})


@pytest.mark.parametrize(
    ("charge", "wanted", "minor"),
    [
        (o.charge(), None, 2000),
        (o.charge(), 500, 500),
        (o.charge(), 2001, 2000),
        (o.charge(refunded=1500), None, 500),
        (o.charge(refunded=1500, amount_disputed_minor=500), 1, 0),
        (o.charge(captured=0), None, 0),
        (o.charge(status="failed"), None, 0),
    ],
)
def test_no_more_is_disputed_than_is_left(charge, wanted, minor):
    assert rules.disputable_minor(charge, wanted) == minor


@pytest.mark.parametrize(("is_inquiry", "taken"), [(False, 500), (True, 0)])
def test_a_dispute_takes_its_amount_and_an_inquiry_nothing(is_inquiry, taken):
    before = o.charge()
    found = dispute(amount=500, is_inquiry=is_inquiry)
    after = rules.disputed(before, found)
    assert (after.disputed, after.amount_disputed_minor) == (True, taken)


def test_a_win_gives_the_amount_back_and_the_charge_stays_disputed():
    after = rules.won_back(rules.disputed(o.charge(), dispute()), dispute())
    assert (after.disputed, after.amount_disputed_minor) == (True, 0)


@pytest.mark.parametrize(
    ("status", "is_waiting", "is_over"),
    [
        (S.NEEDS_RESPONSE, True, False),
        (S.UNDER_REVIEW, False, False),
        (S.WON, False, True),
        (S.LOST, False, True),
        (S.WARNING_NEEDS_RESPONSE, True, False),
        (S.WARNING_UNDER_REVIEW, False, False),
        (S.WARNING_CLOSED, False, True),
    ],
)
def test_only_a_dispute_that_waits_can_be_answered(status, is_waiting, is_over):
    found = dispute(status)
    assert (rules.is_waiting(found), rules.is_over(found)) == (is_waiting, is_over)
    if is_waiting:
        rules.check_waiting(found, o.NOON)
    else:
        with pytest.raises(DisputeStateInvalid):
            rules.check_waiting(found, o.NOON)


def test_a_dispute_that_is_due_cannot_be_answered():
    with pytest.raises(DisputeStateInvalid):
        rules.check_waiting(dispute(), LATER)


@pytest.mark.parametrize(
    ("is_inquiry", "first", "submitted", "won", "lost"),
    [
        (False, S.NEEDS_RESPONSE, S.UNDER_REVIEW, S.WON, S.LOST),
        (
            True,
            S.WARNING_NEEDS_RESPONSE,
            S.WARNING_UNDER_REVIEW,
            S.WARNING_CLOSED,
            S.WARNING_CLOSED,
        ),
    ],
)
def test_a_dispute_moves_from_status_to_status(is_inquiry, first, submitted, won, lost):
    assert rules.first_status(is_inquiry) is first
    found = rules.submitted(dispute(first, is_inquiry=is_inquiry))
    assert (found.status, found.submissions) == (submitted, 1)
    assert rules.ended(found, is_won=True).status is won
    assert rules.ended(found, is_won=False).status is lost


def test_evidence_is_added_to_changed_and_cleared():
    before = Evidence(customer_name="Ada", service_date="May")
    after = rules.said(before, Evidence(customer_name="", shipping_date="June"))
    assert after == Evidence(service_date="May", shipping_date="June")


@pytest.mark.parametrize(
    ("change", "no"),
    [
        (Evidence(uncategorized_text="x" * 20_000), False),
        (Evidence(uncategorized_text="x" * 20_001), True),
        (Evidence(customer_name="x" * 5_000), False),
        (Evidence(customer_name="x" * 5_001), True),
    ],
)
def test_a_text_of_evidence_has_a_length(change, no):
    if not no:
        assert rules.said(Evidence(), change) == change
        return
    with pytest.raises(TextTooLong):
        rules.said(Evidence(), change)


def test_all_evidence_together_has_a_length():
    full = Evidence(**dict.fromkeys(rules.LONG_TEXTS[:7], "x" * 20_000))
    just = rules.said(full, Evidence(customer_name="x" * 5_000, billing_address="x" * 5_000))
    with pytest.raises(TextTooLong) as refused:
        rules.said(just, Evidence(shipping_date="x"))
    assert refused.value.param == "evidence"


@pytest.mark.parametrize(
    ("amount", "hundredths", "fee"),
    [(o.LUNCH, 1500, 1500), (Money(5, "JPY"), 1550, 16), (Money(5, "KWD"), 1500, 15000)],
)
def test_the_fee_is_in_the_currency_of_the_payment(amount, hundredths, fee):
    assert rules.fee_minor(amount, hundredths) == fee


def test_an_unknown_dispute_is_not_found():
    assert rules.existing(dispute(), "dp_1").id == "dp_1"
    with pytest.raises(NotFound):
        rules.existing(None, "dp_1")


@pytest.mark.parametrize("from_available", [False, True])
def test_a_withdrawal_holds_the_amount_back_and_takes_the_fee(from_available):
    found = move(fee_minor=1500, from_available=from_available)
    books = rules.chart_of(found)
    source = books.available if from_available else books.pending
    held, fee = rules.transfers(found)
    assert (held.debit_account_id, held.credit_account_id, held.amount, held.code) == (
        source,
        books.disputes,
        2000,
        TransferCode.DISPUTE,
    )
    assert (fee.debit_account_id, fee.credit_account_id, fee.amount, fee.code) == (
        source,
        books.fees,
        1500,
        TransferCode.DISPUTE_FEE,
    )
    assert (bool(held.flags), bool(fee.flags)) == (True, False)
    assert held.user_data_64 == 7


def test_a_withdrawal_without_a_fee_is_one_transfer():
    (held,) = rules.transfers(move())
    assert held.flags == 0


@pytest.mark.parametrize("is_won", [True, False])
def test_what_was_held_back_goes_to_the_winner(is_won):
    found = move(Step.END, is_won=is_won)
    books = rules.chart_of(found)
    (end,) = rules.transfers(found)
    target = books.available if is_won else books.settlement
    assert (end.debit_account_id, end.credit_account_id) == (books.disputes, target)
    assert end.code == (TransferCode.DISPUTE_WON if is_won else TransferCode.DISPUTE_LOST)


@pytest.mark.parametrize(
    ("found", "waits", "minor", "status", "category"),
    [
        (move(fee_minor=1500), None, -2000, "available", "dispute"),
        (move(fee_minor=1500), LATER, -2000, "pending", "dispute"),
        (move(Step.END, is_won=True), None, 2000, "available", "dispute_reversal"),
    ],
)
def test_a_move_is_booked(found, waits, minor, status, category):
    booked = rules.booked("txn_1", found, o.NOON, waits)
    assert (booked.amount.minor, booked.fee_minor) == (minor, found.fee_minor)
    assert (booked.status, booked.reporting_category) == (status, category)
    assert booked.available_on == (waits or o.NOON)
    assert (booked.type, booked.source) == ("adjustment", "dp_1")
