"""Transfers that were promised."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.runtime.database import Session
from sycee.services.accounting.contract import TransactionId
from sycee.services.accounting.domain.entries import Refused
from sycee.services.accounting.domain.promises import Promise
from sycee.services.accounting.store.bodies import decoder, encode, octets, places, sql
from sycee.services.ledger.contract import TransferId

ROWS_MAX = 100
"""Ids searched for by one statement."""

_promise = decoder(Promise).decode


def keep(session: Session, promised: Promise) -> None:
    """Keep a promise before the ledger has it; the first of its id stays."""
    session.run(
        "INSERT INTO promises (transfer, owner, id, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        promised.transfer.id.encode(),
        promised.owner,
        promised.id,
        encode(promised),
    )


def refuse(session: Session, promised: Promise, why: Refused) -> None:
    """The ledger did not take it, and never will."""
    session.run(
        "UPDATE promises SET body = ? WHERE owner = ? AND id = ?",
        encode(msgspec.structs.replace(promised, refused=why)),
        promised.owner,
        promised.id,
    )


def find(session: Session, owner: str, id: TransactionId) -> Promise | None:
    """One promise."""
    row = session.row("SELECT body FROM promises WHERE owner = ? AND id = ?", owner, id)
    return _promise(octets(row[0])) if row else None


def by_transfers(
    session: Session, owner: str, ids: Sequence[TransferId]
) -> dict[TransferId, Promise]:
    """Which of this owner's promises these transfers are."""
    found: dict[TransferId, Promise] = {}
    for first in range(0, len(ids), ROWS_MAX):
        some = ids[first : first + ROWS_MAX]
        rows = session.rows(
            sql(
                "SELECT body FROM promises WHERE owner = ? AND transfer IN (",
                places(len(some)),
                ")",
            ),
            owner,
            *(id.encode() for id in some),
        )
        for row in rows:
            promised = _promise(octets(row[0]))
            found[promised.transfer.id] = promised
    return found
