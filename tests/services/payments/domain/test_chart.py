"""How attempts are written into the books, proven on a ledger that only counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.payments.domain.objects import SHOP, attempt

from sycee.kernel.money import Money
from sycee.services.ledger.contract import AccountFlags, TransferFlags
from sycee.services.ledger.domain.batch import create_accounts, create_transfers
from sycee.services.ledger.domain.books import Books
from sycee.services.payments.domain import chart
from sycee.services.payments.domain.attempts import Kind

USD = chart.chart(SHOP, False, "USD", "testcard")
NAMES = ("settlement", "clearing", "pending", "available", "fees", "refunds")
PAY = attempt(fee_minor=88)


class Ledger:
    """The real rules of the ledger, without its journal."""

    def __init__(self):
        self.books = Books()
        self.at = 1000
        codes = create_accounts(self.books, chart.accounts(USD), self._later())
        assert set(codes) == {0}

    def write(self, transfers):
        assert set(create_transfers(self.books, transfers, self._later())) <= {0}

    def balances(self):
        """Credits less debits, posted and then pending, of accounts that have any."""
        found = {}
        for name in NAMES:
            book = self.books.accounts[getattr(USD, name)]
            posted = book.credits_posted - book.debits_posted
            pending = book.credits_pending - book.debits_pending
            if posted or pending:
                found[name] = (posted, pending)
        return found

    def _later(self):
        self.at += 1000
        return self.at


def done(*attempts):
    ledger = Ledger()
    for each in attempts:
        ledger.write(chart.reservation(each))
        ledger.write(chart.completion(each))
    return ledger.balances()


def test_while_a_payment_is_tried_its_amount_is_pending():
    ledger = Ledger()
    ledger.write(chart.reservation(PAY))
    assert ledger.balances() == {"settlement": (0, -2000), "clearing": (0, 2000)}
    ledger.write(chart.release(PAY))
    assert ledger.balances() == {}


def test_a_payment_leaves_amount_and_fee():
    assert done(PAY) == {"settlement": (-2000, 0), "pending": (1912, 0), "fees": (88, 0)}


def test_without_a_fee_there_is_no_transfer_for_it():
    assert len(chart.completion(attempt())) == 2


def test_a_partial_capture_gives_the_rest_back():
    hold = attempt(Kind.AUTHORIZE)
    capture = attempt(
        Kind.CAPTURE, id="att_2", original="att_1", amount=Money(1500, "USD"), fee_minor=74
    )
    assert done(hold) == {"settlement": (0, -2000), "clearing": (0, 2000)}
    assert done(hold, capture) == {
        "settlement": (-1500, 0),
        "pending": (1426, 0),
        "fees": (74, 0),
    }
    assert chart.release(capture) == ()


def test_a_release_leaves_nothing():
    release = attempt(Kind.VOID, id="att_2", original="att_1")
    assert done(attempt(Kind.AUTHORIZE), release) == {}
    assert chart.release(release) == ()


@pytest.mark.parametrize(("from_available", "source"), [(False, "pending"), (True, "available")])
def test_a_refund_takes_from_where_the_money_is(from_available, source):
    refund = attempt(
        Kind.REFUND,
        id="att_2",
        original="att_1",
        amount=Money(500, "USD"),
        from_available=from_available,
    )
    ledger = Ledger()
    ledger.write(chart.reservation(refund))
    assert ledger.balances() == {source: (0, -500), "refunds": (0, 500)}
    ledger.write(chart.completion(refund))
    assert ledger.balances() == {source: (-500, 0), "settlement": (500, 0)}
    failed = Ledger()
    failed.write(chart.reservation(refund))
    failed.write(chart.release(refund))
    assert failed.balances() == {}


def test_a_part_is_taken_and_the_rest_is_held_by_it_until_the_last_or_a_release():
    hold = attempt(Kind.AUTHORIZE)
    part = attempt(
        Kind.CAPTURE, id="att_2", original="att_1", amount=Money(700, "USD"), rest_minor=1300
    )
    last = attempt(
        Kind.CAPTURE, id="att_3", original="att_1", held_by="att_2", amount=Money(300, "USD")
    )
    release = attempt(Kind.VOID, id="att_3", original="att_1", held_by="att_2")
    for end, taken in ((last, 1000), (release, 700)):
        ledger = Ledger()
        ledger.write(chart.reservation(hold))
        ledger.write(chart.completion(part))
        assert ledger.balances() == {
            "settlement": (-700, -1300),
            "clearing": (0, 1300),
            "pending": (700, 0),
        }
        ledger.write(chart.completion(end))
        assert ledger.balances() == {"settlement": (-taken, 0), "pending": (taken, 0)}


def test_maturing_moves_money_and_debts():
    ledger = Ledger()
    ledger.write(chart.maturing("mat_1", USD, 1912))
    assert ledger.balances() == {"pending": (-1912, 0), "available": (1912, 0)}
    ledger.write(chart.maturing("mat_2", USD, -1912))
    assert ledger.balances() == {}
    assert chart.maturing("mat_3", USD, 0) == ()


def test_the_ledger_itself_refuses_to_pass_on_more_than_came_in():
    """MS4: clearing, refunds and disputes are limited."""
    limited = {
        account.id
        for account in chart.accounts(USD)
        if account.flags & AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
    }
    assert limited == {USD.clearing, USD.refunds, USD.disputes}
    ledger = Ledger()
    post, sale, *_ = chart.completion(PAY)
    codes = create_transfers(ledger.books, [sale], ledger._later())
    assert codes != [0]
    assert post.flags & TransferFlags.LINKED


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("acct_a", "acct_b")), st.booleans(), st.sampled_from(("USD", "EUR"))
        ),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_accounts_of_different_words_are_different(words):
    one, other = (chart.chart(*each, "testcard") for each in words)
    for name in ("clearing", "pending", "available", "refunds"):
        assert getattr(one, name) != getattr(other, name)


def test_steps_of_one_attempt_have_different_ids():
    ids = [
        chart.step_id("att_1", step) for step in ("reserve", "post", "sale", "fee", "hold", "void")
    ]
    assert len(set(ids)) == len(ids)
