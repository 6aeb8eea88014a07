"""The same against a real replica, where there is one."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress

import pytest
from tests.services.ledger.adapters.tigerbeetle.engines import over
from tests.services.ledger.adapters.tigerbeetle.live import (
    Live,
    cluster,
    needs_cluster,
    needs_program,
    server,
)
from tests.services.ledger.conformance import crowd, walk
from tests.services.ledger.notation import SECOND, account, transfer
from tests.services.ledger.test_move import mischievous, quietly

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.runtime.clock import SystemClock
from sycee.services.ledger.adapters.tigerbeetle.ledger import over_library
from sycee.services.ledger.contract import (
    Accounts,
    ListTransfers,
    LookupAccounts,
    LookupTransfers,
    Transfers,
)
from sycee.services.ledger.jobs.move import move


@needs_program
@pytest.mark.parametrize("seed", range(4))
async def test_a_walk_of_mischief_is_answered_as_by_the_model(tmp_path_factory, seed):
    with server(tmp_path_factory.mktemp("books")) as running:
        engine = Live(running.address)
        await walk(engine, seed, steps=150)
        await engine.engine.close()


@needs_program
async def test_calls_that_come_at_once_are_answered_as_if_one_by_one(tmp_path_factory):
    with server(tmp_path_factory.mktemp("books")) as running:
        engine = Live(running.address, lanes=1)
        await crowd(engine, 1)
        await engine.engine.close()


@needs_program
async def test_books_are_moved_into_a_cluster(tmp_path_factory):
    source = mischievous(5, begin=time.time_ns() - 3600 * SECOND)
    with server(tmp_path_factory.mktemp("books")) as running:
        engine = over(over_library(0, running.address))
        moved = await move(source, engine, SystemClock(), quietly)
        assert moved.findings == ()
        assert moved == await move(source, engine, SystemClock(), quietly)
        await engine.close()


async def until_it_answers(engine):
    """The first session takes its time on a machine at work."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(Unavailable):
            return await engine.lookup_accounts(LookupAccounts((U128(1),)))
    raise AssertionError("the cluster does not answer")


@needs_program
async def test_a_server_that_is_killed_under_load_loses_nothing_that_was_answered(
    tmp_path_factory,
):
    with server(tmp_path_factory.mktemp("books")) as running:
        engine = over(over_library(0, running.address), deadline_s=1.0)
        await until_it_answers(engine)
        await engine.create_accounts(Accounts((account(1), account(2))))
        answered, failed = set(), []
        is_up = asyncio.Event()

        async def pay(lane):
            number = lane
            while number < 40_000:
                number += 1000
                while True:
                    begin = time.monotonic()
                    try:
                        answer = await engine.create_transfers(
                            Transfers((transfer(number, 1, 2, 1),))
                        )
                    except Unavailable:
                        assert time.monotonic() - begin < 10
                        failed.append(number)
                        await is_up.wait()
                        continue
                    assert answer.codes in ((0,), (46,))
                    answered.add(number)
                    break

        async def strike():
            while len(answered) < 100:
                await engine.lookup_accounts(LookupAccounts((U128(1),)))
            running.kill()
            while not failed:
                with suppress(Unavailable):
                    await engine.lookup_accounts(LookupAccounts((U128(1),)))
            await asyncio.to_thread(running.start)
            is_up.set()

        await asyncio.gather(strike(), *(pay(lane) for lane in range(1, 65)))
        assert failed
        ids = LookupTransfers(tuple(map(U128, sorted(answered))))
        assert len((await engine.lookup_transfers(ids)).transfers) == len(answered) == 64 * 40
        found = (await engine.lookup_accounts(LookupAccounts((U128(1),)))).accounts
        assert found[0].debits_posted == len(answered)
        await engine.close()


@needs_cluster
async def test_any_cluster_answers(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("books")) as running:
        engine = over(over_library(0, running.address))
        first = secrets.randbits(100) + 1
        opened = (account(first), account(first + 1))
        assert (await engine.create_accounts(Accounts(opened))).codes == (0, 0)
        sent = Transfers((transfer(first, first, first + 1, 7),))
        assert (await engine.create_transfers(sent)).codes == (0,)
        assert (await engine.create_transfers(sent)).codes == (46,)
        listed = await engine.list_transfers(ListTransfers(U128(first)))
        assert [each.amount for each in listed.transfers] == [7]
        await engine.close()
