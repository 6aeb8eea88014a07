"""The change feed: accounts as they were opened, and change events, merged by their time."""

from __future__ import annotations

import asyncio

from sycee.services.ledger.adapters.tigerbeetle.messages import EVENTS_MAX, Event, Kind
from sycee.services.ledger.adapters.tigerbeetle.past import as_opened
from sycee.services.ledger.adapters.tigerbeetle.reads import Reads
from sycee.services.ledger.contract import Account, Change, ChangeKind, Changes, ListChanges
from sycee.services.ledger.domain.bits import TIMESTAMP_MAX


async def list_changes(reads: Reads, query: ListChanges) -> Changes:
    """What follows a nanosecond: here a change's sequence number is its timestamp."""
    found: list[Change] = []
    after = max(query.after, 0)
    while len(found) < query.limit and after < TIMESTAMP_MAX:
        some = await _following(reads, after, min(query.limit - len(found), EVENTS_MAX))
        if not some:
            break
        found += some
        after = some[-1].sequence
    return Changes(tuple(found))


async def _following(reads: Reads, after: int, limit: int) -> list[Change]:
    """Some changes; the next is none only when nothing more has happened."""
    accounts, events = await asyncio.gather(
        reads.opened(after + 1, limit=limit), reads.events(after + 1, limit=limit)
    )
    # The two were read one after the other: what came between is known of one kind only.
    horizon = min(accounts.read_at, events.read_at)
    opened = [one for one in accounts.accounts if one.timestamp <= horizon]
    happened = [one for one in events.events if one.timestamp <= horizon]
    merged: list[Account | Event] = [*opened, *happened]
    merged.sort(key=lambda each: each.timestamp)
    return [
        _recorded(each) if isinstance(each, Event) else await _opened(reads, each)
        for each in merged[:limit]
    ]


async def _opened(reads: Reads, now: Account) -> Change:
    account = await as_opened(reads, now)
    return Change(now.timestamp, ChangeKind.ACCOUNT_OPENED, now.timestamp, account=account)


def _recorded(event: Event) -> Change:
    kind = (
        ChangeKind.TRANSFER_EXPIRED if event.kind == Kind.EXPIRED else ChangeKind.TRANSFER_RECORDED
    )
    return Change(event.timestamp, kind, event.timestamp, transfer=event.transfer)
