"""Batches, deadlines, endings: what callers see of a cluster that is there, away, or back."""

from __future__ import annotations

import asyncio

import pytest
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.tigerbeetle.double import Cluster
from tests.services.ledger.adapters.tigerbeetle.engines import over
from tests.services.ledger.notation import IMPORTED, LINKED, account, changed, transfer

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.runtime import deadline
from sycee.services.ledger.adapters.tigerbeetle import cluster as module
from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger
from sycee.services.ledger.adapters.tigerbeetle.messages import Operation
from sycee.services.ledger.contract import (
    BATCH_MAX,
    Accounts,
    BatchTooLarge,
    CreateAccountResult,
    CreateTransferResult,
    FieldOutOfRange,
    ListChanges,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Records,
    RecordsMisshapen,
    Transfers,
)
from sycee.services.ledger.domain.record import encode_accounts

OPENING = Accounts((account(1), account(2)))
CHAIN_OPEN = CreateTransferResult.LINKED_EVENT_CHAIN_OPEN
SOON_S = 0.05


@pytest.fixture
def cluster():
    return Cluster(FakeClock())


@pytest.fixture
async def ledger(cluster):
    engine = over(cluster.open)
    assert set((await engine.create_accounts(OPENING)).codes) == {0}
    yield engine
    await engine.close()


def sent(cluster):
    """Events in each request that created transfers."""
    return [
        len(body) // 128
        for operation, body in cluster.requests
        if operation == Operation.CREATE_TRANSFERS
    ]


def move(number, **fields):
    return transfer(number, 1, 2, 1, **fields)


async def together(ledger, *calls):
    return await asyncio.gather(*(ledger.create_transfers(Transfers(call)) for call in calls))


async def test_calls_made_at_once_travel_in_one_request(cluster, ledger):
    answers = await together(ledger, (move(10),), (move(11), move(10)), (), (move(12),))
    assert [answer.codes for answer in answers] == [(0,), (0, 46), (), (0,)]
    assert sent(cluster) == [4]
    end = answers[-1].timestamp
    assert [end - answer.timestamp for answer in answers] == [3, 1, 1, 0]
    found = await ledger.lookup_transfers(LookupTransfers((U128(10), U128(12))))
    assert [answers[0].timestamp, end] == [each.timestamp for each in found.transfers]


async def test_an_open_chain_does_not_draw_in_the_next_caller(cluster, ledger):
    answers = await together(ledger, (move(10, flags=LINKED),), (move(11),))
    assert [answer.codes for answer in answers] == [(CHAIN_OPEN,), (0,)]
    assert sent(cluster) == [1, 1]


async def test_imported_events_do_not_make_others_imported(cluster, ledger):
    at = cluster.books.timestamp + 5
    cluster.clock.pass_s(1)
    imported = changed(move(10, flags=IMPORTED), timestamp=at)
    answers = await together(ledger, (move(11),), (imported,), (move(12),))
    assert [answer.codes for answer in answers] == [
        (0,),
        (CreateTransferResult.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS,),
        (0,),
    ]
    assert sent(cluster) == [1, 1, 1]


async def test_a_batch_is_never_larger_than_a_request(cluster, ledger):
    calls = [tuple(move(10_000 * place + n) for n in range(3000)) for place in range(1, 6)]
    answers = await together(ledger, *calls)
    assert all(set(answer.codes) == {0} for answer in answers)
    assert sent(cluster) == [6000, 6000, 3000]


async def test_a_whole_batch_goes_in_one_request(cluster, ledger):
    whole = tuple(move(n) for n in range(100, 100 + BATCH_MAX))
    assert set((await ledger.create_transfers(Transfers(whole))).codes) == {0}
    assert sent(cluster) == [BATCH_MAX]


async def test_while_requests_are_under_way_calls_wait_for_company(cluster, ledger):
    cluster.leave()
    first = asyncio.ensure_future(together(ledger, (move(10),)))
    await cluster.has_waiting(1)
    rest = [asyncio.ensure_future(together(ledger, (move(11 + n),))) for n in range(50)]
    await cluster.has_waiting(2)
    cluster.come_back()
    await asyncio.gather(first, *rest)
    assert sent(cluster) == [1, 50]


async def test_a_cluster_that_takes_less_gets_less(cluster, ledger):
    cluster.batch_max = 100
    calls = [(move(100 + 2 * n), move(101 + 2 * n)) for n in range(200)]
    answers = await together(ledger, *calls)
    assert all(answer.codes == (0, 0) for answer in answers)
    assert max(sent(cluster)[-3:]) <= 100
    assert sum(size for size in sent(cluster) if size <= 100) == 400
    many = tuple(move(n) for n in range(5000, 5101))
    with pytest.raises(Unavailable, match="fewer than 101 events at once"):
        await ledger.create_transfers(Transfers(many))
    ids = tuple(U128(n) for n in range(100, 500))
    assert len((await ledger.lookup_transfers(LookupTransfers(ids))).transfers) == 400


async def test_while_the_cluster_is_away_a_call_ends_with_its_deadline(cluster):
    engine = over(cluster.open, deadline_s=SOON_S)
    await engine.create_accounts(OPENING)
    cluster.leave()
    with pytest.raises(Unavailable, match=r"has not answered within 0\.05 s"):
        await engine.create_transfers(Transfers((move(10),)))
    with pytest.raises(Unavailable):
        await engine.lookup_accounts(LookupAccounts((U128(1),)))
    cluster.come_back()
    again = await engine.create_transfers(Transfers((move(10),)))
    assert again.codes == (CreateTransferResult.EXISTS,), "what was sent was done after all"
    await engine.close()


async def test_the_callers_deadline_counts_when_it_is_earlier(cluster, ledger):
    cluster.leave()
    with deadline.within(SOON_S), pytest.raises(Unavailable):
        await ledger.lookup_accounts(LookupAccounts((U128(1),)))
    with deadline.within(SOON_S), pytest.raises(Unavailable):
        await ledger.create_transfers(Transfers((move(10),)))


async def test_a_call_that_was_not_sent_in_time_is_taken_back(cluster):
    engine = over(cluster.open, lanes=1, deadline_s=SOON_S)
    await engine.create_accounts(OPENING)
    cluster.leave()
    for number in (10, 11):
        with pytest.raises(Unavailable):
            await engine.create_transfers(Transfers((move(number),)))
    cluster.come_back()
    assert (await engine.create_transfers(Transfers((move(12),)))).codes == (0,)
    ids = LookupTransfers(tuple(map(U128, (10, 11, 12))))
    found = (await engine.lookup_transfers(ids)).transfers
    assert [each.id for each in found] == [10, 12]
    await engine.close()


async def test_what_waits_is_bounded(cluster):
    engine = TigerBeetleLedger(cluster.open, SOON_S, 10, lanes=1)
    await engine.create_accounts(OPENING)
    cluster.leave()
    first = asyncio.ensure_future(engine.create_transfers(Transfers((move(10),))))
    await cluster.has_waiting(1)
    many = Transfers(tuple(move(n) for n in range(20, 30)))
    second = asyncio.ensure_future(engine.create_transfers(many))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="more work waiting"):
        await engine.create_transfers(Transfers((move(40),)))
    for call in (first, second):
        with pytest.raises(Unavailable, match="has not answered"):
            await call
    cluster.come_back()
    assert (await engine.create_transfers(Transfers((move(41),)))).codes == (0,)
    await engine.close()


async def test_reads_that_are_not_answered_are_bounded(cluster, ledger, monkeypatch):
    monkeypatch.setattr(module, "READS_MAX", 2)
    cluster.leave()
    asked = [
        asyncio.ensure_future(ledger.lookup_accounts(LookupAccounts((U128(1),)))) for _ in range(2)
    ]
    await cluster.has_waiting(2)
    with pytest.raises(Unavailable, match="has not answered the reads"):
        await ledger.lookup_accounts(LookupAccounts((U128(1),)))
    cluster.come_back()
    await asyncio.gather(*asked)


async def test_one_change_event_request_is_under_way_at_a_time(cluster):
    """A second one would end the process: see the comment in ``cluster``."""
    engine = over(cluster.open, deadline_s=SOON_S)
    await engine.create_accounts(OPENING)
    cluster.leave()
    asked = [engine.list_changes(ListChanges()) for _ in range(3)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    operations = [operation for operation, *_ in cluster.waiting]
    assert operations.count(Operation.GET_CHANGE_EVENTS) == 1
    cluster.come_back()
    assert len((await engine.list_changes(ListChanges())).changes) == 2
    await engine.close()


async def test_a_session_that_the_cluster_ends_is_opened_again(cluster, ledger, monkeypatch):
    await ledger.create_transfers(Transfers((move(10),)))
    cluster.leave()
    call = asyncio.ensure_future(ledger.create_transfers(Transfers((move(11),))))
    read = asyncio.ensure_future(ledger.lookup_accounts(LookupAccounts((U128(1),))))
    await cluster.has_waiting(2)
    cluster.waiting.clear()
    cluster.evict()
    for each in (call, read):
        with pytest.raises(Unavailable, match="the cluster ended the session"):
            await each
    cluster.come_back()
    with pytest.raises(Unavailable, match="a moment ago"):
        await ledger.lookup_accounts(LookupAccounts((U128(1),)))
    monkeypatch.setattr(module, "REOPEN_S", 0.0)
    assert (await ledger.create_transfers(Transfers((move(11),)))).codes == (0,)
    assert len((await ledger.lookup_accounts(LookupAccounts((U128(1),)))).accounts) == 1


async def test_closing_answers_everybody(cluster):
    engine = over(cluster.open, lanes=1)
    await engine.create_accounts(OPENING)
    cluster.leave()
    calls = [
        asyncio.ensure_future(engine.create_transfers(Transfers((move(10 + n),)))) for n in range(3)
    ]
    await cluster.has_waiting(1)
    calls.append(asyncio.ensure_future(engine.create_transfers(Transfers((move(20),)))))
    calls.append(asyncio.ensure_future(engine.lookup_accounts(LookupAccounts((U128(1),)))))
    await asyncio.sleep(0)
    await engine.close()
    for call in calls:
        with pytest.raises(Unavailable):
            await call
    with pytest.raises(Unavailable, match="the ledger is closed"):
        await engine.create_transfers(Transfers((move(30),)))


async def test_a_caller_who_leaves_keeps_nobody_from_an_answer(cluster, ledger):
    cluster.leave()
    left = asyncio.ensure_future(ledger.create_transfers(Transfers((move(10),))))
    stays = asyncio.ensure_future(ledger.create_transfers(Transfers((move(11),))))
    await cluster.has_waiting(1)
    left.cancel()
    await asyncio.sleep(0)
    cluster.come_back()
    assert (await stays).codes == (0,)


async def test_what_is_no_batch_is_refused_before_it_is_sent(cluster, ledger):
    before = len(cluster.requests)
    over_limit = Transfers(tuple(move(n) for n in range(1, BATCH_MAX + 2)))
    with pytest.raises(BatchTooLarge):
        await ledger.create_transfers(over_limit)
    with pytest.raises(FieldOutOfRange):
        await ledger.create_transfers(Transfers((changed(move(1), ledger=2**32),)))
    with pytest.raises(RecordsMisshapen):
        await ledger.record_transfers(Records(bytes(127)))
    with pytest.raises(BatchTooLarge):
        await ledger.list_transfers(ListTransfers(U128(1), 0, BATCH_MAX + 1))
    assert len(cluster.requests) == before


async def test_an_accounts_reserved_bytes_are_of_no_account(ledger):
    record = bytearray(encode_accounts((account(7),)))
    record[92:96] = b"\x01\x02\x03\x04"
    answer = await ledger.record_accounts(Records(bytes(record)))
    assert answer.codes == bytes([CreateAccountResult.OK])


async def test_ids_that_no_record_has_are_unknown(ledger):
    ids = (U128(0), U128(2**128 - 1), 2**130, -1, U128(2), U128(99))
    found = (await ledger.lookup_accounts(LookupAccounts(ids))).accounts
    assert [each.id for each in found] == [2]
    for odd in (0, 2**128 - 1, -1):
        assert (await ledger.list_transfers(ListTransfers(odd))).transfers == ()
    assert (await ledger.list_transfers(ListTransfers(U128(1), 2**63))).transfers == ()
    assert (await ledger.list_transfers(ListTransfers(U128(1), 0, 0))).transfers == ()
