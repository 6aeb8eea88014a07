"""The real library: requests and answers cross it, and it never keeps anybody waiting."""

from __future__ import annotations

import asyncio
import importlib
import socket
import time

import pytest
from msgspec.structs import asdict
from tests.services.ledger.notation import account, transfer

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.ledger.adapters.tigerbeetle import library
from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger, over_library
from sycee.services.ledger.adapters.tigerbeetle.library import EngineMissing, load
from sycee.services.ledger.adapters.tigerbeetle.messages import Operation, codes
from sycee.services.ledger.adapters.tigerbeetle.session import Session, SessionEnded, TooMuch
from sycee.services.ledger.contract import Accounts, LookupAccounts, Transfers, results
from sycee.services.ledger.domain.record import encode_accounts, encode_transfers

pytest.importorskip("tigerbeetle", reason="pip install 'sycee[tigerbeetle]'")


def nobody():
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
async def echo():
    """A session that answers with what it was asked."""
    session = Session(load(), 0, nobody(), is_echo=True)
    yield session
    await session.close()


async def test_bytes_cross_the_library_unchanged(echo):
    records = encode_transfers(transfer(n, 1, 2, n) for n in range(1, 8190))
    replies = await asyncio.gather(
        *(echo.send(Operation.CREATE_TRANSFERS, records[: 128 * n]) for n in (1, 7, 300, 8189))
    )
    assert [reply.body for reply in replies] == [records[: 128 * n] for n in (1, 7, 300, 8189)]


async def test_what_is_too_much_is_said_so(echo):
    with pytest.raises(TooMuch):
        await echo.send(Operation.CREATE_TRANSFERS, bytes(128 * 8190))
    assert (await echo.send(Operation.CREATE_TRANSFERS, b"")).body == b""


async def test_after_closing_nothing_is_sent(echo):
    await echo.close()
    with pytest.raises(SessionEnded, match="closed"):
        echo.send(Operation.CREATE_TRANSFERS, b"")
    await echo.close()


async def test_where_nobody_listens_calls_end_in_time_and_closing_works():
    engine = TigerBeetleLedger(over_library(7, nobody()), 0.2, 1000)
    begin = time.monotonic()
    calls = [
        engine.create_accounts(Accounts((account(1),))),
        *(engine.create_transfers(Transfers((transfer(n, 1, 2, 1),))) for n in range(1, 50)),
        *(engine.lookup_accounts(LookupAccounts((U128(1),))) for _ in range(50)),
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    await engine.close()
    assert time.monotonic() - begin < 10


async def test_closing_ends_what_is_in_flight():
    session = Session(load(), 0, nobody())
    answer = session.send(Operation.LOOKUP_ACCOUNTS, bytes(16))
    await session.close()
    with pytest.raises(SessionEnded, match="closed"):
        await answer


async def test_an_address_that_is_none_is_named():
    with pytest.raises(EngineMissing, match=r"'nowhere at all'.*host:port"):
        Session(load(), 0, "nowhere at all")


def test_without_the_package_the_message_names_what_to_install(monkeypatch):
    def absent(name):
        raise library.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(library.metadata, "version", absent)
    with pytest.raises(EngineMissing, match=r"pip install 'sycee\[tigerbeetle\]'"):
        load.__wrapped__()


def test_another_release_is_refused(monkeypatch):
    monkeypatch.setattr(library.metadata, "version", lambda name: "0.99.1")
    with pytest.raises(EngineMissing, match=r"0\.99\.1 is installed; this Sycee speaks 0\.17\.x"):
        load.__wrapped__()


@pytest.mark.parametrize("kind", ["Account", "Transfer"])
def test_codes_and_their_precedence_are_the_packages_own(kind):
    """Both are written in order of precedence; only "created" has another number there."""
    theirs = getattr(importlib.import_module("tigerbeetle"), f"Create{kind}Status")
    ours = getattr(results, f"Create{kind}Result")
    assert [(each.name, each.value) for each in ours][1:] == [
        (each.name, each.value) for each in theirs
    ][1:]
    rows = b"".join(bytes(8) + each.value.to_bytes(4, "little") + bytes(4) for each in theirs)
    assert list(codes(rows)) == [each.value for each in ours]


@pytest.mark.parametrize("kind", ["Account", "Transfer"])
def test_records_are_the_packages_own(kind):
    bindings = importlib.import_module("tigerbeetle.bindings")
    structure = getattr(bindings, f"C{kind}")
    event = account(7, flags=2, user_data_128=8, user_data_64=9, user_data_32=10, timestamp=11)
    if kind == "Transfer":
        event = transfer(7, 2**64, 3, 2**100, pending_id=4, timeout_s=5, flags=2, user_data_32=6)
    fields = {"timeout" if n == "timeout_s" else n: v for n, v in asdict(event).items()}
    made = structure.from_param(getattr(bindings, kind)(**fields))
    encode = encode_transfers if kind == "Transfer" else encode_accounts
    assert bytes(made) == encode((event,))


def test_operations_are_the_packages_own():
    theirs = importlib.import_module("tigerbeetle.bindings").Operation
    assert {each.name: each.value for each in Operation} == {
        each.name: each.value for each in theirs if each.name != "PULSE"
    }
