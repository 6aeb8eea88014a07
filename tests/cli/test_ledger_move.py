"""``./sycee ledger move``: without a cluster, and with one where there is one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from sycee.assembly.storage import claim, path_of, schema_of
from sycee.runtime.clock import SystemClock
from sycee.runtime.database.schema import Schema
from sycee.runtime.database.sqlite import open_sqlite
from sycee.services.ledger.contract import Accounts, Transfers
from sycee.services.ledger.domain.engine import ReferenceEngine
from sycee.services.ledger.domain.journal import Replay
from sycee.services.ledger.service import LedgerService
from sycee.services.ledger.store import DatabaseJournal
from tests.cli.ran import ran
from tests.services.ledger.adapters.tigerbeetle.live import needs_program, server
from tests.services.ledger.notation import PENDING, account, transfer

pytest.importorskip("tigerbeetle")


def kept(data: Path) -> None:
    """Books on disk, as a platform that was stopped leaves them."""

    data.mkdir()

    async def keep() -> None:
        schema = Schema(schema_of("ledger"))
        database = await open_sqlite(path_of(data, "ledger"), schema, "ledger")
        start = Replay()
        journal = DatabaseJournal(database, start.head)
        engine = ReferenceEngine(start.books)
        ledger = LedgerService(engine, journal, SystemClock(), 1000)
        await ledger.create_accounts(Accounts((account(1), account(2))))
        lasting = transfer(11, 1, 2, 5, flags=PENDING, timeout_s=900)
        await ledger.create_transfers(Transfers((transfer(10, 1, 2, 7), lasting)))
        await database.close()

    asyncio.run(keep())


def moved(folder: Path, address: str, *more: str) -> tuple[int, str, str]:
    words = ["--data", str(folder / "data"), "--to", "tigerbeetle", "--addresses", address]
    done = ran(folder, "ledger", "move", *words, *more)
    return done.returncode, done.stdout, done.stderr


def test_without_a_cluster_the_command_ends_and_says_why(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    kept(folder / "data")
    soon = ("--set", "ledger.tigerbeetle_deadline_s=0.2")
    status, out, said = moved(folder, "127.0.0.1:1", *soon)
    assert (status, out) == (2, "")
    assert "sycee: TigerBeetle has not answered within 0.2 s" in said
    status, _, said = moved(folder, "no address", *soon)
    assert status == 2
    assert "is not of the form host:port" in said


def test_books_that_are_not_right_are_not_moved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    kept(folder / "data")
    path = folder / "data" / "ledger.sqlite"

    async def damage() -> None:
        database = await open_sqlite(path, Schema(schema_of("ledger")), "ledger")
        await database.write(
            lambda session: session.run("UPDATE log SET timestamp = timestamp + 1")
        )
        await database.close()

    asyncio.run(damage())
    status, _, said = moved(folder, "127.0.0.1:1")
    assert status == 2
    assert "sycee: the books are not right: log 1" in said


def test_books_in_use_are_not_moved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    lock = claim(folder / "data", "ledger")
    status, _, said = moved(folder, "127.0.0.1:1")
    os.close(lock)
    assert status == 2
    assert "is in use: another sycee runs on these data" in said


@needs_program
def test_books_are_moved_and_proven_equal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    kept(folder / "data")
    wait = ("--set", "ledger.tigerbeetle_deadline_s=60")
    with server(folder) as replica:
        for _ in range(2):
            status, out, _ = moved(folder, replica.address, *wait)
            assert status == 0
            assert out.splitlines() == [
                "2 accounts, 2 transfers, 0 expiries",
                "1 pending transfers recorded as of now",
                "The books are equal.",
            ]
