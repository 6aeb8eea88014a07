"""Fraud over a real database."""

import asyncio

import msgspec
import pytest
from tests.services.floor import FakeHost

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound, Unavailable
from sycee.runtime.host import Profile
from sycee.services.fraud.app import Settings, build
from sycee.services.fraud.contract import (
    Block,
    BlockValueInvalid,
    Decision,
    JudgePayment,
    ListBlocks,
    ListKind,
    Unblock,
)

SHOP, OTHER = "acct_shop", "acct_other"


def payment(attempt, merchant=SHOP, minor=20_00, **details):
    return JudgePayment(
        attempt=attempt,
        merchant=merchant,
        amount=Money(minor, "USD"),
        card_fingerprint="card",
        card_bin="424242",
        **details,
    )


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


@pytest.fixture
async def fraud(host):
    return await build(host, Settings())


STRICT = Settings(velocity_card_per_hour=2)


async def decisions(fraud, count, start=0, **details):
    return [
        (await fraud.judge(payment(f"att_{n}", **details))).decision
        for n in range(start, start + count)
    ]


async def test_an_ordinary_payment_is_approved(fraud):
    judgement = await fraud.judge(payment("att_1"))
    assert (judgement.decision, judgement.score, judgement.reasons) == (Decision.APPROVE, 0, ())


async def test_in_dev_one_test_card_may_pay_all_day(fraud):
    assert set(await decisions(fraud, 1000)) == {Decision.APPROVE}


async def test_in_production_a_card_may_not_try_all_day(tmp_path):
    fraud = await build(FakeHost(tmp_path, profile=Profile.PRODUCTION), Settings())
    seen = await decisions(fraud, 21)
    assert seen[9:11] == [Decision.APPROVE, Decision.CHALLENGE]
    assert seen[20] is Decision.DECLINE


async def test_velocity_is_counted_per_merchant(host):
    fraud = await build(host, STRICT)
    await decisions(fraud, 5)
    judgement = await fraud.judge(payment("att_other", merchant=OTHER))
    assert judgement.decision is Decision.APPROVE


async def test_all_velocity_rules_can_fire(host):
    settings = Settings(
        velocity_card_per_hour=1,
        velocity_customer_per_hour=1,
        velocity_ip_per_hour=1,
        velocity_merchant_minor_per_hour=30_00,
    )
    fraud = await build(host, settings)
    await decisions(fraud, 1, customer="cus_1", ip="192.0.2.1")
    judgement = await fraud.judge(payment("att_2", customer="cus_1", ip="192.0.2.1"))
    rules = [reason.rule for reason in judgement.reasons]
    assert rules == ["velocity_card", "velocity_ip", "velocity_customer", "velocity_merchant"]
    assert judgement.score == 1000


async def test_an_attempt_counts_once(host):
    fraud = await build(host, STRICT)
    judgements = {await fraud.judge(payment("att_1")) for _ in range(10)}
    assert len(judgements) == 1
    await fraud.write_down()
    ((count,),) = host.databases["fraud"].connection.execute("SELECT COUNT(*) FROM judgements")
    assert count == 1


async def test_velocity_passes_with_the_hour(host):
    fraud = await build(host, STRICT)
    await decisions(fraud, 3)
    host.clock.pass_s(3600)
    assert await decisions(fraud, 1, start=3) == [Decision.APPROVE]


async def test_windows_and_judgements_survive_a_restart(host, tmp_path):
    fraud = await build(host, STRICT)
    await decisions(fraud, 3)
    await fraud.write_down()
    later = await build(FakeHost(tmp_path), STRICT)
    assert await decisions(later, 3) == [Decision.APPROVE, Decision.APPROVE, Decision.CHALLENGE]
    assert await decisions(later, 2, start=3) == [Decision.CHALLENGE, Decision.DECLINE]


async def test_a_blocked_value_is_declined_from_the_next_judgement_on(fraud):
    await fraud.block(Block(SHOP, ListKind.EMAIL, "Eve@bad.example"))
    judgement = await fraud.judge(payment("att_1", email="eve@BAD.example"))
    assert judgement.decision is Decision.DECLINE
    assert judgement.reasons[0].rule == "blocked_email"


async def test_a_block_is_one_merchants_own(fraud):
    """IA1."""
    await fraud.block(Block(OTHER, ListKind.CARD_BIN, "424242"))
    assert await decisions(fraud, 1) == [Decision.APPROVE]
    assert (await fraud.list_blocks(ListBlocks(SHOP))).entries == ()
    with pytest.raises(NotFound):
        await fraud.unblock(Unblock(SHOP, ListKind.CARD_BIN, "424242"))


async def test_a_block_survives_a_restart_until_it_is_lifted(fraud, tmp_path):
    await fraud.block(Block(SHOP, ListKind.CARD_BIN, "424242"))
    later = await build(FakeHost(tmp_path), Settings())
    assert await decisions(later, 1) == [Decision.DECLINE]
    await later.unblock(Unblock(SHOP, ListKind.CARD_BIN, "424242"))
    assert await decisions(later, 1, start=1) == [Decision.APPROVE]


async def test_blocking_again_answers_the_first_entry(fraud, host):
    first = await fraud.block(Block(SHOP, ListKind.IP, "192.0.2.1", "note"))
    host.clock.pass_s(5)
    assert await fraud.block(Block(SHOP, ListKind.IP, "192.0.2.1", "other")) == first
    newer = await fraud.block(Block(SHOP, ListKind.IP, "192.0.2.2"))
    assert (await fraud.list_blocks(ListBlocks(SHOP))).entries == (newer, first)


async def test_an_unusable_value_is_refused_and_never_found(fraud):
    with pytest.raises(BlockValueInvalid):
        await fraud.block(Block(SHOP, ListKind.IP, "here"))
    with pytest.raises(NotFound):
        await fraud.unblock(Unblock(SHOP, ListKind.IP, "here"))


async def test_judging_waits_for_no_database(fraud, host):
    before = host.databases["fraud"].units
    await decisions(fraud, 10)
    assert host.databases["fraud"].units == before


async def test_judgements_are_written_when_the_host_drains(fraud, host):
    await decisions(fraud, 450)
    job = asyncio.create_task(host.jobs["fraud.write_down"]())
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    ((count,),) = host.databases["fraud"].connection.execute("SELECT COUNT(*) FROM judgements")
    assert count == 450


async def test_judgements_wait_while_the_database_is_away(fraud, host):
    database = host.databases["fraud"]
    write = database.write

    async def away(unit):
        raise Unavailable("The disk is full.")

    database.write = away
    await decisions(fraud, 3)
    with pytest.raises(Unavailable):
        await fraud.write_down()
    database.write = write
    await fraud.write_down()
    rows = database.connection.execute("SELECT attempt FROM judgements ORDER BY attempt").fetchall()
    assert rows == [("att_0",), ("att_1",), ("att_2",)]


async def test_the_memory_of_attempts_is_bounded(fraud):
    await decisions(fraud, 10_001)
    assert len(fraud._judged) == 10_000


def test_thresholds_that_do_not_rise_are_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"challenge_from": 800}, Settings)
