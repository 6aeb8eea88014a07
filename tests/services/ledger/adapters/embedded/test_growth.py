"""Hundreds of thousands of transfers through the kernel, and their sums by other means."""

from __future__ import annotations

from random import Random

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

import numba
import numpy as np

from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.embedded import reading
from sycee.services.ledger.adapters.embedded.books import Batch, CompiledBooks
from sycee.services.ledger.adapters.embedded.kernel.state import CHECKPOINTS, empty
from sycee.services.ledger.adapters.embedded.kernel.words import (
    AMOUNT,
    CREDIT,
    DEBIT,
    ID,
    LEDGER_CODE_FLAGS,
    RECORD,
    TIMESTAMP,
)
from sycee.services.ledger.adapters.embedded.rows import Rows
from sycee.services.ledger.contract import (
    BalancesAt,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.entry import ACCOUNTS, TRANSFERS

ACCOUNT_COUNT = 500
BATCH = 8_189
BATCHES = 40
LEDGER_AND_CODE = 1 | 1 << 32

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="uncompiled it would take an hour"
)


class Grown:
    """Books with many transfers, and the columns that they were made of."""

    def __init__(self):
        self.bodies = []
        rows = Rows(lambda seq, begin, size: self.bodies[seq - 1][begin : begin + size], 1 << 22)
        self.books = CompiledBooks(empty(10_000, 400_000, 10_000), rows)
        self.columns = []
        dice = np.random.default_rng(11)
        opened = np.zeros((ACCOUNT_COUNT, RECORD), np.uint64)
        opened[:, ID] = np.arange(1, ACCOUNT_COUNT + 1)
        opened[:, LEDGER_CODE_FLAGS] = LEDGER_AND_CODE
        self.apply(1_000, ACCOUNTS, opened)
        for batch in range(BATCHES):
            self.apply((batch + 1) * 10**6, TRANSFERS, _transfers(dice, batch))
        self.all = np.concatenate(self.columns)

    def apply(self, begin, kind, events):
        applied = self.books.apply(len(self.bodies) + 1, begin, [Batch(kind, events)])
        self.bodies.append(applied.body)
        assert not applied.codes[0].any()
        if kind == TRANSFERS:
            events[:, TIMESTAMP] = begin + 1 + np.arange(len(events))
            self.columns.append(events)

    def sums(self, until=2**63):
        """Debits and credits of each account."""
        past = self.all[self.all[:, TIMESTAMP] <= np.uint64(until)]
        return [_sums(past, side) for side in (DEBIT, CREDIT)]


def _transfers(dice, batch):
    made = np.zeros((BATCH, RECORD), np.uint64)
    made[:, ID] = dice.permutation(BATCH) + batch * BATCH + 1
    made[:, ID + 1] = made[:, ID] % 3
    debit = dice.integers(0, ACCOUNT_COUNT, BATCH)
    made[:, DEBIT] = debit + 1
    made[:, CREDIT] = (debit + dice.integers(1, ACCOUNT_COUNT, BATCH)) % ACCOUNT_COUNT + 1
    made[:, AMOUNT] = dice.integers(0, 2**64, BATCH, np.uint64)
    made[:, AMOUNT + 1] = dice.integers(0, 2**40, BATCH)
    made[:, LEDGER_CODE_FLAGS] = LEDGER_AND_CODE
    return made


def _sums(rows, side):
    """Exact sums of amounts per account, in pieces of 32 bits."""
    total = [0] * (ACCOUNT_COUNT + 1)
    accounts = rows[:, side].astype(np.int64)
    for place in range(4):
        piece = rows[:, AMOUNT + place // 2] >> np.uint64(32 * (place % 2)) & np.uint64(2**32 - 1)
        sums = np.zeros(ACCOUNT_COUNT + 1, np.uint64)
        np.add.at(sums, accounts, piece)
        total = [kept + (int(more) << 32 * place) for kept, more in zip(total, sums, strict=True)]
    return total[1:]


@pytest.fixture(scope="module")
def grown():
    return Grown()


IDS = tuple(map(U128, range(1, ACCOUNT_COUNT + 1)))


def test_every_balance_is_the_sum_of_its_transfers(grown):
    """MS3."""
    assert len(grown.all) > 300_000
    debits, credits_ = grown.sums()
    found = reading.lookup_accounts(grown.books, LookupAccounts(IDS)).accounts
    assert [account.debits_posted for account in found] == debits
    assert [account.credits_posted for account in found] == credits_
    line = reading.trial_balance(grown.books, TrialBalanceQuery()).lines[0]
    assert line.debits_posted == line.credits_posted == sum(debits)


def test_balances_of_the_past_are_sums_too(grown):
    assert grown.books.state.counts[CHECKPOINTS] > ACCOUNT_COUNT
    draw = Random(2)
    for _ in range(6):
        at = draw.randrange(10**6, (BATCHES + 2) * 10**6)
        if draw.random() < 0.7:
            at = at // 10**6 * 10**6 + draw.randrange(BATCH)
        debits, credits_ = grown.sums(at)
        chosen = draw.sample(range(ACCOUNT_COUNT), 20)
        query = BalancesAt(tuple(IDS[n] for n in chosen), at)
        found = reading.balances_at(grown.books, query).accounts
        assert [account.debits_posted for account in found] == [debits[n] for n in chosen]
        assert [account.credits_posted for account in found] == [credits_[n] for n in chosen]


def test_every_transfer_is_found_by_its_id(grown):
    for begin in range(0, len(grown.all), 5_000):
        some = grown.all[begin : begin + 50]
        ids = tuple(U128(int(row[ID]) | int(row[ID + 1]) << 64) for row in some)
        found = reading.lookup_transfers(grown.books, LookupTransfers(ids)).transfers
        assert [t.id for t in found] == list(ids)
        assert [t.timestamp for t in found] == some[:, TIMESTAMP].tolist()


def test_an_accounts_transfers_are_all_listed(grown):
    draw = Random(3)
    for _ in range(10):
        account, after = draw.randint(1, ACCOUNT_COUNT), draw.randrange(BATCHES * 10**6)
        is_mine = (grown.all[:, DEBIT] == account) | (grown.all[:, CREDIT] == account)
        expected = grown.all[is_mine & (grown.all[:, TIMESTAMP] > np.uint64(after)), TIMESTAMP]
        found = reading.list_transfers(grown.books, ListTransfers(U128(account), after, 5_000))
        assert [t.timestamp for t in found.transfers] == expected.tolist()
