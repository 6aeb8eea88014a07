"""The PostgreSQL engine keeps the contract, in crowds and over restarts."""

from __future__ import annotations

import asyncio

import pytest
from tests.services.floor import FakeClock
from tests.services.ledger import conformance
from tests.services.ledger.adapters.on_postgresql import OnPostgresql
from tests.services.ledger.notation import OK, PENDING, account, post, transfer

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    BATCH_MAX,
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

OPENING = Accounts((account(1, flags=2), account(2), account(3)))


def send(engine, *transfers):
    return engine.ledger.create_transfers(Transfers(transfers))


async def balances(engine, number):
    found = (await engine.ledger.lookup_accounts(LookupAccounts((U128(number),)))).accounts[0]
    return (
        found.debits_pending,
        found.debits_posted,
        found.credits_pending,
        found.credits_posted,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_a_walk_agrees_with_the_second_model(engine, seed):
    engine.clock.instant = 1000
    await conformance.walk(engine, seed, steps=60)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("batch_events_max", "standings_max"), [(1, 3), (40, 100), (8189, 100)])
async def test_a_crowd_is_answered_one_after_the_other(dsn, seed, batch_events_max, standings_max):
    """Batches go the plain way or by the rules, with the next one prepared meanwhile."""
    engine = OnPostgresql(dsn, FakeClock())
    await engine.open(batch_events_max=batch_events_max, standings_max=standings_max)
    await conformance.crowd(engine, seed)
    await engine.ledger.close()


async def test_a_burned_id_does_not_come_to_be_in_a_plain_batch(engine):
    await engine.ledger.create_accounts(OPENING)
    failed = transfer(1, 1, 2, 5)
    assert (await send(engine, failed)).codes == (CreateTransferResult.EXCEEDS_CREDITS,)
    await send(engine, transfer(2, 3, 1, 100))
    answer = await send(engine, failed, transfer(3, 1, 2, 5))
    assert answer.codes == (CreateTransferResult.ID_ALREADY_FAILED, OK)


async def test_a_restart_in_a_crowd_loses_no_answered_transfer(engine):
    """MS1, MS2."""
    await engine.ledger.create_accounts(OPENING)
    answers = await asyncio.gather(*(send(engine, transfer(n, 3, 2, 1)) for n in range(1, 65)))
    assert {answer.codes for answer in answers} == {(OK,)}
    await engine.restart()
    assert await balances(engine, 2) == (0, 0, 0, 64)
    answer = await send(engine, transfer(7, 3, 2, 1), transfer(8, 3, 2, 2))
    assert answer.codes == (
        CreateTransferResult.EXISTS,
        CreateTransferResult.EXISTS_WITH_DIFFERENT_AMOUNT,
    )


async def test_no_race_overdraws_an_account(engine):
    """MS4: 64 callers race for the last cent."""
    await engine.ledger.create_accounts(OPENING)
    number = 0
    for _ in range(20):
        number += 100
        await send(engine, transfer(number, 3, 1, 1))
        racing = [send(engine, transfer(number + n, 1, 2, 1)) for n in range(1, 65)]
        codes = [answer.codes[0] for answer in await asyncio.gather(*racing)]
        assert codes.count(OK) == 1
        assert codes.count(CreateTransferResult.EXCEEDS_CREDITS) == 63


async def test_what_is_due_expires_though_nobody_calls(engine):
    await engine.ledger.create_accounts(OPENING)
    await send(engine, transfer(1, 3, 2, 5, flags=PENDING, timeout_s=10))
    await engine.ledger.expire_due()
    assert await balances(engine, 2) == (0, 0, 5, 0)
    await engine.restart()
    engine.clock.pass_s(11)
    await engine.ledger.expire_due()
    assert await balances(engine, 2) == (0, 0, 0, 0)
    changes = (await engine.ledger.list_changes(ListChanges())).changes
    assert [change.kind for change in changes][-1] is ChangeKind.TRANSFER_EXPIRED
    answer = await send(engine, post(2, 1))
    assert answer.codes == (CreateTransferResult.PENDING_TRANSFER_EXPIRED,)


async def test_a_balance_of_the_past_is_found_between_milestones(engine):
    await engine.ledger.create_accounts(OPENING)
    stamps = []
    for first in range(1, 2001, 250):
        answer = await send(engine, *(transfer(n, 3, 2, 1) for n in range(first, first + 250)))
        stamps += range(answer.timestamp - 249, answer.timestamp + 1)
    assert len(await engine.sql("SELECT * FROM milestones")) == 6
    for count in (1, 2, 511, 512, 513, 777, 1024, 1999, 2000):
        query = BalancesAt((U128(2), U128(3)), stamps[count - 1])
        credited, debited = (await engine.ledger.balances_at(query)).accounts
        assert (credited.credits_posted, debited.debits_posted) == (count, count)


async def test_time_grows_though_the_clock_goes_back(engine):
    await engine.ledger.create_accounts(OPENING)
    first = await send(engine, transfer(1, 3, 2, 1))
    engine.clock.pass_s(-3600)
    second = await send(engine, transfer(2, 3, 2, 1))
    await engine.restart()
    third = await send(engine, transfer(3, 3, 2, 1))
    assert first.timestamp < second.timestamp < third.timestamp


async def test_numbers_at_their_bounds_come_back_as_they_went(engine):
    most = account(2**128 - 2, user_data_128=2**128 - 1, user_data_64=2**64 - 1, code=65535)
    await engine.ledger.create_accounts(Accounts((most, account(2, code=65535))))
    wide = transfer(
        2**128 - 2,
        2,
        2**128 - 2,
        2**128 - 1,
        user_data_128=2**127,
        user_data_64=2**63,
        user_data_32=2**32 - 1,
    )
    assert (await send(engine, wide)).codes == (OK,)
    kept = (await engine.ledger.lookup_transfers(LookupTransfers((wide.id,)))).transfers[0]
    assert (kept.amount, kept.user_data_128, kept.user_data_64, kept.user_data_32) == (
        2**128 - 1,
        2**127,
        2**63,
        2**32 - 1,
    )
    query = LookupAccounts((most.id, U128(2**128), U128(-1)))
    (found,) = (await engine.ledger.lookup_accounts(query)).accounts
    assert (found.credits_posted, found.user_data_64) == (2**128 - 1, 2**64 - 1)
    again = await send(engine, transfer(5, 2, 2**128 - 2, 1))
    assert again.codes == (CreateTransferResult.OVERFLOWS_DEBITS_POSTED,)


async def test_what_nobody_knows_is_answered_with_nothing(engine):
    ledger = engine.ledger
    assert (await ledger.list_transfers(ListTransfers(U128(9), 2**70, -1))).transfers == ()
    assert (await ledger.list_transfers(ListTransfers(U128(2**128)))).transfers == ()
    assert (await ledger.trial_balance(TrialBalanceQuery(2**70))).lines == ()
    assert (await ledger.balances_at(BalancesAt((U128(9),), 2**70))).accounts == ()
    assert (await ledger.list_changes(ListChanges(2**70, -1))).changes == ()


async def test_calls_that_are_no_batches_are_refused(engine):
    with pytest.raises(RecordsMisshapen):
        await engine.ledger.record_transfers(Records(bytes(200)))
    with pytest.raises(BatchTooLarge):
        await engine.ledger.record_accounts(Records(bytes(128 * (BATCH_MAX + 1))))
    with pytest.raises(BatchTooLarge):
        await engine.ledger.list_changes(ListChanges(limit=BATCH_MAX + 1))
    with pytest.raises(FieldOutOfRange):
        await send(engine, transfer(1, 2, 3, -1))


async def test_too_much_waiting_work_is_refused(dsn):
    """RE4."""
    engine = await OnPostgresql(dsn, FakeClock()).open(queue_events_max=10)
    await engine.ledger.create_accounts(OPENING)
    many = [transfer(n, 3, 2, 1) for n in range(1, 11)]
    taken, refused = await asyncio.gather(
        send(engine, *many), send(engine, transfer(99, 3, 2, 1)), return_exceptions=True
    )
    assert set(taken.codes) == {OK}
    assert isinstance(refused, Unavailable)
    assert "more work" in refused.detail
    assert (await send(engine, transfer(99, 3, 2, 1))).codes == (OK,)
    await engine.ledger.close()


async def test_a_caller_that_goes_away_takes_nothing_with_it(engine):
    await engine.ledger.create_accounts(OPENING)
    leaving = asyncio.create_task(send(engine, transfer(1, 3, 2, 5)))
    staying = asyncio.create_task(send(engine, transfer(2, 3, 2, 5)))
    await asyncio.wait({leaving}, timeout=0)
    leaving.cancel()
    assert (await staying).codes == (OK,)
    assert (await send(engine, transfer(1, 3, 2, 5))).codes == (CreateTransferResult.EXISTS,)


async def test_a_closed_ledger_says_so(engine):
    await engine.restart()
    closed, engine.ledger = engine.ledger, None
    await closed.close()
    with pytest.raises(Unavailable, match="closed"):
        await closed.create_accounts(OPENING)
    with pytest.raises(Unavailable):
        await closed.trial_balance(TrialBalanceQuery())
    await closed.expire_due()
    await engine.open()
