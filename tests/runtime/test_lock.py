"""Leases: one holder at a time, and no late write of a former one."""

from __future__ import annotations

import asyncio

import pytest

from sycee.kernel.clock import Instant, after
from sycee.runtime import lock
from sycee.runtime.database import Publisher, Session
from sycee.runtime.database.schema import Schema
from sycee.runtime.lock import Lease, LeaseLost, Leases
from tests.runtime.database.engines import Engine
from tests.runtime.database.pots import SCHEMA, names, put


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.instant = Instant(10**18)

    def now(self) -> Instant:
        return self.instant

    def monotonic_s(self) -> float:
        return 0.0

    def pass_s(self, seconds: float) -> None:
        self.instant = after(self.instant, seconds)


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
async def database(engine: Engine) -> Publisher:
    return await engine.open("pots", Schema(SCHEMA.sql + lock.TABLE))


@pytest.fixture
def leases(database: Publisher, clock: Hand) -> Leases:
    return Leases(database, clock)


def put_under(lease: Lease, pot: str):  # type: ignore[no-untyped-def]
    def unit(session: Session) -> int:
        lock.check(session, lease)
        return put(pot)(session)

    return unit


async def held(leases: Leases, holder: str) -> Lease:
    lease = await leases.acquire("settlement", holder, 10)
    assert lease is not None
    return lease


async def test_one_of_many_gets_the_lease(leases: Leases) -> None:
    """RE5."""
    wishes = (leases.acquire("settlement", str(number), 10) for number in range(20))
    assert sum(lease is not None for lease in await asyncio.gather(*wishes)) == 1


async def test_other_names_are_other_leases(leases: Leases) -> None:
    await held(leases, "a")
    assert await leases.acquire("expiry", "b", 10) is not None


async def test_a_lease_that_ran_out_goes_to_another_under_a_larger_token(
    leases: Leases, clock: Hand
) -> None:
    """RE5."""
    first = await held(leases, "a")
    clock.pass_s(9.999)
    assert await leases.acquire("settlement", "b", 10) is None
    clock.pass_s(0.001)
    assert (await held(leases, "b")).token > first.token


async def test_a_late_write_of_a_former_holder_is_refused(
    leases: Leases, database: Publisher, clock: Hand
) -> None:
    """RE5: the holder was frozen, and wakes up with its lease in hand."""
    frozen = await held(leases, "a")
    assert await database.write(put_under(frozen, "in time")) == 1
    clock.pass_s(30)
    current = await held(leases, "b")
    assert await database.write(put_under(current, "of the new holder")) == 1
    with pytest.raises(LeaseLost):
        await database.write(put_under(frozen, "late"))
    with pytest.raises(LeaseLost):
        await leases.renew(frozen, 10)
    assert await database.read(names) == ["in time", "of the new holder"]


async def test_a_write_in_one_group_with_the_change_of_holder_is_ordered_by_it(
    leases: Leases, database: Publisher, clock: Hand
) -> None:
    """RE5."""
    former = await held(leases, "a")
    clock.pass_s(30)
    before, current, after_it = await asyncio.gather(
        database.write(put_under(former, "before")),
        leases.acquire("settlement", "b", 10),
        database.write(put_under(former, "after")),
        return_exceptions=True,
    )
    assert before == 1
    assert isinstance(current, Lease)
    assert isinstance(after_it, LeaseLost)


async def test_renewing_keeps_token_and_lease(leases: Leases, clock: Hand) -> None:
    lease = await held(leases, "a")
    clock.pass_s(9)
    renewed = await leases.renew(lease, 10)
    clock.pass_s(9)
    assert await leases.acquire("settlement", "b", 10) is None
    assert renewed.token == lease.token


async def test_acquiring_again_is_renewing(leases: Leases, clock: Hand) -> None:
    lease = await held(leases, "a")
    clock.pass_s(9)
    again = await held(leases, "a")
    assert (again.token, again.until) == (lease.token, after(lease.until, 9))


async def test_a_released_lease_is_free_at_once_and_over_for_its_holder(
    leases: Leases, database: Publisher
) -> None:
    lease = await held(leases, "a")
    await leases.release(lease)
    await leases.release(lease)
    with pytest.raises(LeaseLost):
        await database.write(put_under(lease, "late"))
    assert (await held(leases, "b")).token > lease.token


async def test_releasing_a_lost_lease_takes_it_from_nobody(leases: Leases, clock: Hand) -> None:
    lost = await held(leases, "a")
    clock.pass_s(30)
    current = await held(leases, "b")
    await leases.release(lost)
    assert await leases.acquire("settlement", "c", 10) is None
    assert await leases.renew(current, 10)
