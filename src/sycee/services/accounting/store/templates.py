"""Templates, every version."""

from __future__ import annotations

from sycee.runtime.database import Session
from sycee.services.accounting.contract import Template
from sycee.services.accounting.store.bodies import decoder, encode, octets

_template = decoder(Template).decode


def add(session: Session, owner: str, digest: bytes, template: Template) -> None:
    """Keep a version; the one that exists wins."""
    session.run(
        "INSERT INTO templates (owner, name, version, digest, body) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (owner, name, version) DO NOTHING",
        owner,
        template.name,
        template.version,
        digest,
        encode(template),
    )


def find(
    session: Session, owner: str, name: str, version: int | None
) -> tuple[Template, bytes] | None:
    """A version, or the newest; and the digest of its contents."""
    row = session.row(
        "SELECT body, digest FROM templates WHERE owner = ? AND name = ? AND version = COALESCE("
        "CAST(? AS BIGINT), (SELECT MAX(version) FROM templates WHERE owner = ? AND name = ?))",
        owner,
        name,
        version,
        owner,
        name,
    )
    return (_template(octets(row[0])), octets(row[1])) if row else None


def page(session: Session, owner: str, after: tuple[str, int], limit: int) -> list[Template]:
    """The next versions in order of name and version."""
    rows = session.rows(
        "SELECT body FROM templates WHERE owner = ?"
        " AND (name > ? OR (name = ? AND version > ?)) ORDER BY name, version LIMIT ?",
        owner,
        after[0],
        after[0],
        after[1],
        limit,
    )
    return [_template(octets(row[0])) for row in rows]
