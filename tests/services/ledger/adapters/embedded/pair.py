"""The reference model and the compiled kernel, given the same entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.services.ledger.mischief import NUMBERS, Mischief
from tests.services.ledger.notation import account

from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.embedded import reading, saving
from sycee.services.ledger.adapters.embedded.books import CompiledBooks, batch, decoded
from sycee.services.ledger.adapters.embedded.engine import EmbeddedEngine
from sycee.services.ledger.adapters.embedded.kernel.state import empty
from sycee.services.ledger.adapters.embedded.rows import Rows
from sycee.services.ledger.contract import (
    Accounts,
    BalancesAt,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Transfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain import read
from sycee.services.ledger.domain.books import UNRESOLVED, Books
from sycee.services.ledger.domain.entry import Call, Entry, apply, called

STEPS_NS = (1, 5, 10**9 - 3, 10**9)
EVER = 10**6
"""More than any of these journals holds."""

Command = Accounts | Transfers


class Pair:
    """Both engines; every entry must have the same codes and the same body in each."""

    def __init__(
        self, cache_bytes: int = 10**6, room: tuple[int, int, int] = (20_000, 100_000, 20_000)
    ) -> None:
        self.model = Books()
        self.journal: list[tuple[int, bytes]] = []
        self._cache_bytes = cache_bytes
        self._room = room
        self.kernel = self.fresh()

    def fresh(self) -> CompiledBooks:
        """Books of the kernel in which nothing has happened, over the same journal."""
        return CompiledBooks(empty(*self._room), Rows(self._read, self._cache_bytes))

    def _read(self, seq: int, begin: int, size: int) -> bytes:
        return self.journal[seq - 1][1][begin : begin + size]

    def send(self, begin: int, *commands: Command) -> list[list[int]]:
        """Apply calls as one entry; their codes."""
        calls = [called(command) for command in commands]
        entry = apply(self.model, begin, calls)
        self.follow(begin, calls, entry)
        return entry.codes

    def follow(self, begin: int, calls: Sequence[Call], entry: Entry) -> None:
        """The model has applied an entry: so must the kernel."""
        seq = len(self.journal) + 1
        applied = self.kernel.apply(seq, begin, [batch(c.kind, c.records) for c in calls])
        self.journal.append((begin, entry.body))
        assert [codes.tolist() for codes in applied.codes] == entry.codes, f"entry {seq}"
        assert applied.body == entry.body, f"entry {seq}"
        assert self.kernel.timestamp >= begin

    def replayed(self) -> CompiledBooks:
        """The kernel's books, made from the journal alone."""
        books = self.fresh()
        for seq, (begin, body) in enumerate(self.journal, 1):
            assert books.apply(seq, begin, decoded(body)).body == body, f"replay of {seq}"
        return books

    def restored(self) -> CompiledBooks:
        """The kernel's books, made from a snapshot."""
        saved = saving.sections(self.kernel)
        kept = {name: memoryview(bytes(view)) for name, view in saved.items()}
        assert saving.is_readable(kept)
        books = self.fresh()
        saving.load(books, kept)
        return books

    def compare(self, draw: Random, instants: int = 40) -> None:
        """All answers are the same: of the books, of a replay, and of a snapshot."""
        for books in (self.kernel, self.replayed(), self.restored()):
            self.compare_reads(books, draw, instants)

    def compare_reads(self, books: CompiledBooks, draw: Random, instants: int) -> None:
        """These books answer everything as the model does."""
        model = self.model
        ids = (*model.accounts, U128(9_999))
        transfers = (*model.transfers.positions, U128(9_999))
        for query in (LookupAccounts(ids), LookupAccounts(())):
            assert reading.lookup_accounts(books, query) == read.lookup_accounts(model, query)
        for query in (LookupTransfers(transfers), LookupTransfers(())):
            assert reading.lookup_transfers(books, query) == read.lookup_transfers(model, query)
        for query in (TrialBalanceQuery(), TrialBalanceQuery(1), TrialBalanceQuery(77)):
            assert reading.trial_balance(books, query) == read.trial_balance(model, query)
        assert EmbeddedEngine(books, len(self.journal)).breaches() == []
        assert reading.open_total(books) == self._open_total()
        for query in _changes(draw, len(model.changes)):
            assert reading.list_changes(books, query) == read.list_changes(model, query), query
        for number in ids:
            for query in _lists(draw, number, self._instants(draw, 3)):
                assert reading.list_transfers(books, query) == read.list_transfers(model, query), (
                    query
                )
        for at in self._instants(draw, instants):
            query = BalancesAt(ids, at)
            assert reading.balances_at(books, query) == read.balances_at(model, query), query

    def _open_total(self) -> int:
        table = self.model.transfers
        return sum(
            table.at(position).amount
            for position, status in enumerate(table.statuses)
            if status == UNRESOLVED
        )

    def compare_at(self, at: int) -> None:
        """The balances of one instant are the same."""
        query = BalancesAt(tuple(self.model.accounts), at)
        assert reading.balances_at(self.kernel, query) == read.balances_at(self.model, query), query

    def _instants(self, draw: Random, count: int) -> list[int]:
        """Times at which something may have happened, and times that nobody would ask for."""
        about = [at + more for at, _ in self.journal for more in (-1, 0, 1, 3)]
        stamps = self.model.transfers
        about += [stamps.timestamp_at(place) for place in range(len(stamps))]
        about += self.model.expired_at.values()
        chosen = draw.sample(about, min(len(about), count))
        return [*chosen, -1, 0, 2**63 - 1, 2**63, 2**64, 2**70]


def _changes(draw: Random, count: int) -> list[ListChanges]:
    some = [ListChanges(draw.randint(0, count), draw.randint(0, 9)) for _ in range(4)]
    return [
        *some,
        ListChanges(0, EVER),
        ListChanges(EVER, 5),
        ListChanges(-3, 2),
        ListChanges(1, -1),
    ]


def _lists(draw: Random, number: int, instants: list[int]) -> list[ListTransfers]:
    some = [ListTransfers(number, at, draw.randint(0, 5)) for at in instants]
    return [*some, ListTransfers(number, 0, EVER), ListTransfers(number, 0, -1)]


def opening() -> Accounts:
    """Accounts to begin with, some of them limited."""
    flags = (0, 0, 2, 4, 0)
    return Accounts(tuple(account(n, flags=f) for n, f in zip(NUMBERS, flags, strict=False)))


class Walk:
    """Mischief at random, one to three calls in each entry."""

    def __init__(self, draw: Random, cache_bytes: int) -> None:
        self.draw = draw
        self.pair = Pair(cache_bytes)
        self.now = 1_000
        self.account_codes: set[int] = set()
        self.transfer_codes: set[int] = set()
        self._mischief = Mischief()
        self.send(opening())

    def send(self, *commands: Command) -> None:
        """One entry, at the next moment."""
        self.now = max(self.now, self.pair.model.timestamp + 1)
        for command, codes in zip(commands, self.pair.send(self.now, *commands), strict=True):
            seen = self.transfer_codes if isinstance(command, Transfers) else self.account_codes
            seen.update(codes)

    def step(self) -> None:
        """One entry of mischief, and some time."""
        self.send(*(self._command() for _ in range(self.draw.choice((1, 1, 2, 3)))))
        self.now += self.draw.choice(STEPS_NS)

    def go(self, steps: int, interrupt: Callable[[], None] = lambda: None) -> None:
        """So many entries; something happens in the middle."""
        for step in range(steps):
            self.step()
            if step == steps // 2:
                interrupt()

    def go_on_from_a_snapshot(self) -> None:
        """The process ends, and the next begins with its snapshot."""
        self.pair.kernel = self.pair.restored()

    def go_on_from_a_replay(self) -> None:
        """The process ends, and the next begins with the journal."""
        self.pair.kernel = self.pair.replayed()

    def _command(self) -> Command:
        draw = Random(self.draw.getrandbits(32))
        if self.draw.random() < 0.2:
            return Accounts(tuple(self._mischief.accounts(draw, self.now)))
        return Transfers(tuple(self._mischief.transfers(draw, self.now)))
