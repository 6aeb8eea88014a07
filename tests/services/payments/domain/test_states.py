"""The table of a payment's life: one row, one rule; whatever is absent is refused."""

import itertools

import pytest
from tests.services.payments.domain.objects import payment

from sycee.services.payments.contract.intents import PaymentStateInvalid, PaymentStatus
from sycee.services.payments.domain.states import TABLE, Move, after

ALLOWED = """
requires_payment_method UPDATE      requires_payment_method
requires_payment_method NAME_METHOD requires_confirmation
requires_payment_method TRY         processing
requires_payment_method CANCEL      canceled
requires_confirmation   UPDATE      requires_confirmation
requires_confirmation   NAME_METHOD requires_confirmation
requires_confirmation   TRY         processing
requires_confirmation   CANCEL      canceled
requires_action         UPDATE      requires_action
requires_action         NAME_METHOD requires_confirmation
requires_action         TRY         processing
requires_action         ANSWER      requires_action
requires_action         PROVE       requires_confirmation
requires_action         FAIL        requires_payment_method
requires_action         CANCEL      canceled
processing              ASK_PAYER   requires_action
processing              FAIL        requires_payment_method
processing              HOLD        requires_capture
processing              PAY         succeeded
processing              END_RELEASE canceled
requires_capture        CAPTURE     processing
requires_capture        RELEASE     processing
"""
ROWS = {
    (PaymentStatus(before), Move[move]): PaymentStatus(then)
    for before, move, then in map(str.split, ALLOWED.strip().splitlines())
}


@pytest.mark.parametrize(("status", "move"), list(itertools.product(PaymentStatus, Move)))
def test_a_move_leads_where_the_table_says_or_is_refused(status, move):
    wanted = ROWS.get((status, move))
    if wanted is None:
        with pytest.raises(PaymentStateInvalid) as caught:
            after(payment(status), move)
        assert caught.value.facts == {"payment": "pi_1", "status": status.value}
        return
    assert after(payment(status), move) is wanted


def test_the_table_has_no_other_rows():
    assert TABLE == ROWS


def test_while_an_operation_is_under_way_the_refusal_says_so():
    with pytest.raises(PaymentStateInvalid, match="another operation on it is under way"):
        after(payment(PaymentStatus.PROCESSING), Move.CAPTURE)


def test_what_has_ended_stays_ended():
    ended = {PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED}
    assert not any(status in ended for status, _ in TABLE)
