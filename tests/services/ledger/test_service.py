"""The service over a real journal: durable, shared, and stopped when torn."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.services.ledger.hosts import ReferenceHost
from tests.services.ledger.notation import LINKED, OK, PENDING, account, post, transfer

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger import jobs
from sycee.services.ledger.contract import (
    BATCH_MAX,
    AccountFlags,
    Accounts,
    BalancesAt,
    BatchTooLarge,
    ChangeKind,
    CreateTransferResult,
    FieldOutOfRange,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Records,
    RecordsMisshapen,
    Transfers,
    TrialBalanceQuery,
)
from sycee.services.ledger.domain.record import encode_accounts, encode_transfers

LIMITED = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
OPENING = Accounts((account(1, flags=LIMITED), account(2), account(3)))
BOTH = LookupAccounts((U128(1), U128(2)))
ALL_LEDGERS = TrialBalanceQuery()


@pytest.fixture
def host(tmp_path):
    return ReferenceHost(tmp_path)


@pytest.fixture
async def ledger(host):
    service = await host.open()
    await service.create_accounts(OPENING)
    return service


@pytest.fixture
async def gated(host):
    service, gate = await host.gated()
    await service.create_accounts(OPENING)
    gate.at_gate.clear()
    return service, gate


def send(ledger, *transfers):
    return ledger.create_transfers(Transfers(transfers))


async def test_a_call_answers_one_code_per_event(ledger):
    answer = await send(ledger, transfer(1, 3, 1, 5), transfer(2, 1, 2, 6))
    assert answer.codes == (OK, CreateTransferResult.EXCEEDS_CREDITS)
    found = await ledger.lookup_transfers(LookupTransfers((U128(1), U128(2))))
    assert [transfer.id for transfer in found.transfers] == [1]


async def test_a_restart_gives_the_same_books_and_the_same_answers(host, ledger):
    """MS1, MS2."""
    batch = (
        transfer(1, 3, 1, 50),
        transfer(2, 1, 2, 20, flags=PENDING, timeout_s=60),
        transfer(3, 1, 2, 99),
        transfer(4, 1, 2, 5, flags=LINKED),
        transfer(5, 1, 2, 5, ledger=0),
    )
    await send(ledger, *batch)
    await send(ledger, transfer(6, 1, 2, 1, flags=PENDING, timeout_s=1))
    host.clock.pass_s(30)
    await send(ledger, transfer(7, 1, 2, 1))
    answer = await send(ledger, *batch)
    again = await host.restarted()
    assert await again.lookup_accounts(BOTH) == await ledger.lookup_accounts(BOTH)
    query = ListTransfers(U128(1))
    assert await again.list_transfers(query) == await ledger.list_transfers(query)
    assert (await send(again, *batch)).codes == answer.codes


async def test_calls_made_during_a_write_share_the_next_one(gated, host):
    service, gate = gated
    gate.gate.clear()
    first = asyncio.create_task(send(service, transfer(1, 3, 1, 5)))
    await gate.at_gate.wait()
    others = [asyncio.create_task(send(service, transfer(n, 1, 2, 1))) for n in range(2, 9)]
    await asyncio.gather(*(asyncio.wait({other}, timeout=0) for other in others))
    gate.gate.set()
    assert (await first).codes == (OK,)
    codes = [(await other).codes[0] for other in others]
    assert codes == [OK] * 5 + [CreateTransferResult.EXCEEDS_CREDITS] * 2
    assert await host.batches() == 3, "the accounts, the first transfer, all others"


async def test_no_chain_reaches_over_into_another_call(gated):
    service, gate = gated
    gate.gate.clear()
    first = asyncio.create_task(send(service, transfer(1, 3, 1, 5)))
    await gate.at_gate.wait()
    open_chain = asyncio.create_task(send(service, transfer(2, 3, 1, 5, flags=LINKED)))
    other = asyncio.create_task(send(service, transfer(3, 3, 1, 5)))
    await asyncio.wait({open_chain, other}, timeout=0)
    gate.gate.set()
    assert (await first).codes == (OK,)
    assert (await open_chain).codes == (CreateTransferResult.LINKED_EVENT_CHAIN_OPEN,)
    assert (await other).codes == (OK,)


async def test_a_reader_sees_only_what_is_durable(gated):
    """MS3."""
    service, gate = gated
    gate.gate.clear()
    writing = asyncio.create_task(send(service, transfer(1, 3, 1, 5)))
    await gate.at_gate.wait()
    reading = asyncio.create_task(service.trial_balance(ALL_LEDGERS))
    await asyncio.wait({reading}, timeout=0)
    assert not reading.done()
    gate.gate.set()
    assert (await reading).lines[0].debits_posted == 5
    assert writing.done()


async def test_a_failed_write_stops_the_ledger(gated, host):
    """MS7."""
    service, gate = gated
    gate.gate.clear()
    gate.failure = Unavailable("the disk refused")
    writing = asyncio.create_task(send(service, transfer(1, 3, 1, 5)))
    await gate.at_gate.wait()
    queued = asyncio.create_task(send(service, transfer(2, 3, 1, 5)))
    reading = asyncio.create_task(service.lookup_accounts(BOTH))
    await asyncio.wait({queued, reading}, timeout=0)
    gate.gate.set()
    for task in (writing, queued, reading):
        with pytest.raises(Unavailable):
            await task
    gate.failure = None
    for call in (send(service, transfer(3, 3, 1, 5)), service.trial_balance(ALL_LEDGERS)):
        with pytest.raises(Unavailable):
            await call
    await service.expire_due()
    assert await host.batches() == 1
    again = await host.restarted()
    assert (await again.trial_balance(ALL_LEDGERS)).lines[0].debits_posted == 0


async def test_a_caller_that_goes_away_takes_nothing_with_it(gated):
    service, gate = gated
    gate.gate.clear()
    leaving = asyncio.create_task(send(service, transfer(1, 3, 1, 5)))
    await gate.at_gate.wait()
    reader = asyncio.create_task(service.trial_balance(ALL_LEDGERS))
    staying = asyncio.create_task(send(service, transfer(2, 3, 1, 5)))
    await asyncio.wait({staying, reader}, timeout=0)
    leaving.cancel()
    reader.cancel()
    await asyncio.wait({leaving, reader})
    gate.gate.set()
    assert (await staying).codes == (OK,)
    assert (await send(service, transfer(1, 3, 1, 5))).codes == (CreateTransferResult.EXISTS,)


async def test_a_caller_that_went_away_is_not_told_of_a_failure(gated):
    service, gate = gated
    gate.gate.clear()
    gate.failure = Unavailable("the disk refused")
    leaving = asyncio.create_task(send(service, transfer(1, 3, 1, 5)))
    await gate.at_gate.wait()
    leaving.cancel()
    await asyncio.wait({leaving})
    staying = asyncio.create_task(send(service, transfer(2, 3, 1, 5)))
    gate.gate.set()
    with pytest.raises(Unavailable):
        await staying


async def test_too_much_waiting_work_is_refused(gated):
    """RE4."""
    service, gate = gated
    gate.gate.clear()
    first = asyncio.create_task(send(service, transfer(1, 3, 1, 1)))
    await gate.at_gate.wait()
    batch = [transfer(number, 3, 1, 1) for number in range(2, 12)]
    second = asyncio.create_task(send(service, *batch))
    await asyncio.wait({second}, timeout=0)
    with pytest.raises(Unavailable, match="more work"):
        await send(service, transfer(99, 3, 1, 1))
    gate.gate.set()
    assert (await first).codes == (OK,)
    assert set((await second).codes) == {OK}
    assert (await send(service, transfer(99, 3, 1, 1))).codes == (OK,)


async def test_batches_have_a_limit(ledger):
    largest = [transfer(number + 1, 3, 1, 1) for number in range(BATCH_MAX)]
    assert set((await send(ledger, *largest)).codes) == {OK}
    with pytest.raises(BatchTooLarge):
        await send(ledger, *largest, transfer(BATCH_MAX + 1, 3, 1, 1))
    with pytest.raises(BatchTooLarge):
        await ledger.lookup_accounts(LookupAccounts((U128(1),) * (BATCH_MAX + 1)))
    with pytest.raises(BatchTooLarge):
        await ledger.list_transfers(ListTransfers(U128(1), limit=BATCH_MAX + 1))


async def test_a_full_batch_leaves_the_next_call_for_the_next_one(host):
    service, _ = await host.gated(queue_events_max=2 * BATCH_MAX)
    await service.create_accounts(OPENING)
    half = BATCH_MAX // 2 + 1
    batches = [[transfer(1 + n + half * k, 3, 1, 1) for n in range(half)] for k in range(2)]
    answers = await asyncio.gather(*(send(service, *batch) for batch in batches))
    assert {code for answer in answers for code in answer.codes} == {OK}
    assert await host.batches() == 3


async def test_a_number_that_does_not_fit_is_refused_and_nothing_is_done(ledger, host):
    with pytest.raises(FieldOutOfRange):
        await send(ledger, transfer(1, 3, 1, 1), transfer(2, 3, 1, -1))
    assert await host.batches() == 1


async def test_what_is_due_expires_though_nobody_calls(ledger, host):
    await send(ledger, transfer(1, 3, 2, 5, flags=PENDING, timeout_s=10))
    await ledger.expire_due()
    assert await host.batches() == 2
    host.clock.pass_s(11)
    await ledger.expire_due()
    await ledger.expire_due()
    assert await host.batches() == 3
    assert (await ledger.trial_balance(ALL_LEDGERS)).lines[0].debits_pending == 0
    again = await host.restarted()
    assert (await again.trial_balance(ALL_LEDGERS)).lines[0].debits_pending == 0


async def test_what_was_posted_in_time_needs_no_expiry(ledger, host):
    await send(ledger, transfer(1, 3, 2, 5, flags=PENDING, timeout_s=10), post(2, 1))
    host.clock.pass_s(11)
    await ledger.expire_due()
    assert await host.batches() == 2


async def test_no_race_overdraws_an_account(ledger):
    """MS4: 64 callers race for the last cent, again and again."""
    draw = random.Random(64)
    number = 0
    for _ in range(150):
        number += 1
        await send(ledger, transfer(number, 3, 1, 1))
        racers = []
        for _ in range(64):
            number += 1
            flags = draw.choice((0, PENDING))
            racers.append(send(ledger, transfer(number, 1, 2, 1, flags=flags)))
        codes = [answer.codes[0] for answer in await asyncio.gather(*racers)]
        assert codes.count(OK) == 1
        assert codes.count(CreateTransferResult.EXCEEDS_CREDITS) == 63


async def test_one_id_raced_by_many_is_recorded_once(ledger):
    """MS2."""
    answers = await asyncio.gather(*(send(ledger, transfer(1, 3, 1, 5)) for _ in range(64)))
    codes = [answer.codes[0] for answer in answers]
    assert sorted(codes) == [OK] + [CreateTransferResult.EXISTS] * 63
    assert (await ledger.trial_balance(ALL_LEDGERS)).lines[0].debits_posted == 5


async def test_the_expiry_job_looks_again_and_again(host, ledger):
    await send(ledger, transfer(1, 3, 2, 5, flags=PENDING, timeout_s=10))
    host.clock.pass_s(11)
    looked = asyncio.Event()

    class Watched:
        async def expire_due(self):
            await ledger.expire_due()
            looked.set()

    job = asyncio.create_task(jobs.keep_expiring(Watched(), 0))
    await looked.wait()
    job.cancel()
    assert (await ledger.trial_balance(ALL_LEDGERS)).lines[0].debits_pending == 0
    assert "ledger.expire" in host.jobs


async def test_records_are_recorded_as_structs_are(ledger):
    events = (transfer(1, 2, 1, 50), transfer(2, 1, 3, 50), transfer(3, 1, 3, 1))
    answer = await ledger.record_transfers(Records(encode_transfers(events)))
    assert answer.codes == bytes([OK, OK, CreateTransferResult.EXCEEDS_CREDITS])
    kept = await ledger.lookup_transfers(LookupTransfers((U128(1), U128(2), U128(3))))
    assert [found.timestamp for found in kept.transfers] == [
        answer.timestamp - 2,
        answer.timestamp - 1,
    ]
    again = await ledger.create_transfers(Transfers(events[:1]))
    assert again.codes == (CreateTransferResult.EXISTS,)


async def test_accounts_are_opened_by_records(ledger):
    records = encode_accounts([account(7), account(1, flags=LIMITED)])
    assert (await ledger.record_accounts(Records(records))).codes == b"\x00\x15"


async def test_half_a_record_is_refused(ledger):
    with pytest.raises(RecordsMisshapen, match="200 bytes"):
        await ledger.record_transfers(Records(bytes(200)))
    with pytest.raises(BatchTooLarge):
        await ledger.record_accounts(Records(bytes(128 * (BATCH_MAX + 1))))


async def test_a_balance_of_the_past_is_told_after_a_restart_too(host, ledger):
    first = await ledger.create_transfers(Transfers((transfer(1, 2, 1, 50),)))
    await ledger.create_transfers(Transfers((transfer(2, 2, 1, 8),)))
    opened = await host.restarted()
    for service in (ledger, opened):
        for timestamp, credits in ((first.timestamp - 1, 0), (first.timestamp, 50)):
            found = await service.balances_at(BalancesAt((U128(1), U128(9)), timestamp))
            assert [past.credits_posted for past in found.accounts] == [credits]
        assert await service.balances_at(BalancesAt((U128(1),), 1)) == Accounts(())


async def test_changes_are_followed_with_a_cursor(host, ledger):
    pending = transfer(1, 2, 1, 50, flags=PENDING, timeout_s=1)
    await ledger.create_transfers(Transfers((pending,)))
    host.clock.pass_s(2)
    await ledger.expire_due()
    seen, page = [], (await ledger.list_changes(ListChanges(limit=2))).changes
    while page:
        seen += page
        page = (await ledger.list_changes(ListChanges(seen[-1].sequence, limit=2))).changes
    assert [change.kind for change in seen] == [
        *[ChangeKind.ACCOUNT_OPENED] * 3,
        ChangeKind.TRANSFER_RECORDED,
        ChangeKind.TRANSFER_EXPIRED,
    ]
    assert [change.sequence for change in seen] == [1, 2, 3, 4, 5]
    assert seen[3].transfer == seen[4].transfer
    assert seen[4].timestamp > seen[3].timestamp
