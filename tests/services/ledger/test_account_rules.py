"""Opening accounts: one row breaks one rule and all that come after it."""

from __future__ import annotations

import pytest
from tests.services.ledger.notation import MAX, Desk, account, changed, transfer

from sycee.services.ledger.contract import AccountFlags as F
from sycee.services.ledger.contract import CreateAccountResult as Code

BOTH_LIMITS = F.DEBITS_MUST_NOT_EXCEED_CREDITS | F.CREDITS_MUST_NOT_EXCEED_DEBITS
WRONG_IN_EVERY_WAY = account(
    0,
    ledger=0,
    code=0,
    flags=BOTH_LIMITS | 64,
    debits_pending=1,
    debits_posted=1,
    credits_pending=1,
    credits_posted=1,
    timestamp=1,
)
MENDED_STEP_BY_STEP = [
    # what is mended                        what is wrong then
    ({}, Code.TIMESTAMP_MUST_BE_ZERO),
    ({"timestamp": 0}, Code.RESERVED_FLAG),
    ({"flags": BOTH_LIMITS}, Code.ID_MUST_NOT_BE_ZERO),
    ({"id": MAX}, Code.ID_MUST_NOT_BE_INT_MAX),
    ({"id": 7}, Code.EXISTS_WITH_DIFFERENT_FLAGS),
    ({"id": 8}, Code.FLAGS_ARE_MUTUALLY_EXCLUSIVE),
    ({"flags": 0}, Code.DEBITS_PENDING_MUST_BE_ZERO),
    ({"debits_pending": 0}, Code.DEBITS_POSTED_MUST_BE_ZERO),
    ({"debits_posted": 0}, Code.CREDITS_PENDING_MUST_BE_ZERO),
    ({"credits_pending": 0}, Code.CREDITS_POSTED_MUST_BE_ZERO),
    ({"credits_posted": 0}, Code.LEDGER_MUST_NOT_BE_ZERO),
    ({"ledger": 1}, Code.CODE_MUST_NOT_BE_ZERO),
    ({"code": 1}, Code.OK),
]
EXISTING = account(7, user_data_128=1, user_data_64=2, user_data_32=3, ledger=4, code=5)
DIFFERENT = account(7, user_data_128=9, user_data_64=9, user_data_32=9, ledger=9, code=9, flags=8)
LIKENED_STEP_BY_STEP = [
    # what is made the same                 what differs then
    ({}, Code.EXISTS_WITH_DIFFERENT_FLAGS),
    ({"flags": 0}, Code.EXISTS_WITH_DIFFERENT_USER_DATA_128),
    ({"user_data_128": 1}, Code.EXISTS_WITH_DIFFERENT_USER_DATA_64),
    ({"user_data_64": 2}, Code.EXISTS_WITH_DIFFERENT_USER_DATA_32),
    ({"user_data_32": 3}, Code.EXISTS_WITH_DIFFERENT_LEDGER),
    ({"ledger": 4}, Code.EXISTS_WITH_DIFFERENT_CODE),
    ({"code": 5}, Code.EXISTS),
]
PAST = [
    # timestamps of imported accounts, in one batch at 1000 s, and the results
    ([0], [Code.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE]),
    ([2**63], [Code.IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE]),
    ([2**63 - 1], [Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE]),
    ([5, 5], [Code.OK, Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS]),
    ([5, 4], [Code.OK, Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS]),
    ([5, 6], [Code.OK, Code.OK]),
    ([5, None], [Code.OK, Code.IMPORTED_EVENT_EXPECTED]),
    ([None, 5], [Code.OK, Code.IMPORTED_EVENT_NOT_EXPECTED]),
]
CHAINS = [
    # linked accounts (a small letter is linked to the next), and the results
    ("a", [Code.LINKED_EVENT_CHAIN_OPEN]),
    ("ab", [Code.LINKED_EVENT_FAILED, Code.LINKED_EVENT_CHAIN_OPEN]),
    ("aB", [Code.OK, Code.OK]),
    ("abaD", [Code.LINKED_EVENT_FAILED] * 2 + [Code.EXISTS, Code.LINKED_EVENT_FAILED]),
    ("aabC", [Code.LINKED_EVENT_FAILED, Code.EXISTS] + [Code.LINKED_EVENT_FAILED] * 2),
    ("aab", [Code.LINKED_EVENT_FAILED, Code.EXISTS, Code.LINKED_EVENT_CHAIN_OPEN]),
    ("aaBA", [Code.LINKED_EVENT_FAILED, Code.EXISTS, Code.LINKED_EVENT_FAILED, Code.OK]),
]


def steps(event, table):
    rows = []
    for mended, code in table:
        event = changed(event, **mended)
        rows.append(pytest.param(event, code, id=code.name.lower()))
    return rows


@pytest.mark.parametrize(("event", "code"), steps(WRONG_IN_EVERY_WAY, MENDED_STEP_BY_STEP))
def test_rules_answer_in_order_of_precedence(event, code):
    assert Desk(EXISTING).open(event) == [code]


@pytest.mark.parametrize(("event", "code"), steps(DIFFERENT, LIKENED_STEP_BY_STEP))
def test_an_id_that_comes_again_is_compared_field_by_field(event, code):
    assert Desk(EXISTING).open(event) == [code]


@pytest.mark.parametrize(("stamps", "codes"), PAST)
def test_imported_accounts_bring_their_own_past(stamps, codes):
    accounts = [
        account(number, flags=0 if stamp is None else F.IMPORTED, timestamp=stamp or 0)
        for number, stamp in enumerate(stamps, 1)
    ]
    assert Desk().open(*accounts) == codes


def test_an_imported_account_may_not_share_a_transfers_nanosecond():
    desk = Desk(
        account(1, flags=F.IMPORTED, timestamp=1), account(2, flags=F.IMPORTED, timestamp=2)
    )
    assert desk.send(transfer(1, 1, 2, 5, flags=256, timestamp=9)) == [0]
    assert desk.open(account(3, flags=F.IMPORTED, timestamp=9)) == [
        Code.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
    ]
    assert desk.open(account(3, flags=F.IMPORTED, timestamp=8)) == [0]
    assert desk.open(account(3, flags=F.IMPORTED, timestamp=7)) == [Code.EXISTS]


@pytest.mark.parametrize(("letters", "codes"), CHAINS)
def test_linked_accounts_are_opened_together_or_not_at_all(letters, codes):
    accounts = [
        account(ord(letter.lower()), flags=F.LINKED if letter.islower() else 0)
        for letter in letters
    ]
    desk = Desk()
    assert desk.open(*accounts) == codes
    assert len(desk.books.accounts) == codes.count(Code.OK)


def test_the_timestamp_of_an_undone_account_is_free_again():
    desk = Desk()
    chain = [account(number, flags=F.IMPORTED | F.LINKED, timestamp=number) for number in (1, 2)]
    assert desk.open(*chain, account(3, flags=F.IMPORTED)) == [1, 1, 24]
    assert desk.open(*chain, account(3, flags=F.IMPORTED, timestamp=3)) == [0, 0, 0]


def test_every_code_but_the_reserved_field_has_a_row():
    tables = [code for _, code in MENDED_STEP_BY_STEP + LIKENED_STEP_BY_STEP]
    tables += [code for _, codes in PAST + CHAINS for code in codes]
    assert set(Code) - set(tables) == {Code.RESERVED_FIELD}


def test_codes_have_tigerbeetles_numbers():
    assert sorted(Code) == list(range(27))
