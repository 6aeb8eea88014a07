"""Transactions, their attempts and their transfers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.u128 import U128
from sycee.runtime.database import Row, Session
from sycee.services.accounting.contract import Metadata, TransactionId
from sycee.services.accounting.domain.canonical import metadata_key
from sycee.services.accounting.domain.chains import VOIDING
from sycee.services.accounting.domain.entries import Draft, Entry, Recorded, Refused, State
from sycee.services.accounting.store.bodies import (
    decoder,
    encode,
    instant_or_none,
    number,
    number_or_none,
    octets,
    places,
    sql,
    text_or_none,
)
from sycee.services.ledger.contract import Transfer, TransferId

ROWS_MAX = 100
"""Rows written, or ids searched for, by one statement."""

_chain = decoder(tuple[Transfer, ...]).decode
_recorded = decoder(Recorded).decode
_refused = decoder(Refused).decode
_arguments = msgspec.json.Decoder(dict[str, str]).decode

_SELECT = (
    "SELECT t.owner, t.id, t.digest, t.effective, m.text, t.template, t.version, t.arguments,"
    " t.attempt, t.state, t.recorded, t.body"
    " FROM transactions t JOIN metadata m ON m.key = t.metadata"
)


def begin(session: Session, draft: Draft) -> bool:
    """Keep an entry and its first chain; whether none of its id was there."""
    entry = draft.entry
    key = metadata_key(entry.metadata).encode()
    session.run(
        "INSERT INTO metadata (key, text) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        key,
        entry.metadata,
    )
    is_new = session.run(
        "INSERT INTO transactions (owner, id, digest, effective, metadata, template, version,"
        " arguments, attempt, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')"
        " ON CONFLICT (owner, id) DO NOTHING",
        entry.owner,
        entry.id,
        entry.digest,
        entry.effective,
        key,
        entry.template,
        entry.version,
        None if entry.arguments is None else msgspec.json.encode(entry.arguments).decode(),
        entry.attempt,
    )
    if is_new:
        _add_attempt(session, entry, draft.chain)
    return bool(is_new)


def begin_again(session: Session, entry: Entry, chain: Sequence[Transfer]) -> None:
    """Keep the next attempt's chain, unless somebody else was first."""
    moved = session.run(
        "UPDATE transactions SET attempt = ? WHERE owner = ? AND id = ? AND attempt = ?"
        " AND state = 'open'",
        entry.attempt + 1,
        entry.owner,
        entry.id,
        entry.attempt,
    )
    if moved:
        _add_attempt(session, msgspec.structs.replace(entry, attempt=entry.attempt + 1), chain)


def _add_attempt(session: Session, entry: Entry, chain: Sequence[Transfer]) -> None:
    session.run(
        "INSERT INTO attempts (owner, id, attempt, chain) VALUES (?, ?, ?, ?)",
        entry.owner,
        entry.id,
        entry.attempt,
        encode(chain),
    )
    ids = [transfer.id for transfer in chain if not transfer.flags & VOIDING]
    for first in range(0, len(ids), ROWS_MAX):
        some = ids[first : first + ROWS_MAX]
        session.run(
            sql(
                "INSERT INTO transfers (id, owner, transaction_id) VALUES",
                ", ".join(["(?, ?, ?)"] * len(some)),
            ),
            *(value for id in some for value in (id.encode(), entry.owner, entry.id)),
        )


def chain_of(session: Session, entry: Entry) -> tuple[Transfer, ...]:
    """What an entry's latest attempt sent."""
    row = session.row(
        "SELECT chain FROM attempts WHERE owner = ? AND id = ? AND attempt = ?",
        entry.owner,
        entry.id,
        entry.attempt,
    )
    assert row is not None, "an attempt is kept with its entry"
    return _chain(octets(row[0]))


def settle(session: Session, entry: Entry, recorded: Instant, result: Recorded) -> None:
    """The ledger has it."""
    effective = recorded if entry.effective is None else entry.effective
    session.run(
        "UPDATE transactions SET state = 'posted', recorded = ?, counts = ?, body = ?"
        " WHERE owner = ? AND id = ? AND state <> 'posted'",
        recorded,
        effective,
        encode(result),
        entry.owner,
        entry.id,
    )


def refuse(session: Session, entry: Entry, why: Refused) -> None:
    """The ledger did not take it, and never will."""
    session.run(
        "UPDATE transactions SET state = 'refused', body = ?"
        " WHERE owner = ? AND id = ? AND state = 'open' AND attempt = ?",
        encode(why),
        entry.owner,
        entry.id,
        entry.attempt,
    )


def find(session: Session, owner: str, id: TransactionId) -> Entry | None:
    """One entry."""
    row = session.row(sql(_SELECT, "WHERE t.owner = ? AND t.id = ?"), owner, id)
    return _entry(row) if row else None


def transactions_of(
    session: Session, owner: str, ids: Sequence[TransferId]
) -> dict[TransferId, TransactionId]:
    """Which of this owner's transactions these transfers belong to."""
    found: dict[TransferId, TransactionId] = {}
    for first in range(0, len(ids), ROWS_MAX):
        some = ids[first : first + ROWS_MAX]
        rows = session.rows(
            sql(
                "SELECT id, transaction_id FROM transfers WHERE owner = ? AND id IN (",
                places(len(some)),
                ")",
            ),
            owner,
            *(id.encode() for id in some),
        )
        for row in rows:
            found[TransferId(U128.decode(octets(row[0])))] = TransactionId(str(row[1]))
    return found


def by_ids(
    session: Session, owner: str, ids: Sequence[TransactionId]
) -> dict[TransactionId, Entry]:
    """These of this owner's entries."""
    found: dict[TransactionId, Entry] = {}
    for first in range(0, len(ids), ROWS_MAX):
        some = ids[first : first + ROWS_MAX]
        rows = session.rows(
            sql(_SELECT, "WHERE t.owner = ? AND t.id IN (", places(len(some)), ")"),
            owner,
            *some,
        )
        found.update((entry.id, entry) for entry in map(_entry, rows))
    return found


def open_ones(session: Session, owner: str, after: str, limit: int) -> list[Entry]:
    """The next entries that are not settled, in order of id."""
    rows = session.rows(
        sql(_SELECT, "WHERE t.owner = ? AND t.state = 'open' AND t.id > ? ORDER BY t.id LIMIT ?"),
        owner,
        after,
        limit,
    )
    return [_entry(row) for row in rows]


def open_anywhere(session: Session, after: tuple[str, str], limit: int) -> list[Entry]:
    """The next entries of any owner that are not settled, in order of owner and id."""
    rows = session.rows(
        sql(
            _SELECT,
            "WHERE t.state = 'open' AND (t.owner > ? OR (t.owner = ? AND t.id > ?))",
            "ORDER BY t.owner, t.id LIMIT ?",
        ),
        after[0],
        after[0],
        after[1],
        limit,
    )
    return [_entry(row) for row in rows]


def page(session: Session, owner: str, after: tuple[int, str], limit: int) -> list[Entry]:
    """The next posted entries in the order in which they were recorded."""
    rows = session.rows(
        sql(
            _SELECT,
            "WHERE t.owner = ? AND t.recorded IS NOT NULL",
            "AND (t.recorded > ? OR (t.recorded = ? AND t.id > ?))",
            "ORDER BY t.recorded, t.id LIMIT ?",
        ),
        owner,
        after[0],
        after[0],
        after[1],
        limit,
    )
    return [_entry(row) for row in rows]


def effective(
    session: Session, owner: str, start: Instant, end: Instant, after: tuple[int, str], limit: int
) -> list[Entry]:
    """The next posted entries that are effective in a span, in order of effect and id."""
    rows = session.rows(
        sql(
            _SELECT,
            "WHERE t.owner = ? AND t.counts >= ? AND t.counts < ?",
            "AND (t.counts > ? OR (t.counts = ? AND t.id > ?)) ORDER BY t.counts, t.id LIMIT ?",
        ),
        owner,
        start,
        end,
        after[0],
        after[0],
        after[1],
        limit,
    )
    return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    state = State(row[9])
    return Entry(
        owner=str(row[0]),
        id=TransactionId(str(row[1])),
        digest=octets(row[2]),
        effective=instant_or_none(row[3]),
        metadata=Metadata(str(row[4])),
        template=text_or_none(row[5]),
        version=number_or_none(row[6]),
        arguments=None if row[7] is None else _arguments(str(row[7])),
        attempt=number(row[8]),
        state=state,
        recorded=instant_or_none(row[10]),
        result=_result(state, row),
    )


def _result(state: State, row: Row) -> Recorded | Refused | None:
    if state is State.OPEN:
        return None
    body = octets(row[11])
    return _recorded(body) if state is State.POSTED else _refused(body)
