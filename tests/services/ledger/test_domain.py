"""What transfers do to the books: two phases, balancing, closing, expiry, chains, reading."""

from __future__ import annotations

from tests.services.ledger.notation import (
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    LINKED,
    MAX,
    OK,
    PENDING,
    Desk,
    account,
    changed,
    post,
    transfer,
    void,
)

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    AccountFlags,
    ListTransfers,
    TrialBalanceLine,
    TrialBalanceQuery,
)
from sycee.services.ledger.contract import CreateTransferResult as Code
from sycee.services.ledger.domain import proof, read

LIMITED = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS


def funded(amount):
    """Account 1 holds what 3 gave it and may not overdraw; 2 is free."""
    desk = Desk(account(1, flags=LIMITED), account(2), account(3))
    assert desk.send(transfer(1000, 3, 1, amount)) == [OK]
    return desk


def test_a_pending_transfer_reserves_and_posting_moves():
    desk = funded(100)
    assert desk.send(transfer(1, 1, 2, 60, flags=PENDING)) == [OK]
    assert desk.balances(1) == (60, 0, 0, 100)
    assert desk.send(post(2, 1)) == [OK]
    assert desk.balances(1) == (0, 60, 0, 100)
    assert desk.transfer(2).amount == 60


def test_posting_a_part_gives_the_rest_back():
    desk = funded(100)
    assert desk.send(transfer(1, 1, 2, 60, flags=PENDING), post(2, 1, 45)) == [OK, OK]
    assert desk.balances(1) == (0, 45, 0, 100)
    assert desk.balances(2) == (0, 0, 0, 45)
    assert desk.send(post(3, 1, 15)) == [Code.PENDING_TRANSFER_ALREADY_POSTED]


def test_posting_more_than_was_reserved_is_refused():
    desk = funded(100)
    codes = desk.send(transfer(1, 1, 2, 60, flags=PENDING), post(2, 1, 61), post(3, 1, MAX - 1))
    assert codes == [OK] + [Code.EXCEEDS_PENDING_TRANSFER_AMOUNT] * 2


def test_everything_there_is_can_be_reserved_and_posted():
    desk = Desk(account(1), account(2))
    assert desk.send(transfer(1, 1, 2, MAX, flags=PENDING), post(2, 1)) == [OK, OK]
    assert desk.balances(1) == (0, MAX, 0, 0)


def test_voiding_gives_everything_back():
    desk = funded(100)
    assert desk.send(transfer(1, 1, 2, 60, flags=PENDING), void(2, 1)) == [OK, OK]
    assert desk.balances(1) == (0, 0, 0, 100)
    assert desk.transfer(2).amount == 60


def test_a_resolving_transfer_takes_over_what_it_leaves_out():
    desk = Desk(account(1), account(2))
    first = transfer(1, 1, 2, 5, flags=PENDING, user_data_128=7, user_data_64=8, user_data_32=9)
    assert desk.send(first, post(2, 1, user_data_64=80)) == [OK, OK]
    posted = desk.transfer(2)
    assert (posted.debit_account_id, posted.credit_account_id) == (1, 2)
    assert (posted.ledger, posted.code) == (1, 1)
    assert (posted.user_data_128, posted.user_data_64, posted.user_data_32) == (7, 80, 9)


def test_a_pending_transfer_expires_at_its_nanosecond_and_not_before():
    desk = Desk(account(1), account(2))
    desk.send(transfer(1, 1, 2, 5, flags=PENDING, timeout_s=2))
    desk.now = desk.transfer(1).timestamp + 2 * 10**9 - 1
    desk.expire()
    assert desk.balances(1) == (5, 0, 0, 0)
    desk.now += 1
    desk.expire()
    assert desk.balances(1) == (0, 0, 0, 0)
    assert desk.send(post(2, 1), void(3, 1)) == [Code.PENDING_TRANSFER_EXPIRED] * 2


def test_a_transfer_that_expires_within_the_batch_is_not_posted():
    desk = Desk(account(1), account(2))
    desk.send(transfer(1, 1, 2, 5, flags=PENDING, timeout_s=1))
    desk.now = desk.transfer(1).timestamp + 10**9 - 2
    codes = desk.send(transfer(2, 1, 2, 1), transfer(3, 1, 2, 1), post(4, 1))
    assert codes == [OK, OK, Code.PENDING_TRANSFER_EXPIRED]
    desk.expire()
    assert desk.balances(1) == (0, 2, 0, 0)


def test_balancing_moves_as_much_as_there_is():
    desk = funded(100)
    flags = BALANCING_DEBIT
    assert desk.send(transfer(1, 1, 2, 30, flags=flags), transfer(2, 1, 2, MAX, flags=flags)) == [
        OK,
        OK,
    ]
    assert (desk.transfer(1).amount, desk.transfer(2).amount) == (30, 70)
    assert desk.send(transfer(3, 1, 2, 5, flags=flags)) == [OK]
    assert desk.transfer(3).amount == 0


def test_balancing_both_sides_moves_the_smaller_room():
    desk = Desk(account(1), account(2), account(3))
    desk.send(transfer(1, 3, 1, 20), transfer(2, 2, 3, 12))
    flags = BALANCING_DEBIT | BALANCING_CREDIT
    assert desk.send(transfer(3, 1, 2, MAX, flags=flags)) == [OK]
    assert desk.transfer(3).amount == 12


def test_balancing_never_moves_a_negative_amount():
    desk = Desk(account(1), account(2))
    desk.send(transfer(1, 1, 2, 9))
    assert desk.send(transfer(2, 1, 2, 5, flags=BALANCING_DEBIT)) == [OK]
    assert desk.transfer(2).amount == 0


def test_a_closed_account_takes_part_in_nothing_but_voiding():
    desk = Desk(account(1), account(2))
    closing = transfer(2, 1, 2, 0, flags=PENDING | CLOSING_DEBIT)
    assert desk.send(transfer(1, 1, 2, 5, flags=PENDING), closing) == [OK, OK]
    assert desk.lookup(1).flags & AccountFlags.CLOSED
    assert desk.send(transfer(3, 1, 2, 1), transfer(4, 2, 1, 1), post(5, 1), post(6, 2)) == [
        Code.DEBIT_ACCOUNT_ALREADY_CLOSED,
        Code.CREDIT_ACCOUNT_ALREADY_CLOSED,
        Code.DEBIT_ACCOUNT_ALREADY_CLOSED,
        Code.DEBIT_ACCOUNT_ALREADY_CLOSED,
    ]
    assert desk.send(void(7, 1)) == [OK]
    assert desk.balances(1) == (0, 0, 0, 0)


def test_voiding_the_closing_transfer_reopens_both_accounts():
    desk = Desk(account(1), account(2))
    flags = PENDING | CLOSING_DEBIT | CLOSING_CREDIT
    assert desk.send(transfer(1, 1, 2, 0, flags=flags)) == [OK]
    assert desk.send(void(2, 1), transfer(3, 1, 2, 1)) == [OK, OK]


def test_a_closing_transfer_that_expires_reopens_too():
    desk = Desk(account(1), account(2))
    desk.send(transfer(1, 1, 2, 0, flags=PENDING | CLOSING_CREDIT, timeout_s=1))
    assert desk.send(post(2, 1)) == [Code.CREDIT_ACCOUNT_ALREADY_CLOSED]
    desk.pass_s(1)
    assert desk.send(transfer(3, 1, 2, 1)) == [OK]


def test_a_transient_failure_uses_the_id_up():
    desk = funded(10)
    attempt = transfer(1, 1, 2, 11)
    assert desk.send(attempt) == [Code.EXCEEDS_CREDITS]
    assert desk.send(transfer(2, 3, 1, 50)) == [OK]
    assert desk.send(attempt, changed(attempt, amount=1)) == [Code.ID_ALREADY_FAILED] * 2
    assert desk.send(post(3, 1)) == [Code.PENDING_TRANSFER_NOT_FOUND]
    assert desk.transfer(1) is None


def test_a_malformed_transfer_may_come_again_corrected():
    desk = funded(10)
    assert desk.send(transfer(1, 1, 2, 5, ledger=0)) == [Code.LEDGER_MUST_NOT_BE_ZERO]
    assert desk.send(transfer(1, 1, 2, 5)) == [OK]


def test_funds_are_not_stuck_after_a_failed_chain():
    """A past bug: what a chain had reserved stayed reserved when its later part failed."""
    desk = funded(100)
    before = desk.balances(1), desk.balances(2)
    reserve = transfer(1, 1, 2, 100, flags=PENDING | LINKED, timeout_s=5)
    assert desk.send(reserve, transfer(2, 1, 2, 1)) == [
        Code.LINKED_EVENT_FAILED,
        Code.EXCEEDS_CREDITS,
    ]
    assert (desk.balances(1), desk.balances(2)) == before
    assert desk.send(transfer(3, 1, 2, 100)) == [OK]


def test_a_failed_chain_leaves_its_pending_transfer_open():
    """A past bug: a posting that was undone left the reservation neither held nor given back."""
    desk = funded(100)
    desk.send(transfer(1, 1, 2, 60, flags=PENDING))
    for resolution in (post(2, 1, 10, flags=LINKED), void(3, 1, flags=LINKED)):
        codes = desk.send(resolution, transfer(4, 1, 2, 5, ledger=0))
        assert codes == [Code.LINKED_EVENT_FAILED, Code.LEDGER_MUST_NOT_BE_ZERO]
    assert desk.balances(1) == (60, 0, 0, 100)
    assert desk.send(post(2, 1)) == [OK]


def test_an_undone_closing_leaves_the_account_open():
    desk = Desk(account(1), account(2))
    closing = transfer(1, 1, 2, 0, flags=PENDING | CLOSING_DEBIT | LINKED)
    assert desk.send(closing, transfer(2, 1, 2, 1)) == [1, Code.DEBIT_ACCOUNT_ALREADY_CLOSED]
    assert desk.send(transfer(3, 1, 2, 1)) == [OK]


def test_unrelated_transfers_pass_beside_a_failed_chain():
    """A past bug: a chain that failed took unrelated transfers of its batch with it."""
    desk = funded(100)
    codes = desk.send(
        transfer(1, 1, 2, 5),
        transfer(2, 1, 2, 5, flags=LINKED),
        transfer(3, 1, 2, 500),
        transfer(4, 1, 2, 5),
        transfer(5, 1, 2, 5, flags=LINKED),
        transfer(6, 1, 2, 5),
    )
    assert codes == [OK, Code.LINKED_EVENT_FAILED, Code.EXCEEDS_CREDITS, OK, OK, OK]
    assert desk.balances(1) == (0, 20, 0, 100)


def test_a_repeated_batch_answers_exists_and_failed_as_the_first_time():
    """A past bug: repeating a batch gave codes that did not tell what had become of it."""
    desk = funded(100)
    batch = [
        transfer(1, 1, 2, 5),
        transfer(2, 1, 2, 500),
        transfer(3, 1, 2, 5, flags=LINKED),
        transfer(4, 1, 2, 500),
        transfer(5, 1, 2, 5, flags=LINKED),
        transfer(6, 1, 2, 5),
    ]
    codes = [OK, Code.EXCEEDS_CREDITS, Code.LINKED_EVENT_FAILED, Code.EXCEEDS_CREDITS, OK, OK]
    assert desk.send(*batch) == codes
    again = desk.send(*batch)
    assert again[:4] == [
        Code.EXISTS,
        Code.ID_ALREADY_FAILED,
        Code.LINKED_EVENT_FAILED,
        Code.ID_ALREADY_FAILED,
    ]
    assert again[4:] == [Code.EXISTS, Code.LINKED_EVENT_FAILED]
    assert desk.send(transfer(3, 1, 2, 5)) == [OK], "only the id that broke the chain is used up"


def test_a_chain_sees_its_own_effects_and_nobody_sees_them_when_undone():
    desk = funded(0)
    fill = transfer(1, 3, 1, 50, flags=LINKED)
    spend = transfer(2, 1, 2, 50, flags=LINKED)
    assert desk.send(fill, spend, transfer(3, 1, 2, 1)) == [1, 1, Code.EXCEEDS_CREDITS]
    assert desk.send(spend, transfer(4, 1, 2, 1)) == [Code.EXCEEDS_CREDITS, 1]
    assert desk.send(fill, changed(spend, id=5, flags=0)) == [OK, OK]


def test_an_undone_reservation_never_expires():
    """Its place in the table is another transfer's by then, also with a timeout."""
    desk = Desk(account(1), account(2))
    undone = transfer(1, 1, 2, 5, flags=PENDING | LINKED, timeout_s=1)
    assert desk.send(undone, transfer(2, 1, 2, 1, ledger=0))[0] == Code.LINKED_EVENT_FAILED
    desk.pass_s(2)
    assert desk.send(transfer(3, 1, 2, 7, flags=PENDING, timeout_s=60)) == [OK]
    desk.expire()
    assert desk.balances(1) == (7, 0, 0, 0)


def test_undone_reservations_do_not_hide_later_ones():
    desk = Desk(account(1), account(2))
    for number in (1, 2):
        undone = transfer(number, 1, 2, 5, flags=PENDING | LINKED, timeout_s=1)
        desk.send(undone, transfer(9, 1, 2, 1, ledger=0))
    desk.pass_s(5)
    desk.expire()
    assert desk.send(transfer(3, 1, 2, 7, flags=PENDING, timeout_s=1)) == [OK]
    desk.pass_s(1)
    desk.expire()
    assert desk.balances(1) == (0, 0, 0, 0)


def test_timestamps_grow_also_when_the_clock_goes_back():
    """MS10."""
    desk = Desk(account(1), account(2))
    desk.send(transfer(1, 1, 2, 5))
    desk.now -= 10**12
    desk.send(transfer(2, 1, 2, 5), transfer(3, 1, 2, 5))
    stamps = [desk.transfer(number).timestamp for number in (1, 2, 3)]
    assert stamps == sorted(set(stamps))


def test_an_accounts_transfers_are_listed_in_order_of_time():
    desk = Desk(account(1), account(2), account(3))
    desk.send(transfer(1, 1, 2, 5), transfer(2, 2, 3, 5), transfer(3, 3, 1, 5))
    desk.send(transfer(4, 1, 3, 5, flags=LINKED), transfer(5, 1, 2, 5, ledger=0))
    desk.send(transfer(6, 1, 2, 5))

    def listed(**query):
        answer = read.list_transfers(desk.books, ListTransfers(**query))
        return [found.id for found in answer.transfers]

    assert listed(account=U128(1)) == [1, 3, 6]
    assert listed(account=U128(1), limit=1) == [1]
    assert listed(account=U128(1), after=desk.transfer(1).timestamp) == [3, 6]
    assert listed(account=U128(9)) == []


def test_the_trial_balance_sums_each_ledger():
    """MS3."""
    desk = Desk(account(1), account(2), account(3, ledger=9), account(4, ledger=9))
    desk.send(transfer(1, 1, 2, 5), transfer(2, 3, 4, 7, ledger=9, flags=PENDING))
    one = TrialBalanceLine(1, 2, U128(0), U128(0), U128(5), U128(5))
    nine = TrialBalanceLine(9, 2, U128(7), U128(7), U128(0), U128(0))
    assert read.trial_balance(desk.books, TrialBalanceQuery()).lines == (one, nine)
    assert read.trial_balance(desk.books, TrialBalanceQuery(ledger=9)).lines == (nine,)


def test_the_proof_names_what_is_wrong():
    """MS3."""
    desk = Desk(account(1, flags=LIMITED), account(2, flags=4), account(3))
    desk.send(transfer(1, 3, 1, 9), transfer(2, 2, 3, 9))
    desk.send(transfer(3, 1, 2, 5, flags=PENDING), post(4, 3))
    books = desk.books
    assert list(proof.findings(books)) == []
    books.accounts[1].debits_posted += 5
    books.accounts[2].credits_pending += 5
    books.transfers.statuses[2] = 0
    assert [finding.row for finding in proof.findings(books)] == [
        "transfer 3",
        "transfer 4",
        "account 1",
        "account 1",
        "account 2",
        "account 2",
        "ledger 1",
        "ledger 1",
    ]
