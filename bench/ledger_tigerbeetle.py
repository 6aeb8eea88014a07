"""Transfers per second into one TigerBeetle replica: Sycee's engine, and the official client.

Needs the server's program, named by SYCEE_TIGERBEETLE; the replica gets a file of its own here.
Both take turns on the same books; prints one JSON object with medians. Bars: 250,000 transfers/s
at 8,189 a batch, and five times the official client.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import msgspec

from bench.machine import report
from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger, over_library
from sycee.services.ledger.contract import (
    BATCH_MAX,
    Account,
    AccountId,
    Accounts,
    Records,
    Transfer,
    TransferId,
    Transfers,
)
from sycee.services.ledger.domain.record import encode_transfers

ROUNDS = 7
BATCHES = 24
"""Per round and client: about 200,000 transfers."""
ACCOUNTS = 10_000
CALLERS = 64
CALLS = 40
START_S = 120


class Figures(msgspec.Struct, frozen=True):
    """Medians of all rounds; the least and the most beside them."""

    batch: int
    rounds: int
    sycee_transfers_per_s: int
    sycee_transfers_per_s_range: tuple[int, int]
    official_transfers_per_s: int
    official_transfers_per_s_range: tuple[int, int]
    times_the_official: float
    sycee_client_cpu_us_per_transfer: float
    official_client_cpu_us_per_transfer: float
    sycee_transfers_per_s_64_callers: int
    """One transfer a call, as Structs."""
    load_average: float
    """At the end: above the number of cores, others were at work too."""


def transfers(first: int, count: int) -> tuple[Transfer, ...]:
    """Between accounts spread evenly, with ids that grow with time."""
    return tuple(
        Transfer(
            TransferId(U128(number)),
            AccountId(U128(1 + number % ACCOUNTS)),
            AccountId(U128(1 + (number * 7 + 1) % ACCOUNTS)),
            U128(1),
            1,
            1,
        )
        for number in range(first, first + count)
    )


@contextmanager
def replica(program: str, folder: Path) -> Iterator[str]:
    """A replica with a file of its own; its address."""
    file = str(folder / "0_0.tigerbeetle")
    formatted = ("--cluster=0", "--replica=0", "--replica-count=1", file)
    subprocess.run([program, "format", *formatted], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = (f"--addresses=127.0.0.1:{port}", "--cache-grid=1GiB", file)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "start", *arguments], stdout=log, stderr=log)
    try:
        until = time.monotonic() + START_S
        while not _listens(port):
            assert time.monotonic() < until, "the replica does not listen"
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Round(msgspec.Struct, frozen=True):
    """Transfers per second, and the client's own time for each."""

    per_s: float
    cpu_us: float


async def ours(ledger: TigerBeetleLedger, first: int) -> Round:
    """Records in whole batches, three callers at once."""
    batches = iter(
        [
            Records(encode_transfers(transfers(first + n * BATCH_MAX, BATCH_MAX)))
            for n in range(BATCHES)
        ]
    )

    async def caller() -> None:
        for batch in batches:
            answer = await ledger.record_transfers(batch)
            assert not any(answer.codes)

    begin, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(3)))
    return _round(begin, cpu)


def official(address: str, first: int) -> Round:
    """The same through the package's own client, from its own objects made before."""
    package = import_module("tigerbeetle")
    batches = [
        [
            package.Transfer(
                id=each.id,
                debit_account_id=each.debit_account_id,
                credit_account_id=each.credit_account_id,
                amount=each.amount,
                ledger=each.ledger,
                code=each.code,
            )
            for each in transfers(first + n * BATCH_MAX, BATCH_MAX)
        ]
        for n in range(BATCHES)
    ]
    created = package.CreateTransferStatus.CREATED
    with package.ClientSync(cluster_id=0, replica_addresses=address) as client:
        client.lookup_accounts([1])
        begin, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            assert all(each.status == created for each in client.create_transfers(batch))
        return _round(begin, cpu)


def _round(begin: float, cpu: float) -> Round:
    count = BATCHES * BATCH_MAX
    took, worked = time.perf_counter() - begin, time.process_time() - cpu
    return Round(count / took, worked / count * 1e6)


async def crowd(ledger: TigerBeetleLedger, first: int) -> float:
    """One transfer a call, from many callers at once."""

    async def caller(number: int) -> None:
        for place in range(CALLS):
            one = transfers(first + number * CALLS + place, 1)
            assert (await ledger.create_transfers(Transfers(one))).codes == (0,)

    begin = time.perf_counter()
    await asyncio.gather(*map(caller, range(CALLERS)))
    return CALLERS * CALLS / (time.perf_counter() - begin)


async def measure(address: str) -> Figures:
    """All rounds, in turns."""
    ledger = TigerBeetleLedger(over_library(0, address), 60.0, 10 * BATCH_MAX)
    accounts = tuple(Account(AccountId(U128(n)), 1, 1) for n in range(1, ACCOUNTS + 1))
    for begin in range(0, ACCOUNTS, BATCH_MAX):
        some = Accounts(accounts[begin : begin + BATCH_MAX])
        assert not any((await ledger.create_accounts(some)).codes)
    size = BATCHES * BATCH_MAX
    mine, theirs, many = [], [], []
    for number in range(ROUNDS):
        first = 1 + 3 * number * size
        mine.append(await ours(ledger, first))
        theirs.append(await asyncio.to_thread(official, address, first + size))
        many.append(await crowd(ledger, first + 2 * size))
        sys.stderr.write(f"round {number + 1} of {ROUNDS}\n")
    await ledger.close()
    ours_s, theirs_s = [each.per_s for each in mine], [each.per_s for each in theirs]
    return Figures(
        batch=BATCH_MAX,
        rounds=ROUNDS,
        sycee_transfers_per_s=round(statistics.median(ours_s)),
        sycee_transfers_per_s_range=(round(min(ours_s)), round(max(ours_s))),
        official_transfers_per_s=round(statistics.median(theirs_s)),
        official_transfers_per_s_range=(round(min(theirs_s)), round(max(theirs_s))),
        times_the_official=round(statistics.median(ours_s) / statistics.median(theirs_s), 2),
        sycee_client_cpu_us_per_transfer=round(statistics.median(e.cpu_us for e in mine), 3),
        official_client_cpu_us_per_transfer=round(statistics.median(e.cpu_us for e in theirs), 3),
        sycee_transfers_per_s_64_callers=round(statistics.median(many)),
        load_average=round(os.getloadavg()[0], 2),
    )


def main() -> None:
    """Start the replica and measure."""
    program = os.environ.get("SYCEE_TIGERBEETLE", "")
    if not Path(program).is_file():
        sys.exit("SYCEE_TIGERBEETLE must name the program tigerbeetle.")
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        replica(program, Path(folder)) as address,
    ):
        report(asyncio.run(measure(address)))


if __name__ == "__main__":
    main()
