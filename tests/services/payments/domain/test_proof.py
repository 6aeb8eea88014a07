"""Attempts against transfers: one row, one rule. The service tests lie about everything else."""

import msgspec
import pytest
from tests.services.payments.domain.objects import attempt, charge, payment

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import TransferFlags
from sycee.services.payments.contract.intents import PaymentStatus
from sycee.services.payments.domain import chart
from sycee.services.payments.domain.attempts import BLOCKED, Ending, Kind, Result
from sycee.services.payments.domain.proof import (
    Charged,
    Record,
    Sums,
    Tried,
    wrong_balances,
    wrong_record,
    wrong_transfers,
)

APPROVED, DECLINED = Ending(Result.APPROVED), Ending(Result.DECLINED)
PAY = attempt(fee_minor=88)
DONE = (*chart.reservation(PAY), *chart.completion(PAY))
GIVEN_BACK = (*chart.reservation(PAY), *chart.release(PAY))


def ended(ending, **more):
    return msgspec.structs.replace(PAY, ending=ending, **more)


def spoiled(transfers, place, **changes):
    each = list(transfers)
    each[place] = msgspec.structs.replace(each[place], **changes)
    return each


@pytest.mark.parametrize(
    ("tried", "is_due", "transfers", "problem"),
    [
        (PAY, False, (), None),
        (PAY, False, DONE[:1], None),
        (PAY, False, DONE, None),
        (PAY, False, GIVEN_BACK, None),
        (PAY, False, (*DONE, GIVEN_BACK[1]), "do not go together"),
        (ended(APPROVED), True, DONE, None),
        (ended(APPROVED), True, GIVEN_BACK, "do not go together"),
        (ended(APPROVED), True, DONE[:1], "has no transfers"),
        (ended(APPROVED), False, DONE[:1], None),
        (ended(DECLINED), True, GIVEN_BACK, None),
        (ended(DECLINED), True, DONE, "do not go together"),
        (ended(BLOCKED, is_sent=False), True, (), None),
        (ended(BLOCKED, is_sent=False), True, GIVEN_BACK, "do not go together"),
        (ended(APPROVED), True, spoiled(DONE, 0, amount=U128(1)), "is another"),
        (ended(APPROVED), True, spoiled(DONE, 0, user_data_64=8), "is another"),
        (ended(APPROVED), True, spoiled(DONE, 0, timestamp=5), None),
        (ended(APPROVED), True, spoiled(DONE, 1, amount=U128(1)), "is another"),
        (ended(APPROVED), True, spoiled(DONE, 2, flags=0), "is another"),
        (ended(DECLINED), True, spoiled(GIVEN_BACK, 1, pending_id=U128(1)), "is another"),
        (ended(DECLINED), True, spoiled(GIVEN_BACK, 1, amount=U128(2000)), None),
    ],
)
def test_an_attempt_has_exactly_the_transfers_of_its_ending(tried, is_due, transfers, problem):
    found = {transfer.id: transfer for transfer in transfers}
    told = list(wrong_transfers(Tried(tried, 1), is_due, found))
    if problem is None:
        assert told == []
        return
    assert all(each.row == "attempt att_1 of payment pi_1" for each in told)
    assert any(problem in each.problem for each in told)


def test_a_partial_capture_gives_back_the_whole_reservation():
    hold = attempt(Kind.AUTHORIZE)
    (reservation,) = chart.reservation(hold)
    capture = attempt(Kind.CAPTURE, id="att_2", original="att_1")
    sums = Sums()
    sums.add(reservation, None)
    for transfer in chart.completion(capture):
        recorded = transfer
        if transfer.flags & TransferFlags.POST_PENDING:
            recorded = msgspec.structs.replace(
                transfer,
                debit_account_id=reservation.debit_account_id,
                credit_account_id=reservation.credit_account_id,
            )
        sums.add(recorded, reservation if transfer.pending_id else None)
    of = chart.chart_of(hold)
    assert sums.of[of.settlement] == [0, 0, 2000, 0]
    assert sums.of[of.clearing] == [0, 0, 2000, 2000]
    assert {each.row for each in wrong_balances(sums, {})} == {
        f"account {id}" for id in (of.settlement, of.clearing, of.pending)
    }


def test_a_release_leaves_nothing_to_count():
    hold = attempt(Kind.AUTHORIZE)
    (reservation,) = chart.reservation(hold)
    (void,) = chart.completion(attempt(Kind.VOID, id="att_2", original="att_1"))
    sums = Sums()
    sums.add(reservation, None)
    sums.add(void, reservation)
    assert set(map(tuple, sums.of.values())) == {(0, 0, 0, 0)}


@pytest.mark.parametrize(
    ("status", "received", "rest", "is_right"),
    [
        (PaymentStatus.REQUIRES_CAPTURE, 0, 2000, True),
        (PaymentStatus.REQUIRES_CAPTURE, 700, 1300, True),
        (PaymentStatus.REQUIRES_CAPTURE, 700, 1301, False),
        (PaymentStatus.REQUIRES_CAPTURE, 700, 0, False),
        (PaymentStatus.PROCESSING, 0, 0, True),
        (PaymentStatus.PROCESSING, 700, 1300, True),
        (PaymentStatus.SUCCEEDED, 700, 0, True),
        (PaymentStatus.SUCCEEDED, 0, 0, False),
        (PaymentStatus.CANCELED, 700, 0, False),
    ],
)
def test_what_was_received_goes_with_where_the_payment_stands(status, received, rest, is_right):
    told = payment(status, amount_capturable_minor=rest, amount_received_minor=received)
    charged = (Charged(charge(received), received, 0),)
    record = Record(told, status.value, None, (), charged, (), ())
    found = [each.problem for each in wrong_record(record) if "has received" in each.problem]
    assert not found if is_right else found


def test_a_part_without_its_hold_is_found():
    part = attempt(Kind.CAPTURE, original="att_0", rest_minor=500, ending=APPROVED)
    done = chart.completion(part)
    assert [*wrong_transfers(Tried(part, 1), True, {each.id: each for each in done})] == []
    (lacking,) = wrong_transfers(Tried(part, 1), True, {each.id: each for each in done[:-1]})
    assert "has no transfers" in lacking.problem
