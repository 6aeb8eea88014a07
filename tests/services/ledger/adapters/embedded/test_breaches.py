"""What must always hold in the compiled books is looked at, and a difference is told."""

from __future__ import annotations

import pytest
from tests.services.ledger.notation import PENDING, Accounts, Transfers, account, post, transfer

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from sycee.kernel.refusal import Unavailable
from sycee.runtime import metrics
from sycee.services.ledger.adapters.embedded.books import CompiledBooks, batch
from sycee.services.ledger.adapters.embedded.kernel.state import empty
from sycee.services.ledger.adapters.embedded.opening import open_embedded
from sycee.services.ledger.adapters.embedded.rows import Rows
from sycee.services.ledger.domain.entry import called


@pytest.fixture
def engine(tmp_path):
    kept = open_embedded(lambda name: tmp_path / name, "rows", lambda done, total: None)
    accounts = Accounts((account(1), account(2), account(3, ledger=2), account(4, ledger=2)))
    transfers = (
        transfer(1, 1, 2, 50, flags=PENDING),
        transfer(2, 1, 2, 2**127, flags=PENDING),
        transfer(3, 3, 4, 2**127, flags=PENDING, ledger=2),
        post(4, 1, 20),
        transfer(5, 2, 1, 3),
    )
    kept.engine.apply(1000, [called(accounts), called(Transfers(transfers))])
    yield kept.engine
    kept.journal.close()


def test_sound_books_have_none(engine):
    assert engine.breaches() == []


def test_an_unequal_balance_is_told(engine):
    engine.books.state.accounts[0, 4] += 1
    assert engine.breaches() == ["ledger 1: debits are not equal to credits"]


def test_a_pending_sum_that_no_transfer_explains_is_told(engine):
    for row, word in ((0, 2), (1, 6)):
        engine.books.state.accounts[row, word] += 1
    (found,) = engine.breaches()
    assert found == f"{2**128 + 1} are pending in accounts, {2**128} in pending transfers"


def test_books_without_room_take_no_more_and_stay_as_they_are():
    books = CompiledBooks(empty(200, 64_000, 200), Rows(lambda seq, begin, size: b"", 1 << 20))
    batches = [batch(call.kind, call.records) for call in (called(many(150)),)]
    books.apply(1, 1000, batches)
    before = books.state.counts.tolist()
    with pytest.raises(Unavailable, match="full"):
        books.apply(2, 2000, batches)
    assert books.state.counts.tolist() == before


def many(count):
    return Accounts(tuple(account(number) for number in range(1, count + 1)))


async def test_the_head_of_the_chain_is_told(tmp_path):
    kept = open_embedded(lambda name: tmp_path / name, "rows", lambda done, total: None)
    for timestamp in (1000, 2000):
        await kept.journal.append(timestamp, kept.engine.apply(timestamp, ()).body)
    assert kept.journal.head.seq == kept.engine.seq == 2
    assert b"\nsycee_ledger_head 2.0\n" in metrics.exposition()
    kept.journal.close()
