"""How far imports are."""

from __future__ import annotations

import msgspec

from sycee.runtime.database import Session
from sycee.services.accounting.contract import ImportProgress
from sycee.services.accounting.store.bodies import decoder, encode, octets


class Import(msgspec.Struct, frozen=True):
    """An import's progress, and the heading of its text where the format has one."""

    progress: ImportProgress
    heading: str = ""


_import = decoder(Import).decode


def find(session: Session, owner: str, id: str) -> Import | None:
    """One import."""
    row = session.row("SELECT body FROM imports WHERE owner = ? AND id = ?", owner, id)
    return _import(octets(row[0])) if row else None


def keep(session: Session, owner: str, known: Import) -> None:
    """Keep how far it is."""
    session.run(
        "INSERT INTO imports (owner, id, body) VALUES (?, ?, ?)"
        " ON CONFLICT (owner, id) DO UPDATE SET body = excluded.body",
        owner,
        known.progress.id,
        encode(known),
    )
