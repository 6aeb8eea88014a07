"""Recording transfers: one row breaks one rule and as many as can be of those that come after."""

from __future__ import annotations

import pytest
from tests.services.ledger.notation import (
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    IMPORTED,
    LINKED,
    MAX,
    PENDING,
    POST,
    VOID,
    Desk,
    account,
    changed,
    post,
    transfer,
    void,
)

from sycee.services.ledger.contract import AccountFlags, CreateTransferResult
from sycee.services.ledger.contract import CreateTransferResult as Code

DEBITS_LIMITED = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
CREDITS_LIMITED = AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS
CLOSED = AccountFlags.CLOSED
ACCOUNTS = (
    account(1),
    account(2, ledger=2),
    account(3),
    account(4, flags=DEBITS_LIMITED),
    account(5, flags=CREDITS_LIMITED),
    account(6, flags=CLOSED),
    account(7, flags=CLOSED),
)
BEFORE = (
    transfer(101, 1, 3, 200),
    transfer(102, 1, 3, 100, flags=PENDING),
    transfer(103, 3, 4, 500),
    transfer(104, 5, 3, 1000),
    transfer(105, 4, 3, 200),
    transfer(106, 4, 3, 100, flags=PENDING),
    transfer(107, 1, 5, 900),
    transfer(108, 3, 1, 30),
)
WRONG_IN_EVERY_WAY = transfer(
    0, 0, 0, MAX, pending_id=1, timeout_s=1, ledger=0, code=0, flags=512, timestamp=1
)
MOVES = [
    # what is mended                                what is wrong then
    ({}, Code.TIMESTAMP_MUST_BE_ZERO),
    ({"timestamp": 0}, Code.RESERVED_FLAG),
    ({"flags": CLOSING_DEBIT}, Code.ID_MUST_NOT_BE_ZERO),
    ({"id": MAX}, Code.ID_MUST_NOT_BE_INT_MAX),
    ({"id": 101}, Code.EXISTS_WITH_DIFFERENT_FLAGS),
    ({"id": 1}, Code.DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO),
    ({"debit_account_id": MAX}, Code.DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX),
    ({"debit_account_id": 8}, Code.CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO),
    ({"credit_account_id": MAX}, Code.CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX),
    ({"credit_account_id": 8}, Code.ACCOUNTS_MUST_BE_DIFFERENT),
    ({"credit_account_id": 9}, Code.PENDING_ID_MUST_BE_ZERO),
    ({"pending_id": 0}, Code.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER),
    ({"timeout_s": 0}, Code.CLOSING_TRANSFER_MUST_BE_PENDING),
    ({"flags": CLOSING_CREDIT}, Code.CLOSING_TRANSFER_MUST_BE_PENDING),
    ({"flags": CLOSING_CREDIT | PENDING}, Code.LEDGER_MUST_NOT_BE_ZERO),
    ({"ledger": 9}, Code.CODE_MUST_NOT_BE_ZERO),
    ({"code": 1}, Code.DEBIT_ACCOUNT_NOT_FOUND),
    ({"debit_account_id": 2}, Code.CREDIT_ACCOUNT_NOT_FOUND),
    ({"credit_account_id": 6}, Code.ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER),
    ({"debit_account_id": 7}, Code.TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS),
    ({"ledger": 1}, Code.DEBIT_ACCOUNT_ALREADY_CLOSED),
    ({"debit_account_id": 1}, Code.CREDIT_ACCOUNT_ALREADY_CLOSED),
    ({"credit_account_id": 3, "timeout_s": 2**32 - 1}, Code.OVERFLOWS_DEBITS_PENDING),
    ({"amount": MAX - 100}, Code.OVERFLOWS_CREDITS_PENDING),
    ({"amount": MAX - 200}, Code.OVERFLOWS_DEBITS_POSTED),
    ({"amount": MAX - 1100}, Code.OVERFLOWS_CREDITS_POSTED),
    ({"amount": MAX - 1400}, Code.OVERFLOWS_CREDITS),
    ({"amount": 5}, Code.OK),
]
OVERFLOWS = [
    # debit, credit, amount, flags -> code; 1 has debits 100 pending + 1100, 3 credits 200 + 1400
    (1, 3, MAX - 99, PENDING, Code.OVERFLOWS_DEBITS_PENDING),
    (3, 1, MAX, 0, Code.OVERFLOWS_DEBITS_POSTED),
    (5, 3, MAX - 199, PENDING, Code.OVERFLOWS_CREDITS_PENDING),
    (1, 5, MAX - 1099, 0, Code.OVERFLOWS_DEBITS_POSTED),
    (5, 3, MAX - 1000, 0, Code.OVERFLOWS_CREDITS_POSTED),
    (1, 5, MAX - 1100, 0, Code.OVERFLOWS_DEBITS),
    (5, 3, MAX - 1500, 0, Code.OVERFLOWS_CREDITS),
]
LIMITS = [
    # debit, credit, amount, flags -> code; 4 may be debited 200 more, 5 be credited 100 more
    (4, 5, 201, 0, Code.EXCEEDS_CREDITS),
    (4, 5, 200, 0, Code.EXCEEDS_DEBITS),
    (4, 5, 201, PENDING, Code.EXCEEDS_CREDITS),
    (4, 5, 101, PENDING, Code.EXCEEDS_DEBITS),
    (4, 5, 100, 0, Code.OK),
    (4, 5, 0, 0, Code.OK),
    (4, 3, 300, BALANCING_CREDIT, Code.OK),
    (1, 5, 101, BALANCING_DEBIT, Code.OK),
    (4, 5, 999, BALANCING_DEBIT, Code.EXCEEDS_DEBITS),
    (4, 5, 999, BALANCING_DEBIT | BALANCING_CREDIT, Code.OK),
]
RESOLVED = (
    transfer(201, 1, 3, 50, flags=PENDING, user_data_128=1, user_data_64=2, user_data_32=3),
    post(202, 201, 40),
    transfer(203, 1, 3, 50, flags=PENDING),
    void(204, 203),
    transfer(205, 1, 3, 50, flags=PENDING, timeout_s=1),
    transfer(206, 1, 3, 50, flags=PENDING, timeout_s=10),
    transfer(207, 1, 4, 5, flags=PENDING),
)
RESOLUTION_WRONG = transfer(
    300, 9, 9, 99, pending_id=0, timeout_s=1, ledger=9, code=9, flags=POST | VOID | PENDING
)
RESOLUTIONS = [
    # what is mended                                what is wrong then
    ({}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": POST | VOID}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": VOID | PENDING}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": POST | BALANCING_DEBIT}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": POST | BALANCING_CREDIT}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": POST | CLOSING_DEBIT}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": VOID | CLOSING_CREDIT}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": VOID}, Code.PENDING_ID_MUST_NOT_BE_ZERO),
    ({"pending_id": MAX}, Code.PENDING_ID_MUST_NOT_BE_INT_MAX),
    ({"pending_id": 300}, Code.PENDING_ID_MUST_BE_DIFFERENT),
    ({"pending_id": 999}, Code.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER),
    ({"timeout_s": 0}, Code.PENDING_TRANSFER_NOT_FOUND),
    ({"pending_id": 101}, Code.PENDING_TRANSFER_NOT_PENDING),
    ({"pending_id": 201}, Code.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID),
    ({"debit_account_id": 1}, Code.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID),
    ({"credit_account_id": 3}, Code.PENDING_TRANSFER_HAS_DIFFERENT_LEDGER),
    ({"ledger": 1}, Code.PENDING_TRANSFER_HAS_DIFFERENT_CODE),
    ({"code": 1}, Code.EXCEEDS_PENDING_TRANSFER_AMOUNT),
    ({"amount": 49}, Code.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT),
    ({"amount": 50}, Code.PENDING_TRANSFER_ALREADY_POSTED),
    ({"pending_id": 203}, Code.PENDING_TRANSFER_ALREADY_VOIDED),
    ({"pending_id": 205}, Code.PENDING_TRANSFER_EXPIRED),
    ({"pending_id": 206}, Code.OK),
]
EXISTING = transfer(
    301, 1, 3, 7, flags=PENDING, timeout_s=60, user_data_128=1, user_data_64=2, user_data_32=3
)
DIFFERENT = transfer(
    301, 3, 1, 8, ledger=9, code=9, pending_id=9, user_data_128=9, user_data_64=9, user_data_32=9
)
LIKENED = [
    # what is made the same                     what differs then
    ({}, Code.EXISTS_WITH_DIFFERENT_FLAGS),
    ({"flags": PENDING}, Code.EXISTS_WITH_DIFFERENT_PENDING_ID),
    ({"pending_id": 0}, Code.EXISTS_WITH_DIFFERENT_TIMEOUT),
    ({"timeout_s": 60}, Code.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID),
    ({"debit_account_id": 1}, Code.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID),
    ({"credit_account_id": 3}, Code.EXISTS_WITH_DIFFERENT_AMOUNT),
    ({"amount": 7}, Code.EXISTS_WITH_DIFFERENT_USER_DATA_128),
    ({"user_data_128": 1}, Code.EXISTS_WITH_DIFFERENT_USER_DATA_64),
    ({"user_data_64": 2}, Code.EXISTS_WITH_DIFFERENT_USER_DATA_32),
    ({"user_data_32": 3}, Code.EXISTS_WITH_DIFFERENT_LEDGER),
    ({"ledger": 1}, Code.EXISTS_WITH_DIFFERENT_CODE),
    ({"code": 1}, Code.EXISTS),
]
REPEATED = [
    # a transfer whose id posted 40 of 50, voided 50, or moved 300 of at most 999
    (post(202, 201, 40), Code.EXISTS),
    (post(202, 201, 40, debit=1, credit=3, ledger=1, code=1), Code.EXISTS),
    (post(202, 201, 40, user_data_128=1, user_data_64=2, user_data_32=3), Code.EXISTS),
    (post(202, 201), Code.EXISTS_WITH_DIFFERENT_AMOUNT),
    (post(202, 201, 41), Code.EXISTS_WITH_DIFFERENT_AMOUNT),
    (post(202, 201, 0), Code.EXISTS_WITH_DIFFERENT_AMOUNT),
    (post(202, 203, 40), Code.EXISTS_WITH_DIFFERENT_PENDING_ID),
    (post(202, 201, 40, timeout_s=1), Code.EXISTS_WITH_DIFFERENT_TIMEOUT),
    (post(202, 201, 40, debit=2), Code.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID),
    (post(202, 201, 40, credit=2), Code.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID),
    (post(202, 201, 40, user_data_128=9), Code.EXISTS_WITH_DIFFERENT_USER_DATA_128),
    (post(202, 201, 40, user_data_64=9), Code.EXISTS_WITH_DIFFERENT_USER_DATA_64),
    (post(202, 201, 40, user_data_32=9), Code.EXISTS_WITH_DIFFERENT_USER_DATA_32),
    (post(202, 201, 40, ledger=9), Code.EXISTS_WITH_DIFFERENT_LEDGER),
    (post(202, 201, 40, code=9), Code.EXISTS_WITH_DIFFERENT_CODE),
    (void(202, 201), Code.EXISTS_WITH_DIFFERENT_FLAGS),
    (void(204, 203), Code.EXISTS),
    (void(204, 203, amount=50), Code.EXISTS),
    (void(204, 203, amount=49), Code.EXISTS_WITH_DIFFERENT_AMOUNT),
    (transfer(208, 4, 3, 300, flags=BALANCING_DEBIT), Code.EXISTS),
    (transfer(208, 4, 3, MAX, flags=BALANCING_DEBIT), Code.EXISTS),
    (transfer(208, 4, 3, 199, flags=BALANCING_DEBIT), Code.EXISTS_WITH_DIFFERENT_AMOUNT),
    (transfer(208, 1, 3, 999, flags=BALANCING_DEBIT), Code.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID),
    (transfer(209, 1, 3, 1), Code.ID_ALREADY_FAILED),
]
PAST = [
    # imported transfers as (debit, credit, timestamp, timeout), and the results
    ([(1, 2, 0, 0)], [Code.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE]),
    ([(1, 2, 2**63, 0)], [Code.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE]),
    ([(1, 2, 2**63 - 1, 0)], [Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE]),
    ([(3, 2, 20, 1)], [Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS]),
    ([(3, 2, 21, 1)], [Code.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT]),
    ([(2, 3, 21, 1)], [Code.IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT]),
    ([(1, 2, 21, 1)], [Code.IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO]),
    ([(1, 2, 21, 0), (1, 2, 22, 0)], [Code.OK, Code.OK]),
    ([(1, 2, 21, 0), (1, 2, 21, 0)], [Code.OK, Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS]),
    ([(1, 2, 21, 0), (1, 2, None, 0)], [Code.OK, Code.IMPORTED_EVENT_EXPECTED]),
    ([(1, 2, None, 0), (1, 2, 21, 0)], [Code.OK, Code.IMPORTED_EVENT_NOT_EXPECTED]),
]
GOOD = transfer(1, 1, 3, 5)
BAD = transfer(2, 1, 3, 5, ledger=0)
POOR = transfer(3, 4, 3, 201)
CHAINS = [
    # linked is what an L goes before, and the results
    ([("L", GOOD)], [Code.LINKED_EVENT_CHAIN_OPEN]),
    ([("L", GOOD), ("L", BAD)], [Code.LINKED_EVENT_FAILED, Code.LINKED_EVENT_CHAIN_OPEN]),
    ([("L", GOOD), ("", BAD)], [Code.LINKED_EVENT_FAILED, Code.LEDGER_MUST_NOT_BE_ZERO]),
    ([("L", BAD), ("", GOOD)], [Code.LEDGER_MUST_NOT_BE_ZERO, Code.LINKED_EVENT_FAILED]),
    ([("L", BAD), ("L", GOOD)], [Code.LEDGER_MUST_NOT_BE_ZERO, Code.LINKED_EVENT_CHAIN_OPEN]),
    (
        [("L", GOOD), ("L", POOR), ("L", BAD), ("", BAD), ("", GOOD)],
        [Code.LINKED_EVENT_FAILED, Code.EXCEEDS_CREDITS] + [Code.LINKED_EVENT_FAILED] * 2 + [0],
    ),
    ([("L", GOOD), ("", changed(GOOD, id=9))], [Code.OK, Code.OK]),
]


def steps(event, table):
    rows = []
    for mended, code in table:
        event = changed(event, **mended)
        rows.append(pytest.param(event, code, id=code.name.lower()))
    return rows


def standing_desk():
    desk = Desk(*ACCOUNTS)
    assert set(desk.send(*BEFORE)) == {Code.OK}
    return desk


def resolved_desk():
    desk = standing_desk()
    assert set(desk.send(*RESOLVED)) == {Code.OK}
    assert desk.send(transfer(208, 4, 3, 999, flags=BALANCING_DEBIT)) == [Code.OK]
    assert desk.send(transfer(209, 4, 3, 999)) == [Code.EXCEEDS_CREDITS]
    desk.pass_s(1)
    return desk


@pytest.mark.parametrize(("event", "code"), steps(WRONG_IN_EVERY_WAY, MOVES))
def test_rules_answer_in_order_of_precedence(event, code):
    assert standing_desk().send(event) == [code]


@pytest.mark.parametrize(("debit", "credit", "amount", "flags", "code"), OVERFLOWS + LIMITS)
def test_balances_stay_within_bounds(debit, credit, amount, flags, code):
    """MS4."""
    assert standing_desk().send(transfer(1, debit, credit, amount, flags=flags)) == [code]


def test_a_timeout_beyond_the_end_of_time_is_refused():
    desk = Desk(account(1), account(2, flags=CREDITS_LIMITED), now=2**63 - 3 * 10**9)
    assert desk.send(transfer(1, 1, 2, 1, flags=PENDING, timeout_s=3)) == [Code.OVERFLOWS_TIMEOUT]
    assert desk.send(transfer(1, 1, 2, 1, flags=PENDING, timeout_s=2)) == [Code.EXCEEDS_DEBITS]


@pytest.mark.parametrize(("event", "code"), steps(RESOLUTION_WRONG, RESOLUTIONS))
def test_resolving_answers_in_order_of_precedence(event, code):
    assert resolved_desk().send(event) == [code]


@pytest.mark.parametrize(("event", "code"), steps(DIFFERENT, LIKENED))
def test_an_id_that_comes_again_is_compared_field_by_field(event, code):
    desk = standing_desk()
    assert desk.send(EXISTING) == [Code.OK]
    assert desk.send(event) == [code]


@pytest.mark.parametrize(("event", "code"), REPEATED)
def test_a_repeated_transfer_may_leave_out_what_it_left_out(event, code):
    assert resolved_desk().send(event) == [code]


@pytest.mark.parametrize(("events", "codes"), PAST)
def test_imported_transfers_bring_their_own_past(events, codes):
    accounts = [
        account(number, flags=AccountFlags.IMPORTED, timestamp=stamp)
        for number, stamp in ((1, 10), (2, 20), (3, 30))
    ]
    transfers = [
        transfer(
            number,
            debit,
            credit,
            1,
            timestamp=stamp or 0,
            timeout_s=timeout,
            flags=0 if stamp is None else IMPORTED | (PENDING if timeout else 0),
        )
        for number, (debit, credit, stamp, timeout) in enumerate(events, 1)
    ]
    assert Desk(*accounts).send(*transfers) == codes


def test_an_imported_posting_may_not_regress_either():
    desk = Desk(*(account(n, flags=AccountFlags.IMPORTED, timestamp=n) for n in (1, 2)))
    assert desk.send(transfer(1, 1, 2, 5, flags=IMPORTED | PENDING, timestamp=9)) == [Code.OK]
    early = post(2, 1, flags=IMPORTED, timestamp=9)
    assert desk.send(early) == [Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS]
    assert desk.send(changed(early, timestamp=10)) == [Code.OK]
    assert desk.transfer(2).timestamp == 10


@pytest.mark.parametrize(("events", "codes"), CHAINS)
def test_linked_transfers_are_recorded_together_or_not_at_all(events, codes):
    desk = standing_desk()
    before = [desk.balances(number.id) for number in ACCOUNTS]
    assert desk.send(*(changed(e, flags=LINKED if mark else 0) for mark, e in events)) == codes
    assert ([desk.balances(number.id) for number in ACCOUNTS] == before) == (Code.OK not in codes)


def test_every_code_has_a_row():
    rows = MOVES + RESOLUTIONS + LIKENED + REPEATED
    tables = [code for _, code in rows] + [row[-1] for row in OVERFLOWS + LIMITS]
    tables += [code for _, codes in PAST + CHAINS for code in codes]
    assert set(Code) - set(tables) == {Code.OVERFLOWS_TIMEOUT}, "which has a test of its own"


def test_codes_have_tigerbeetles_numbers():
    assert sorted(CreateTransferResult) == sorted({*range(69)} - {18})
