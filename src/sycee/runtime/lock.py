"""Leases with fencing tokens: who may do something alone, and proof that it still may (RE5)."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Clock, Instant, after
from sycee.kernel.refusal import Refusal
from sycee.runtime.database import Database, Session

TABLE = """
CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL CHECK (token > 0),
    until BIGINT NOT NULL
);
"""
"""What a service that hands out leases adds to its ``schema.sql``."""


class LeaseLost(Refusal, code="lease_lost", status=409):
    """Another has become the holder, or may have: what was done under this lease must stop."""


class Lease(msgspec.Struct, frozen=True):
    """The right to do ``name`` alone until ``until``.

    ``token`` grows with every change of holder. A holder that was frozen may believe in its lease
    long after it ended; so the clock only says when another may take over, and a write is refused
    by its token.
    """

    name: str
    holder: str
    token: int
    until: Instant


class Leases:
    """The lease table of one database. ``holder`` must be new for every start of a process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def acquire(self, name: str, holder: str, duration_s: float) -> Lease | None:
        """Take the lease when it is free, was released or has run out; None while another's.

        The one who holds it already has it renewed, under the same token.
        """
        now = self._clock.now()
        wish = Lease(name, holder, 1, after(now, duration_s))
        return await self._database.write(lambda session: _acquire(session, wish, now))

    async def renew(self, lease: Lease, duration_s: float) -> Lease:
        """Hold on for ``duration_s`` from now, also when it had run out and nobody came.

        Raises ``LeaseLost`` when another has held it since.
        """
        later = msgspec.structs.replace(lease, until=after(self._clock.now(), duration_s))
        await self._database.write(lambda session: _extend(session, later))
        return later

    async def release(self, lease: Lease) -> None:
        """Let others have it at once; of a lease that was lost, nothing."""
        await self._database.write(lambda session: _release(session, lease))


def check(session: Session, lease: Lease) -> None:
    """Inside a unit of work, in the database of the lease: raise ``LeaseLost`` if it was lost.

    The unit and every change of holder are ordered by the database's one writer, so that nothing
    which this unit writes can come after another's start.
    """
    row = session.row("SELECT token FROM leases WHERE name = ?", lease.name)
    if row is None or row[0] != lease.token:
        raise LeaseLost(f"{lease.name} has another holder")


def _acquire(session: Session, wish: Lease, now: Instant) -> Lease | None:
    row = session.row("SELECT holder, token, until FROM leases WHERE name = ?", wish.name)
    if row is None:
        return _write(session, wish)
    holder, token, until = row
    assert isinstance(token, int), "a token is a number"
    assert isinstance(until, int), "an instant is a number"
    if holder == wish.holder:
        return _write(session, msgspec.structs.replace(wish, token=token))
    if until > now:
        return None
    return _write(session, msgspec.structs.replace(wish, token=token + 1))


def _write(session: Session, lease: Lease) -> Lease:
    session.run(
        "INSERT INTO leases (name, holder, token, until) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token,"
        " until = excluded.until",
        lease.name,
        lease.holder,
        lease.token,
        lease.until,
    )
    return lease


def _extend(session: Session, lease: Lease) -> None:
    check(session, lease)
    session.run("UPDATE leases SET until = ? WHERE name = ?", lease.until, lease.name)


def _release(session: Session, lease: Lease) -> None:
    session.run(
        # The next token is spent, so that nothing is written any more under this one.
        "UPDATE leases SET holder = '', token = token + 1, until = 0 WHERE name = ? AND token = ?",
        lease.name,
        lease.token,
    )
