"""What can happen to a journal in a database: a second writer, damage, a proof while it runs."""

from __future__ import annotations

import asyncio

import pytest
from tests.services.ledger.hosts import ReferenceHost
from tests.services.ledger.notation import OK, transfer
from tests.services.ledger.test_service import ALL_LEDGERS, BOTH, OPENING, send

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.runtime import metrics
from sycee.runtime.database.calls import StatementFailed
from sycee.services.ledger import jobs
from sycee.services.ledger.contract import ListTransfers, LookupTransfers, Transfers
from sycee.services.ledger.domain.books import Books
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.domain.journal import BEGINNING
from sycee.services.ledger.service import LedgerService
from sycee.services.ledger.store import DatabaseJournal


@pytest.fixture
def host(tmp_path):
    return ReferenceHost(tmp_path)


@pytest.fixture
async def ledger(host):
    service = await host.open()
    await service.create_accounts(OPENING)
    return service


async def test_a_fault_in_a_write_stops_the_ledger_too(host, ledger):
    """MS7: a second writer took the place of the next batch."""
    other = await host.restarted()
    assert (await send(other, transfer(1, 3, 1, 5))).codes == (OK,)
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    with pytest.raises(Unavailable):
        await send(ledger, transfer(1, 3, 1, 7))
    with pytest.raises(Unavailable):
        await ledger.lookup_accounts(BOTH)
    assert (await host.restarted()) is not None


def flip(connection):
    body = bytearray(connection.execute("SELECT body FROM log WHERE seq = 2").fetchone()[0])
    body[-20] ^= 1
    connection.execute("UPDATE log SET body = ? WHERE seq = 2", (bytes(body),))


def drop(connection):
    connection.execute("DELETE FROM log WHERE seq = 2")


def swap(connection):
    connection.execute("UPDATE log SET seq = 99 WHERE seq = 2")
    connection.execute("UPDATE log SET seq = 2 WHERE seq = 3")
    connection.execute("UPDATE log SET seq = 3 WHERE seq = 99")


@pytest.mark.parametrize("damage", [flip, drop, swap])
async def test_the_ledger_refuses_to_start_on_a_damaged_journal(host, ledger, damage):
    for number in range(1, 4):
        await send(ledger, transfer(number, 3, 1, 5))
    damage(host.databases["ledger"].connection)
    with pytest.raises(JournalDamaged, match="batch 2"):
        await host.restarted()
    audit = await jobs.verify(host.databases["ledger"], lambda done, total: None)
    assert [finding.row for finding in audit.findings] == ["log 2"]
    assert audit.ledger is None


async def test_verify_proves_the_books_of_a_running_ledger(host, ledger):
    """MS3."""
    for number in range(1, 70):
        await send(ledger, transfer(number, 3, 1, 5))
    seen = []
    audit = await jobs.verify(
        host.databases["ledger"], lambda done, total: seen.append((done, total))
    )
    assert audit.findings == ()
    assert (audit.batches, audit.accounts, audit.transfers) == (70, 3, 69)
    assert seen == [(32, 70), (64, 70), (70, 70)]
    assert audit.ledger is not None
    assert await audit.ledger.lookup_accounts(BOTH) == await ledger.lookup_accounts(BOTH)
    assert await audit.ledger.trial_balance(ALL_LEDGERS) == await ledger.trial_balance(ALL_LEDGERS)
    ids = LookupTransfers((U128(1),))
    assert await audit.ledger.lookup_transfers(ids) == await ledger.lookup_transfers(ids)
    query = ListTransfers(U128(1), limit=3)
    assert await audit.ledger.list_transfers(query) == await ledger.list_transfers(query)
    for command in (
        audit.ledger.create_accounts(OPENING),
        send(audit.ledger, transfer(99, 3, 1, 5)),
    ):
        with pytest.raises(Unavailable):
            await command


async def test_the_schema_refuses_a_batch_that_no_ledger_writes(host, ledger):
    insert = "INSERT INTO log VALUES (?, ?, ?, ?)"
    for row in ((2, 5, b"short", b"x"), (0, 5, bytes(32), b"x"), (2, 5, bytes(32), b"")):
        with pytest.raises(StatementFailed):
            await host.databases["ledger"].write(lambda session, row=row: session.run(insert, *row))


async def test_a_breach_of_the_books_stops_the_ledger(host):
    engine = ReferenceEngine(Books())
    journal = DatabaseJournal(await host.database("ledger"), BEGINNING)
    service = LedgerService(engine, journal, host.clock, queue_events_max=10)
    await service.create_accounts(OPENING)
    await service.check()
    assert metrics.exposition().count(b"\nsycee_ledger_breaches 0.0\n") == 1
    engine.books.accounts[1].debits_posted += 1
    await service.check()
    assert metrics.exposition().count(b"\nsycee_ledger_breaches 1.0\n") == 1
    with pytest.raises(Unavailable, match="its books broke"):
        await service.create_transfers(Transfers((transfer(1, 2, 1, 50),)))
