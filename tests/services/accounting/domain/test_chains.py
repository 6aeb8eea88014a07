"""What is compiled balances, and is what was asked for."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.services.accounting.books import SHOP, credit, debit

from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    NO_METADATA,
    AccountKind,
    BoundExceeded,
    FundsInsufficient,
    LegsInvalid,
    NamedAccount,
    Side,
    TransactionFailed,
)
from sycee.services.accounting.domain import chart
from sycee.services.accounting.domain.chains import Step, StepCode, Subject, chain
from sycee.services.accounting.domain.legs import check_legs, legs_of, steps
from sycee.services.accounting.domain.outcomes import Failure, Why, failure, refusal
from sycee.services.ledger.contract import CreateTransferResult as Code
from sycee.services.ledger.contract import Transfer, TransferFlags
from sycee.services.ledger.domain.batch import create_accounts, create_transfers
from sycee.services.ledger.domain.books import Books

NAMES = ["a", "b", "c", "d"]
SUBJECT = Subject(SHOP, "t", 1, None, NO_METADATA)


def account(name, currency="USD", kind=AccountKind.LIABILITY, lower=None, upper=None):
    id = chart.account_id(SHOP, name, currency)
    return NamedAccount(id, name, currency, kind, lower, upper, NO_METADATA, 1)


ACCOUNTS = {(name, code): account(name, code) for name in NAMES for code in ("USD", "EUR")}


@st.composite
def transactions(draw):
    legs = []
    for code in draw(st.sampled_from([["USD"], ["USD", "EUR"]])):
        debits = draw(st.lists(st.integers(1, 10**30), min_size=1, max_size=5))
        total = sum(debits)
        cuts = sorted(set(draw(st.lists(st.integers(1, total), max_size=4))) - {total})
        edges = [0, *cuts, total]
        credits = [b - a for a, b in itertools.pairwise(edges)]
        legs += [debit(draw(st.sampled_from(NAMES)), minor, code) for minor in debits]
        legs += [credit(draw(st.sampled_from(NAMES)), minor, code) for minor in credits]
    return draw(st.permutations(legs))


@given(transactions())
def test_a_compiled_chain_balances_and_does_what_its_legs_say(legs):
    check_legs(legs)
    made = chain(SUBJECT, steps(SHOP, legs, ACCOUNTS))
    assert [bool(each.flags & TransferFlags.LINKED) for each in made] == [True] * (
        len(made) - 1
    ) + [False]
    assert len({each.id for each in made}) == len(made)
    wanted = Counter()
    for leg in legs:
        wanted[leg.account, leg.currency, leg.side] += leg.amount_minor
    books = Books()
    opening = {each.id: each for one in ACCOUNTS.values() for each in chart.opening(SHOP, one)}
    assert not any(create_accounts(books, list(opening.values()), 100))
    assert not any(create_transfers(books, made, 10_000))
    for (name, code), one in ACCOUNTS.items():
        book = books.accounts[one.id]
        assert book.debits_posted == wanted[name, code, Side.DEBIT]
        assert book.credits_posted == wanted[name, code, Side.CREDIT]
    inner = {id: book for id, book in books.accounts.items() if id not in _ids()}
    assert all(book.debits_posted == book.credits_posted for book in inner.values())
    recorded = [books.transfers.at(place) for place in range(len(made))]
    told = Counter()
    for leg in legs_of(recorded, {one.id: one for one in ACCOUNTS.values()}):
        told[leg.account, leg.currency, leg.side] += leg.amount_minor
    assert told == wanted


def _ids():
    return {one.id for one in ACCOUNTS.values()}


def test_legs_of_different_accounts_take_the_fewest_transfers():
    legs = [debit("a", 10), debit("b", 5), credit("c", 8), credit("d", 7)]
    made = steps(SHOP, legs, ACCOUNTS)
    assert [int(step.amount) for step in made] == [8, 2, 5]


def test_a_chain_too_long_for_the_ledger_is_refused():
    step = Step(ACCOUNTS["a", "USD"].id, ACCOUNTS["b", "USD"].id, U128(1), 840, StepCode.MOVE)
    assert len(chain(SUBJECT, [step] * 8189)) == 8189
    with pytest.raises(LegsInvalid):
        chain(SUBJECT, [step] * 8190)


def transfer(code, debit_id=1, credit_id=2, amount=5):
    return Transfer(U128(9), debit_id, credit_id, U128(amount), 840, int(code))


ALL = 2**128 - 1


@pytest.mark.parametrize(
    ("transfers", "codes", "by_balance", "told"),
    [
        ([transfer(101)], [0], False, None),
        ([transfer(101)], [Code.EXISTS], False, None),
        ([transfer(101)] * 2, [Code.EXISTS, 1], False, None),
        ([transfer(101)] * 2, [1, Code.EXCEEDS_CREDITS], False, (Why.LOWER, 1)),
        ([transfer(101)] * 2, [Code.EXCEEDS_DEBITS, 1], False, (Why.UPPER, 2)),
        ([transfer(105, amount=ALL)], [Code.EXCEEDS_CREDITS], False, (Why.LOWER, 2)),
        ([transfer(105)], [Code.EXCEEDS_CREDITS], False, (Why.LOWER, 1)),
        ([transfer(106, amount=ALL)], [Code.EXCEEDS_DEBITS], False, (Why.UPPER, 1)),
        ([transfer(106)], [Code.EXCEEDS_DEBITS], False, (Why.UPPER, 2)),
        ([transfer(107)], [Code.EXCEEDS_CREDITS], False, (Why.INCOMPLETE, 2)),
        ([transfer(107)], [Code.ID_ALREADY_FAILED], False, (Why.OTHER, 1)),
        ([transfer(107)], [Code.EXCEEDS_CREDITS], True, (Why.CHANGED, 2)),
        ([transfer(107)], [Code.ID_ALREADY_FAILED], True, (Why.CHANGED, 1)),
        ([transfer(107)] * 2, [1, Code.EXCEEDS_CREDITS], True, (Why.INCOMPLETE, 2)),
        ([transfer(108)], [Code.EXCEEDS_DEBITS], True, (Why.CHANGED, 2)),
        ([transfer(101)], [Code.EXCEEDS_CREDITS], True, (Why.LOWER, 1)),
        ([transfer(101)], [Code.DEBIT_ACCOUNT_ALREADY_CLOSED], False, (Why.OTHER, 1)),
    ],
)
def test_what_the_ledgers_codes_say(transfers, codes, by_balance, told):
    failed = failure(transfers, codes, by_balance)
    assert (failed and (failed.why, failed.account)) == told


LIABILITY, ASSET = account("a"), account("a", kind=AccountKind.ASSET)


@pytest.mark.parametrize(
    ("why", "of", "expected"),
    [
        (Why.INCOMPLETE, None, FundsInsufficient),
        (Why.OTHER, LIABILITY, TransactionFailed),
        (Why.LOWER, None, TransactionFailed),
        (Why.LOWER, LIABILITY, FundsInsufficient),
        (Why.LOWER, ASSET, BoundExceeded),
        (Why.UPPER, LIABILITY, BoundExceeded),
        (Why.UPPER, ASSET, FundsInsufficient),
    ],
)
def test_how_a_failure_is_told(why, of, expected):
    told = refusal(Failure(why, U128(1), "exceeds_credits"), of)
    assert type(told) is expected
    assert told.facts["result"] == "exceeds_credits"
