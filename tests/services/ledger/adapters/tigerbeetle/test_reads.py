"""Sums and past balances that take many requests, while others go on writing."""

from __future__ import annotations

from random import Random

import pytest
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.tigerbeetle.double import Cluster
from tests.services.ledger.adapters.tigerbeetle.engines import over
from tests.services.ledger.notation import (
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    IMPORTED,
    PENDING,
    SECOND,
    account,
    changed,
    post,
    transfer,
    void,
)
from tests.services.ledger.test_move import Later, mischievous, quietly

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.tigerbeetle import changes, past, sums
from sycee.services.ledger.adapters.tigerbeetle.messages import (
    RECORDS_MAX,
    Operation,
    UnknownAnswer,
    codes,
)
from sycee.services.ledger.contract import (
    AccountFlags,
    Accounts,
    BalancesAt,
    ListChanges,
    Transfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.record import encode_accounts, encode_transfers
from sycee.services.ledger.jobs.move import move

CLOSED = AccountFlags.CLOSED
HISTORY = AccountFlags.HISTORY


@pytest.fixture
def cluster():
    return Cluster(FakeClock())


@pytest.fixture
async def ledger(cluster):
    engine = over(cluster.open)
    yield engine
    await engine.close()


async def opened(ledger, *accounts):
    assert set((await ledger.create_accounts(Accounts(accounts))).codes) == {0}


async def send(ledger, *transfers):
    """Record transfers; when the last was."""
    answer = await ledger.create_transfers(Transfers(transfers))
    assert set(answer.codes) <= {0}
    return answer.timestamp


async def at(ledger, timestamp, *numbers):
    """Debits and credits pending and posted, and whether closed, at an instant."""
    query = BalancesAt(tuple(U128(number) for number in numbers), timestamp)
    return [
        (
            int(one.debits_pending),
            int(one.debits_posted),
            int(one.credits_pending),
            int(one.credits_posted),
            bool(one.flags & CLOSED),
        )
        for one in (await ledger.balances_at(query)).accounts
    ]


class Others:
    """Write between the reads of a scan, and know what the books are at each instant."""

    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.draw = Random(seed)
        self.number = 10**6
        self.opened = 20_000
        self.pending = []
        self.snapshots = []

    def write(self, operation):
        if operation not in (Operation.QUERY_ACCOUNTS, Operation.GET_CHANGE_EVENTS):
            return
        events = [self.event() for _ in range(self.draw.randint(1, 40))]
        self.cluster.create(Operation.CREATE_TRANSFERS, encode_transfers(events))
        self.opened += 1
        another = encode_accounts((account(self.opened, ledger=self.draw.choice((1, 2))),))
        self.cluster.create(Operation.CREATE_ACCOUNTS, another)
        self.cluster.clock.instant += SECOND + 12_345
        self.cluster._pulse()
        query = TrialBalanceQuery()
        self.snapshots.append(read.trial_balance(self.cluster.books, query))

    def event(self):
        self.number += 1
        if self.pending and self.draw.random() < 0.4:
            number, amount = self.pending.pop(self.draw.randrange(len(self.pending)))
            some = self.draw.randint(0, amount)
            return self.draw.choice((post(self.number, number, some), void(self.number, number)))
        debit, credit = self.draw.sample(range(1, 18_000), 2)
        amount = self.draw.randint(1, 99)
        way = self.draw.random()
        if way < 0.3:
            return transfer(self.number, debit, credit, amount)
        if way < 0.6:
            return transfer(self.number, debit, credit, amount, flags=PENDING, timeout_s=2)
        self.pending.append((self.number, amount))
        return transfer(self.number, debit, credit, amount, flags=PENDING)


@pytest.mark.parametrize("seed", range(3))
async def test_a_trial_balance_of_many_pages_is_of_one_instant(cluster, ledger, seed, monkeypatch):
    monkeypatch.setattr(sums, "EVENTS_MAX", 2730)
    for begin in range(1, 18_000, RECORDS_MAX):
        many = (account(n) for n in range(begin, min(begin + RECORDS_MAX, 18_000)))
        await opened(ledger, *many)
    others = Others(cluster, seed)
    cluster.before_read = others.write
    found = await ledger.trial_balance(TrialBalanceQuery())
    assert found in others.snapshots
    only = await ledger.trial_balance(TrialBalanceQuery(2))
    assert only.lines in [
        tuple(line for line in each.lines if line.ledger == 2) for each in others.snapshots
    ]


async def test_a_ledger_number_that_cannot_be_has_no_line(ledger):
    await opened(ledger, account(1))
    for number in (0, -1, 2**32, 9):
        assert (await ledger.trial_balance(TrialBalanceQuery(number))).lines == ()


async def test_books_that_are_imported_meanwhile_are_asked_again(cluster, ledger, monkeypatch):
    early = cluster.clock.instant
    cluster.clock.pass_s(60)
    many = [
        changed(account(n, flags=AccountFlags.IMPORTED), timestamp=early + n)
        for n in range(1, 8192)
    ]
    await opened(ledger, *many[:8189])
    await opened(ledger, *many[8189:])
    number = [0]

    def imports(operation):
        if operation == Operation.QUERY_ACCOUNTS:
            number[0] += 1
            stamp = early + 10_000 + number[0]
            one = transfer(number[0], 1, 8191, 5, flags=IMPORTED, timestamp=stamp)
            cluster.create(Operation.CREATE_TRANSFERS, encode_transfers((one,)))

    cluster.before_read = imports
    with pytest.raises(Unavailable, match="being imported"):
        await ledger.trial_balance(TrialBalanceQuery())
    assert number[0] == 2 * sums.TRIES
    cluster.before_read = None
    (line,) = (await ledger.trial_balance(TrialBalanceQuery())).lines
    assert line.debits_posted == line.credits_posted == 5 * number[0]


@pytest.mark.parametrize("flags", [0, HISTORY])
async def test_an_expiry_counts_from_its_own_nanosecond(cluster, ledger, flags):
    await opened(ledger, account(1, flags=flags), account(2, flags=flags), account(3), account(4))
    pending = await send(ledger, transfer(10, 1, 2, 5, flags=PENDING, timeout_s=2))
    cluster.clock.pass_s(5)
    elsewhere = await send(ledger, transfer(11, 3, 4, 1))
    expired = cluster.books.expired_at[0]
    assert pending < expired < elsewhere
    for instant, wanted in ((pending, 5), (expired - 1, 5), (expired, 0), (elsewhere, 0)):
        assert await at(ledger, instant, 1, 2) == [
            (wanted, 0, 0, 0, False),
            (0, 0, wanted, 0, False),
        ]
    assert await at(ledger, pending - 1, 1) == [(0, 0, 0, 0, False)]


async def test_what_happened_since_hides_no_expiry(cluster, ledger):
    await opened(ledger, *(account(n) for n in range(1, 5)))
    reserved = await send(
        ledger,
        transfer(10, 1, 2, 5, flags=PENDING, timeout_s=2),
        transfer(11, 1, 2, 7, flags=PENDING),
        transfer(12, 2, 1, 9, flags=PENDING, timeout_s=99),
    )
    cluster.clock.pass_s(5)
    quiet = await send(ledger, transfer(13, 3, 4, 1))
    posted = await send(ledger, post(14, 11, 3))
    voided = await send(ledger, void(15, 12))
    again = await send(ledger, transfer(16, 1, 2, 5, flags=PENDING))
    await send(ledger, transfer(17, 1, 2, 1))
    assert await at(ledger, reserved, 1) == [(12, 0, 9, 0, False)]
    assert await at(ledger, quiet, 1) == [(7, 0, 9, 0, False)]
    assert await at(ledger, posted, 1) == [(0, 3, 9, 0, False)]
    assert await at(ledger, voided, 1) == [(0, 3, 0, 0, False)]
    assert await at(ledger, again, 1, 2) == [(5, 3, 0, 0, False), (0, 0, 5, 3, False)]


async def test_closed_accounts_are_closed_when_they_were(cluster, ledger):
    await opened(ledger, account(1), account(2), account(3, flags=CLOSED), account(4), account(5))
    before = cluster.books.timestamp
    closed = await send(ledger, transfer(10, 1, 2, 0, flags=PENDING | CLOSING_DEBIT, timeout_s=2))
    cluster.clock.pass_s(5)
    open_ = await send(ledger, transfer(11, 4, 5, 1))
    both = PENDING | CLOSING_DEBIT | CLOSING_CREDIT
    again = await send(ledger, transfer(12, 1, 2, 0, flags=both))
    ended = await send(ledger, void(13, 12))
    for instant, wanted in (
        (before, [False, False, True]),
        (closed, [True, False, True]),
        (open_, [False, False, True]),
        (again, [True, True, True]),
        (ended, [False, False, True]),
    ):
        assert [each[-1] for each in await at(ledger, instant, 1, 2, 3)] == wanted
    feed = (await ledger.list_changes(ListChanges(0, 5))).changes
    assert [bool(change.account.flags & CLOSED) for change in feed] == [False, False, True] + [
        False
    ] * 2


async def test_an_old_reservation_is_found_behind_many_pages(cluster, ledger, monkeypatch):
    monkeypatch.setattr(past, "RECORDS_MAX", 3)
    original = ledger._reads.transfers_of

    async def small(number, first=1, last=2**63 - 1, limit=3, latest=False):
        return await original(number, first, last, min(limit, 3), latest)

    monkeypatch.setattr(ledger._reads, "transfers_of", small)
    await opened(ledger, *(account(n) for n in range(1, 5)))
    await send(ledger, transfer(9, 1, 2, 6, flags=PENDING, timeout_s=1000))
    await send(ledger, transfer(10, 1, 2, 5, flags=PENDING, timeout_s=50))
    for number in range(11, 25):
        cluster.clock.pass_s(1)
        last = await send(ledger, transfer(number, 1, 2, 1))
    cluster.clock.pass_s(60)
    later = await send(ledger, transfer(30, 3, 4, 1))
    assert await at(ledger, last, 1) == [(11, 14, 0, 0, False)]
    assert await at(ledger, later - 1, 1) == [(6, 14, 0, 0, False)]


async def test_the_feed_shows_nothing_of_which_more_may_come(cluster, ledger):
    """An account that was opened between the two reads waits for the next page."""
    await opened(ledger, account(1), account(2))

    def meanwhile(operation):
        cluster.before_read = None
        one = encode_transfers((transfer(10, 1, 2, 1),))
        cluster.create(Operation.CREATE_TRANSFERS, one)
        cluster.create(Operation.CREATE_ACCOUNTS, encode_accounts((account(3),)))

    seen, after = [], 0
    while True:
        cluster.before_read = meanwhile if not seen else None
        page = (await ledger.list_changes(ListChanges(after, 2))).changes
        if not page:
            break
        seen += page
        after = page[-1].sequence
    assert [(one.account or one.transfer).id for one in seen] == [1, 2, 10, 3]
    stamps = [one.timestamp for one in seen]
    assert stamps == sorted(stamps) == [one.sequence for one in seen]


async def test_a_long_feed_comes_in_pages(cluster, ledger, monkeypatch):
    monkeypatch.setattr(changes, "EVENTS_MAX", 10)
    await opened(ledger, account(1), account(2))
    await send(ledger, *(transfer(n, 1, 2, 1) for n in range(10, 60)))
    feed = (await ledger.list_changes(ListChanges(0, 45))).changes
    assert len(feed) == 45
    assert (await ledger.list_changes(ListChanges(0, 0))).changes == ()
    assert (await ledger.list_changes(ListChanges(2**63, 9))).changes == ()


@pytest.mark.parametrize("seed", range(4))
async def test_books_are_moved_into_a_cluster(seed):
    source = mischievous(seed)
    cluster = Cluster(Later(source.clock))
    engine = over(cluster.open)
    assert (await move(source, engine, source.clock, quietly)).findings == ()
    await engine.close()


async def test_an_import_stands_in_the_feed_where_it_claims_to_be(cluster, ledger):
    """A known difference: who has read on sees no import of the time before."""
    early = cluster.clock.instant
    await opened(ledger, account(1), account(2))
    cluster.clock.pass_s(60)
    await opened(ledger, account(3))
    cursor = (await ledger.list_changes(ListChanges())).changes[-1].sequence
    await send(ledger, transfer(10, 1, 2, 5, flags=IMPORTED, timestamp=early + SECOND))
    assert (await ledger.list_changes(ListChanges(cursor))).changes == ()
    kinds = [
        change.account is None for change in (await ledger.list_changes(ListChanges())).changes
    ]
    assert kinds == [False, False, True, False]


def test_a_status_that_is_not_known_is_no_code():
    result = (5).to_bytes(8, "little") + (300).to_bytes(4, "little") + bytes(4)
    with pytest.raises(UnknownAnswer):
        codes(result)
