"""The stories of the service on the embedded engine, in both containers; starts and snapshots."""

from __future__ import annotations

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from tests.services.floor import FakeHost
from tests.services.ledger.hosts import GatedJournal
from tests.services.ledger.notation import OK, PENDING, post, transfer
from tests.services.ledger.test_service import *  # noqa: F403 - these are the stories
from tests.services.ledger.test_service import ALL_LEDGERS, BOTH, OPENING, send

from sycee.kernel.u128 import U128
from sycee.services.ledger import app
from sycee.services.ledger.adapters.embedded.opening import open_embedded
from sycee.services.ledger.adapters.embedded.owner import JournalInUse
from sycee.services.ledger.contract import (
    BATCH_MAX,
    BalancesAt,
    CreateTransferResult,
    ListChanges,
    ListTransfers,
)
from sycee.services.ledger.domain.entry import JournalDamaged
from sycee.services.ledger.service import LedgerService

FILES = {"rows": "ledger.sqlite", "segments": "ledger-journal"}
SNAPSHOTS = "ledger-snapshots"


class EmbeddedHost(FakeHost):
    """The compiled kernel, and its journal in a container."""

    def __init__(self, folder, container, clock=None):
        super().__init__(folder, clock)
        self.container = container
        self.kept = None
        self.next = None

    async def open(self):
        """The ledger as it is configured."""
        settings = app.Settings(engine="embedded", container=self.container)
        service = await app.build(self, settings)
        # What is to be closed is what was opened.
        self.kept = self.closings[-1].__self__
        return service

    async def gated(self, queue_events_max=10):
        """A ledger with little room for what waits, and the gate of its journal."""
        self.kept = open_embedded(self.path, self.container, lambda done, total: None)
        self.at_close(self.kept.close)
        gate = GatedJournal(self.kept.journal)
        service = LedgerService(self.kept.engine, gate, self.clock, queue_events_max, True)
        return service, gate

    async def restarted(self):
        """The ledger of the next start; this one is closed before."""
        await self.close()
        self.next = EmbeddedHost(self.folder, self.container, self.clock)
        return await self.next.open()

    async def batches(self):
        """How many batches are in the journal."""
        return self.kept.journal.head.seq

    async def close(self):
        await super().close()
        if self.next:
            await self.next.close()

    def last(self):
        """The host of the latest start."""
        return self.next.last() if self.next else self


@pytest.fixture(params=FILES)
async def host(request, tmp_path):
    made = EmbeddedHost(tmp_path, request.param)
    yield made
    await made.close()


@pytest.fixture
async def ledger(host):
    service = await host.open()
    await service.create_accounts(OPENING)
    return service


async def fill(ledger, rows):
    """So many transfers, some of them pending for a minute."""
    for begin in range(0, rows, 5_000):
        await send(
            ledger,
            *(
                transfer(
                    1 + begin + n,
                    3,
                    2,
                    1 + n % 7,
                    flags=0 if n % 10 else PENDING,
                    timeout_s=0 if n % 10 else 60,
                )
                for n in range(5_000)
            ),
        )


async def everything(ledger):
    """All that is shown of the books."""
    changes = (await ledger.list_changes(ListChanges(limit=BATCH_MAX))).changes
    instants = [change.timestamp for change in changes[:: BATCH_MAX // 5]]
    return (
        await ledger.lookup_accounts(BOTH),
        await ledger.trial_balance(ALL_LEDGERS),
        changes,
        await ledger.list_transfers(ListTransfers(U128(2), limit=BATCH_MAX)),
        [await ledger.balances_at(BalancesAt((U128(2), U128(3)), at)) for at in instants],
    )


async def test_a_closed_ledger_leaves_a_snapshot_and_the_next_goes_on_from_it(host, ledger):
    """MS1, MS3."""
    await fill(ledger, 15_000)
    before = await everything(ledger)
    again = await host.restarted()
    assert list(host.path(SNAPSHOTS).glob("*.snapshot"))
    assert host.next.kept.engine.restored_rows == 15_003
    assert await everything(again) == before
    assert (await send(again, transfer(1, 3, 2, 1))).codes[0] != OK
    assert (await send(again, post(99_999, 4_991))).codes == (OK,)
    host.clock.pass_s(61)
    await again.expire_due()
    before = await everything(again)
    third = await host.last().restarted()
    assert host.last().kept.engine.restored_rows == 15_003, "too little is new for another"
    assert await everything(third) == before
    assert (await third.trial_balance(ALL_LEDGERS)).lines[0].debits_pending == 0


async def test_a_damaged_snapshot_is_skipped(host, ledger):
    await fill(ledger, 15_000)
    before = await everything(ledger)
    await host.close()
    for snapshot in host.path(SNAPSHOTS).glob("*.snapshot"):
        content = bytearray(snapshot.read_bytes())
        content[len(content) // 2] ^= 4
        snapshot.write_bytes(content)
    again = await host.restarted()
    assert host.next.kept.engine.restored_rows == 0
    assert await everything(again) == before


async def test_a_snapshot_of_another_journal_is_skipped(host, ledger):
    await fill(ledger, 15_000)
    await host.close()
    journal = host.path(FILES[host.container])
    for file in [*journal.glob("*"), journal]:
        if file.is_file():
            file.unlink()
    again = await host.restarted()
    assert (await again.lookup_accounts(BOTH)).accounts == ()
    await again.create_accounts(OPENING)
    await fill(again, 5_000)
    assert (await again.trial_balance(ALL_LEDGERS)).lines[0].accounts == 3


async def test_a_second_owner_is_refused(host, ledger):
    """RE5."""
    with pytest.raises(JournalInUse):
        await EmbeddedHost(host.folder, host.container, host.clock).open()
    assert (await send(ledger, transfer(1, 3, 1, 5))).codes == (OK,)


async def test_a_journal_that_was_damaged_is_refused(host, ledger):
    """MS10."""
    for number in range(1, 4):
        await send(ledger, transfer(number, 3, 1, 5, user_data_64=0x1234_5678_9ABC))
    await host.close()
    journal = host.path(FILES[host.container])
    found = 0
    for file in [*journal.glob("*"), journal]:
        content = bytearray(file.read_bytes()) if file.is_file() else bytearray()
        place = content.find((0x1234_5678_9ABC).to_bytes(8, "little"))
        if place >= 0:
            content[place] ^= 1
            file.write_bytes(content)
            found += 1
    assert found
    with pytest.raises(JournalDamaged):
        await host.restarted()


async def test_either_engine_opens_the_journal_of_the_other(tmp_path):
    """In rows: what one has written the other replays, and goes on."""
    from tests.services.ledger.hosts import ReferenceHost

    first = EmbeddedHost(tmp_path, "rows")
    ledger = await first.open()
    await ledger.create_accounts(OPENING)
    await send(ledger, transfer(1, 3, 1, 5), transfer(2, 1, 2, 3, flags=PENDING, timeout_s=9))
    await first.close()
    second = ReferenceHost(tmp_path, first.clock)
    plain = await second.open()
    assert await plain.lookup_accounts(BOTH) == await ledger.lookup_accounts(BOTH)
    assert (await send(plain, transfer(3, 1, 2, 9), post(4, 2, 1))).codes == (
        CreateTransferResult.EXCEEDS_CREDITS,
        OK,
    )
    await second.databases["ledger"].close()
    third = EmbeddedHost(tmp_path, "rows", first.clock)
    again = await third.open()
    assert await again.lookup_accounts(BOTH) == await plain.lookup_accounts(BOTH)
    assert (await send(again, transfer(3, 1, 2, 1))).codes == (
        CreateTransferResult.ID_ALREADY_FAILED,
    )
    await third.close()
