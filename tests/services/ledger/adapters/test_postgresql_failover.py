"""kill -9 of the server and of the writer under load: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from tests import postgres
from tests.runtime.until import until
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.on_postgresql import OnPostgresql
from tests.services.ledger.notation import account, transfer

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    Accounts,
    CreateTransferResult,
    LookupTransfers,
    TransferId,
    Transfers,
    TrialBalanceQuery,
)

ROOT = Path(__file__).parents[4]
OK, EXISTS = CreateTransferResult.OK, CreateTransferResult.EXISTS
KILLS = 3


@pytest.fixture(scope="module")
def frail_server():
    """A server that its tests may kill."""
    with postgres.running() as server:
        yield server


async def recorded(ledger, numbers):
    """Which of these transfers are in the books."""
    ids = tuple(TransferId(U128(number)) for number in sorted(numbers))
    found = [
        one.id
        for begin in range(0, len(ids), 1000)
        for one in (
            await ledger.lookup_transfers(LookupTransfers(ids[begin : begin + 1000]))
        ).transfers
    ]
    assert len(found) == len(set(found)), "none is doubled"
    return set(found)


async def posted(ledger):
    return (await ledger.trial_balance(TrialBalanceQuery())).lines[0].debits_posted


async def test_a_killed_server_loses_nothing_that_was_acknowledged(frail_server):
    """MS1, MS7, RE7: the calls in hand are refused; repeated, each is recorded once."""
    engine = await OnPostgresql(await frail_server.fresh(), FakeClock()).open()
    ledger = engine.ledger
    await ledger.create_accounts(Accounts((account(1), account(2))))
    asked, acknowledged = set(), set()

    async def caller(place, kill):
        for step in range(10_000):
            number = 1 + place + 8 * step + 100_000 * kill
            asked.add(number)
            answer = await ledger.create_transfers(Transfers((transfer(number, 1, 2, 3),)))
            assert answer.codes == (OK,)
            acknowledged.add(number)

    async def crash():
        enough = len(acknowledged) + 100

        async def is_enough():
            return len(acknowledged) > enough

        await until(is_enough)
        await asyncio.to_thread(frail_server.kill)

    for kill in range(KILLS):
        done = await asyncio.gather(
            *(caller(place, kill) for place in range(8)), crash(), return_exceptions=True
        )
        assert [type(one) for one in done[:8]] == [Unavailable] * 8
        with pytest.raises(Unavailable):
            await posted(ledger)
        await asyncio.to_thread(frail_server.start)
        kept = await recorded(ledger, asked)
        assert acknowledged <= kept
        assert await posted(ledger) == 3 * len(kept)
        for number in asked - acknowledged:
            answer = await ledger.create_transfers(Transfers((transfer(number, 1, 2, 3),)))
            assert answer.codes == ((EXISTS if number in kept else OK),)
            acknowledged.add(number)
        assert await posted(ledger) == 3 * len(asked)
    await ledger.close()


async def test_a_killed_writer_loses_nothing_that_was_acknowledged(dsn):
    """MS1, RE10: another writer opens as soon as the killed one's connection is gone."""
    acknowledged = set()
    for kill in range(KILLS):
        writer = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.services.ledger.adapters.writer",
            dsn,
            str(1 + 100_000 * kill),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert writer.stdout is not None
        lines = [await writer.stdout.readline() for _ in range(150)]
        writer.kill()
        lines += (await writer.stdout.read()).splitlines()
        await writer.wait()
        acknowledged |= {int(line) for line in lines}
        engine = await OnPostgresql(dsn, FakeClock()).open()
        assert acknowledged == await recorded(engine.ledger, acknowledged)
        unknown = await posted(engine.ledger) // 3 - len(acknowledged)
        assert 0 <= unknown <= 8 * (kill + 1), "what was in hand, and no more"
        await engine.ledger.close()
