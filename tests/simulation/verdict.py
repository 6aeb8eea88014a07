"""What a simulated ledger said, held against its journal and against the second model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tests.services.ledger import second_model

from sycee.services.ledger.contract import Account, LookupAccounts, LookupTransfers, Transfers
from sycee.services.ledger.domain import proof, read
from sycee.services.ledger.domain.entry import decode_entry, layout
from sycee.services.ledger.domain.journal import BEGINNING, Batch, Replay


class Answer(NamedTuple):
    """What a client was told of a call."""

    ids: tuple[int, ...]
    codes: tuple[int, ...]
    timestamp: int


class Seen(NamedTuple):
    """What a reader saw, and between which batches."""

    since: int
    until: int
    accounts: tuple[Account, ...]


class Doubter:
    """Believes the journal only, as far as it has found it after a restart."""

    def __init__(self) -> None:
        self.head = BEGINNING
        self.answers = 0
        self.codes: set[str] = set()
        self._batches: list[Batch] = []
        self._replay = Replay()
        self._states = [second_model.State()]
        """By the second model, after each batch."""
        self._recorded: dict[int, Answer] = {}
        self._ids: set[int] = set()
        self._told: list[Answer] = []
        self._seen: list[Seen] = []

    def told(self, answer: Answer) -> None:
        """A client got an answer."""
        self.answers += 1
        if answer.ids:
            self._told.append(answer)

    def saw(self, seen: Seen) -> None:
        """A reader got an answer."""
        self._seen.append(seen)

    def take_in(self, found: Iterable[Batch]) -> None:
        """A process has started: judge by what it found of the one before."""
        batches = list(found)
        known = len(self._batches)
        assert batches[:known] == self._batches, "MS1: what was found before is not there any more"
        for batch in batches[known:]:
            self._follow(batch)
        self._batches = batches
        for answer in self._told:
            assert self._recorded.get(answer.timestamp) == answer, f"MS1: {answer} is not there"
        for seen in self._seen:
            assert self._was_so(seen), f"MS3: nobody may have seen {seen}"
        self._told.clear()
        self._seen.clear()

    def compare_prefix(self, found: Iterable[Batch]) -> None:
        """A disk was damaged and nobody noticed: then nothing may be missing."""
        batches = list(found)
        assert batches[: len(self._batches)] == self._batches, "damage went unnoticed"

    def conclude(self) -> None:
        """At the end: the books are proven, and are the second model's to the last balance."""
        books, state = self._replay.books, self._states[-1]
        assert list(proof.findings(books)) == []
        accounts = read.lookup_accounts(books, LookupAccounts(tuple(state.accounts))).accounts
        assert len(accounts) == len(books.accounts) == len(state.accounts)
        assert all(_is_as_in(state, found) for found in accounts)
        transfers = read.lookup_transfers(books, LookupTransfers(tuple(state.transfers)))
        assert transfers.transfers == tuple(state.transfers.values())
        assert len(books.transfers) == len(state.transfers)

    def _follow(self, batch: Batch) -> None:
        """One more batch, by both models."""
        self._replay.take(batch)
        parts = layout(batch.body)
        state, expired = self._states[-1].expired(batch.timestamp)
        assert expired == parts.expired
        timestamp, first = batch.timestamp + expired, 0
        for call in decode_entry(batch.body):
            is_of_transfers = isinstance(call.command, Transfers)
            events = call.command.transfers if is_of_transfers else call.command.accounts
            if not events:
                continue
            codes = tuple(parts.codes[first : first + len(events)])
            first += len(events)
            state, expected = second_model.call(state, list(events), timestamp)
            assert codes == tuple(expected), f"batch {batch.seq}: the models disagree"
            self.codes |= {code.name for code in expected}
            timestamp += len(events)
            ids = tuple(event.id for event in events)
            self._recorded[timestamp] = Answer(ids, codes, timestamp)
            if is_of_transfers:
                self._once({i for i, code in zip(ids, codes, strict=True) if not code})
        self._states.append(state)
        self.head = batch

    def _once(self, ids: set[int]) -> None:
        assert not ids & self._ids, "MS2: an id was recorded twice"
        self._ids |= ids

    def _was_so(self, seen: Seen) -> bool:
        return any(
            all(_is_as_in(state, found) for found in seen.accounts)
            for state in self._states[seen.since : seen.until + 1]
        )


def _is_as_in(state: second_model.State, found: Account) -> bool:
    """Whether an account is in this state what was found of it."""
    if found.id not in state.accounts:
        return False
    kept = state.balances(found.id)
    return (
        (kept["dp"], kept["dd"]) == (found.debits_pending, found.debits_posted)
        and (kept["cp"], kept["cc"]) == (found.credits_pending, found.credits_posted)
        and found.flags == state.flags(found.id)
    )
