"""Moving books: everything arrives with its id and time, and the proof would find what did not."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace
from tests.services.floor import FakeClock
from tests.services.ledger.mischief import Mischief
from tests.services.ledger.notation import (
    CLOSING_DEBIT,
    LINKED,
    PENDING,
    account,
    changed,
    post,
    transfer,
)

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    BATCH_MAX,
    AccountFlags,
    AccountResults,
    Accounts,
    Changes,
    CreateTransferResult,
    ListChanges,
    LookupAccounts,
    LookupTransfers,
    TransferFlags,
    TransferResults,
    Transfers,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.entry import apply, called
from sycee.services.ledger.jobs.move import MoveRefused, move
from sycee.services.ledger.service import ReplayedLedger

IMPORTED_ACCOUNT = int(AccountFlags.IMPORTED)
ORDINARY = int(TransferFlags.IMPORTED)


class Reference(ReplayedLedger):
    """The model with a clock, to be written too."""

    def __init__(self, clock=None):
        self.books = Books()
        self.clock = clock or FakeClock()
        super().__init__(ReferenceEngine(self.books))

    async def create_accounts(self, command):
        return AccountResults(tuple(self.do(command)))

    async def create_transfers(self, command):
        return TransferResults(tuple(self.do(command)), self.books.timestamp)

    def do(self, command):
        begin = max(self.clock.now(), self.books.timestamp + 1)
        return apply(self.books, begin, [called(command)]).codes[0]

    def open(self, *accounts):
        assert set(self.do(Accounts(accounts))) == {0}

    def send(self, *transfers):
        assert set(self.do(Transfers(transfers))) <= {0}


class Later:
    """The same clock, seen a millisecond later: a target is written after its source."""

    def __init__(self, clock):
        self._clock = clock

    def now(self):
        return self._clock.now() + 1_000_000


def target_of(source):
    return Reference(Later(source.clock))


def quietly(done, total):
    assert 0 < done <= total


def mischievous(seed, steps=120, begin=None):
    """Books after a walk of mischief; a second or so passes at every step."""
    source, draw, mischief = Reference(), Random(seed), Mischief()
    source.clock.instant = begin or source.clock.instant
    source.open(*(account(n, flags=(0, 0, 2, 4, 8)[n - 1]) for n in range(1, 6)))
    for _ in range(steps):
        make = draw.choice((mischief.accounts, *[mischief.transfers] * 3))
        events = make(draw, source.clock.instant)
        is_accounts = make == mischief.accounts
        source.do(Accounts(tuple(events)) if is_accounts else Transfers(tuple(events)))
        source.clock.instant += draw.choice((1, 10**9, 3 * 10**9))
    source.send()
    return source


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_in_the_books_arrives(seed):
    source = mischievous(seed)
    target = target_of(source)
    moved = await move(source, target, source.clock, quietly)
    assert moved.findings == ()
    assert (moved.accounts, moved.transfers) == (
        len(source.books.accounts),
        len(source.books.transfers),
    )
    assert moved.expiries == len(source.books.expired_at)
    assert len(target.books.transfers) == moved.transfers + moved.expiries


async def test_transfers_keep_their_id_and_time_and_all_that_they_say():
    source = Reference()
    source.open(account(1, flags=AccountFlags.HISTORY, user_data_64=7), account(2))
    source.send(
        transfer(10, 1, 2, 5, flags=LINKED, user_data_128=9),
        transfer(11, 2, 1, 6),
        transfer(12, 1, 2, 7, flags=PENDING),
        post(13, 12, 3),
    )
    target = target_of(source)
    assert (await move(source, target, source.clock, quietly)).findings == ()
    ids = LookupTransfers(tuple(U128(n) for n in range(10, 14)))
    before = read.lookup_transfers(source.books, ids).transfers
    after = read.lookup_transfers(target.books, ids).transfers
    assert after == tuple(replace(each, flags=each.flags | ORDINARY) for each in before)
    opened = read.lookup_accounts(target.books, LookupAccounts((U128(1), U128(2)))).accounts
    kept = read.lookup_accounts(source.books, LookupAccounts((U128(1), U128(2)))).accounts
    assert opened == tuple(replace(each, flags=each.flags | IMPORTED_ACCOUNT) for each in kept)


async def test_after_a_move_old_calls_are_known_but_not_the_same():
    """Known differences: the flag says imported; an id that failed may come again."""
    source = Reference()
    source.open(account(1), account(2))
    source.send(transfer(10, 1, 2, 5))
    failed = transfer(11, 1, 9, 5)
    assert source.do(Transfers((failed,))) == [CreateTransferResult.CREDIT_ACCOUNT_NOT_FOUND]
    target = target_of(source)
    await move(source, target, source.clock, quietly)
    again = target.do(Transfers((transfer(10, 1, 2, 5), failed)))
    assert again == [
        CreateTransferResult.EXISTS_WITH_DIFFERENT_FLAGS,
        CreateTransferResult.CREDIT_ACCOUNT_NOT_FOUND,
    ]
    assert source.do(Transfers((failed,))) == [CreateTransferResult.ID_ALREADY_FAILED]


async def test_what_is_pending_with_a_timeout_still_ends_in_time():
    source = Reference()
    source.open(account(1), account(2))
    source.send(
        transfer(9, 1, 2, 1, flags=LINKED),
        transfer(10, 1, 2, 5, flags=PENDING, timeout_s=60),
    )
    source.clock.pass_s(20.5)
    target = target_of(source)
    moved = await move(source, target, source.clock, quietly)
    assert (moved.renewed, moved.findings) == (1, ())
    source.clock.pass_s(39)
    target.send()
    assert target.books.accounts[1].debits_pending == 5
    source.clock.pass_s(1.5)
    target.send()
    assert target.books.accounts[1].debits_pending == 0


async def test_an_expiry_that_opened_an_account_again_is_moved():
    source = Reference()
    source.open(account(1), account(2))
    source.send(transfer(10, 1, 2, 5, flags=PENDING | CLOSING_DEBIT, timeout_s=1))
    source.clock.pass_s(2)
    source.send(transfer(11, 1, 2, 1))
    target = target_of(source)
    moved = await move(source, target, source.clock, quietly)
    assert (moved.expiries, moved.renewed, moved.findings) == (1, 0, ())


async def test_moving_again_changes_nothing():
    source = mischievous(3)
    source.open(account(51), account(52))
    source.send(transfer(900, 51, 52, 5, flags=PENDING, timeout_s=600))
    target = target_of(source)
    first = await move(source, target, source.clock, quietly)
    changes = len(target.books.changes)
    source.clock.pass_s(5)
    assert await move(source, target, source.clock, quietly) == first
    assert len(target.books.changes) == changes


async def test_chains_and_batches_are_never_cut():
    source = Reference()
    source.open(account(1), account(2))
    many = [transfer(n, 1, 2, 1) for n in range(10, 10 + BATCH_MAX - 3)]
    source.send(*many)
    chain = [transfer(n, 1, 2, 1, flags=LINKED) for n in range(20_000, 20_500)]
    source.send(*chain, transfer(20_500, 1, 2, 1))
    target = target_of(source)
    assert (await move(source, target, source.clock, quietly)).findings == ()


class Forgetful(Reference):
    """Says that it recorded what it did not."""

    async def create_transfers(self, command):
        kept = tuple(each for each in command.transfers if each.id != 11)
        codes = self.do(Transfers(kept))
        return TransferResults((*codes, 0), self.books.timestamp)


async def test_the_proof_finds_what_did_not_arrive():
    source = Reference()
    source.open(account(1), account(2))
    source.send(transfer(10, 1, 2, 5), transfer(11, 1, 2, 6))
    moved = await move(source, Forgetful(Later(source.clock)), source.clock, quietly)
    assert [finding.row for finding in moved.findings] == ["ledger 1", "account 1", "account 2"]


async def test_books_with_something_else_in_them_are_refused():
    source = Reference()
    source.open(account(1), account(2))
    source.send(transfer(10, 1, 2, 5))
    target = target_of(source)
    source.clock.pass_s(1)
    target.open(account(7), account(8))
    target.send(transfer(99, 7, 8, 1))
    with pytest.raises(MoveRefused, match="must_not_regress to account 1"):
        await move(source, target, source.clock, quietly)


class Busy(Reference):
    """Goes on being written while it is read."""

    async def list_changes(self, query: ListChanges) -> Changes:
        found = await super().list_changes(query)
        if not found.changes:
            self.send(changed(transfer(0, 1, 2, 1), id=500 + len(self.books.transfers)))
        return found


async def test_books_that_go_on_being_written_are_refused():
    source = Busy()
    source.open(account(1), account(2))
    with pytest.raises(MoveRefused, match="went on being written"):
        await move(source, target_of(source), source.clock, lambda done, total: None)


async def test_a_target_that_is_away_is_unavailable():
    source = Reference()
    source.open(account(1))
    with pytest.raises(Unavailable):
        await move(source, ReplayedLedger(ReferenceEngine(Books())), source.clock, quietly)
