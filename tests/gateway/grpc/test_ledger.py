"""Programs outside write the ledger: by batches, by streams of batches, by records."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import grpc
import pytest
from google.protobuf.message import Message

from sycee.gateway.access import Access
from sycee.gateway.grpc import batches, compiling, schema
from sycee.gateway.grpc.compiling import Decoder
from sycee.gateway.grpc.door import MESSAGE_BYTES_MAX, Door
from sycee.gateway.grpc.offer import Offered, offered
from sycee.gateway.grpc.stream import UNANSWERED_BYTES_MAX, Stream
from sycee.gateway.rates import Rates, Turnstile
from sycee.kernel.clock import Instant
from sycee.kernel.ids import Ids
from sycee.kernel.refusal import NotFound, Unavailable
from sycee.kernel.u128 import U128
from sycee.runtime.config import ConfigurationInvalid
from sycee.services.identity.contract import ApiKeyInvalid, Authenticate, Caller
from sycee.services.ledger.contract import (
    BATCH_MAX,
    Account,
    AccountId,
    Accounts,
    Change,
    ChangeKind,
    Changes,
    ListChanges,
    RecordResults,
    Records,
    Transfer,
    TransferId,
)
from sycee.services.ledger.domain.record import encode_accounts, encode_transfers
from tests.gateway.grpc.client import FakeIdentity, key, message, refused
from tests.services.floor import FakeClock

WRITER = key("operator ledger:write")
PATIENCE_S = 20
LARGEST = 2**128 - 1
NUMBERS = schema.known_numbers()


def transfer(number: int, **more: int) -> Transfer:
    fields = {"ledger": 840, "code": 1, **more}
    return Transfer(
        TransferId(U128(number)), AccountId(U128(1)), AccountId(U128(LARGEST)), U128(2000), **fields
    )


FULL = Transfer(
    TransferId(U128(2**127 + 1)),
    AccountId(U128(2)),
    AccountId(U128(3)),
    U128(LARGEST),
    2**32 - 1,
    2**16 - 1,
    2**16 - 2,
    TransferId(U128(4)),
    2**32 - 3,
    U128(5),
    2**64 - 1,
    2**32 - 4,
    2**63 - 1,
)
"""A transfer that fills every field."""


def batch(*transfers: Transfer) -> bytes:
    """The message ``Transfers``, by the protobuf library."""
    request = message("Transfers")()
    for each in transfers:
        _add(request.transfers, each, Transfer)
    return request.SerializeToString()


def _add(events: object, event: Account | Transfer, kind: type) -> None:
    values = {name: getattr(event, name) for name in kind.__struct_fields__}
    octets = {
        name: value.encode() if isinstance(value, U128) else value for name, value in values.items()
    }
    events.add(**octets)  # type: ignore[attr-defined]


class FakeLedger:
    """Remembers the records it is given; answers each batch when, and as, it is told."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.began = asyncio.Event()
        self.gates: dict[int, asyncio.Event] = {}
        """Batches, by their place, that wait."""
        self.noes: dict[int, Exception] = {}
        self.cancelled = asyncio.Event()

    async def record_transfers(self, command: Records) -> RecordResults:
        place = len(self.asked)
        self.asked.append(command.records)
        self.began.set()
        try:
            if place in self.gates:
                await self.gates[place].wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if place in self.noes:
            raise self.noes[place]
        events = len(command.records) // 128
        return RecordResults(bytes((place + n) % 70 for n in range(events)), Instant(place + 1))

    async def record_accounts(self, command: Records) -> RecordResults:
        return await self.record_transfers(command)

    async def list_changes(self, query: ListChanges) -> Changes:
        opened = Account(AccountId(U128(7)), 840, 1, timestamp=5)
        changes = (
            Change(query.after + 1, ChangeKind.ACCOUNT_OPENED, 5, account=opened),
            Change(query.after + 2, ChangeKind.TRANSFER_EXPIRED, 6, transfer=transfer(1)),
        )
        return Changes(changes[: query.limit])

    async def balances_at(self, query: object) -> Accounts:
        raise NotFound("reached")

    def __getattr__(self, name: str) -> object:
        return self.balances_at


class ForgetfulIdentity(FakeIdentity):
    """Can revoke every key."""

    is_revoked = False

    async def authenticate(self, query: Authenticate) -> Caller:
        if self.is_revoked:
            raise ApiKeyInvalid("no such key")
        return await super().authenticate(query)


class Open:
    """An open door, what stands behind it, and a way to it."""

    def __init__(self, decoder: Decoder, rates: Rates | None = None) -> None:
        self.ledger = FakeLedger()
        self.identity = ForgetfulIdentity()
        self.clock = FakeClock()
        access = Access(self.identity, self.clock)  # type: ignore[arg-type]
        ids = Ids(self.clock, lambda size: bytes(size))
        turnstile = Turnstile(self.clock.monotonic_s, rates or Rates())
        self.door = Door(access, turnstile, {"ledger": self.ledger}, ids, decoder)
        self.channel: grpc.aio.Channel

    def call(self, name: str, body: bytes, metadata: object = WRITER) -> Awaitable[bytes]:
        method = self.channel.unary_unary(f"/sycee.v1.Ledger/{name}")
        return method(body, metadata=metadata, timeout=PATIENCE_S)

    def stream(self, metadata: object = WRITER) -> grpc.aio.StreamStreamCall[bytes, bytes]:
        method = self.channel.stream_stream("/sycee.v1.Ledger/StreamTransfers")
        return method(metadata=metadata, timeout=PATIENCE_S)


@pytest.fixture
async def plain() -> AsyncIterator[Open]:
    async for opened in _opened(Decoder.PLAIN):
        yield opened


@pytest.fixture
async def narrow() -> AsyncIterator[Open]:
    """One message a second."""
    async for opened in _opened(Decoder.PLAIN, Rates(writes_per_s=1)):
        yield opened


@pytest.fixture(params=[Decoder.PLAIN, Decoder.COMPILED])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    if request.param is Decoder.COMPILED:
        pytest.importorskip("numba")
    async for opened in _opened(request.param):
        yield opened


async def _opened(decoder: Decoder, rates: Rates | None = None) -> AsyncIterator[Open]:
    opened = Open(decoder, rates)
    await opened.door.open("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{opened.door.port}") as opened.channel:
        yield opened
    await opened.door.drain()


def results(body: bytes) -> Message:
    return message("TransferResults").FromString(body)


async def test_a_batch_of_transfers_becomes_records(door: Open) -> None:
    transfers = [FULL, transfer(1), Transfer(TransferId(U128(0)))]
    reply = results(await door.call("CreateTransfers", batch(*transfers)))
    assert door.ledger.asked == [encode_transfers(transfers)]
    assert (list(reply.codes), reply.timestamp) == ([0, 1, 2], 1)


async def test_a_batch_of_accounts_becomes_records(door: Open) -> None:
    accounts = [
        Account(AccountId(U128(LARGEST)), 840, 1, 2, U128(3), 2**64 - 1, 5),
        Account(AccountId(U128(1)), 1, 2, 3, U128(4), 5, 6, U128(7), U128(8), U128(9), U128(10)),
    ]
    request = message("Accounts")()
    for each in accounts:
        _add(request.accounts, each, Account)
    body = await door.call("CreateAccounts", request.SerializeToString())
    assert door.ledger.asked == [encode_accounts(accounts)]
    assert list(message("AccountResults").FromString(body).codes) == [0, 1]


async def test_a_full_batch_is_taken_and_a_fuller_one_refused(door: Open) -> None:
    """AE6."""
    transfers = [FULL] * BATCH_MAX
    reply = results(await door.call("CreateTransfers", batch(*transfers)))
    assert len(reply.codes) == BATCH_MAX
    status, told = await refused(door.call("CreateTransfers", batch(*transfers, FULL)))
    assert status is grpc.StatusCode.INVALID_ARGUMENT
    assert told["sycee-code"] == "batch_too_large"
    assert len(door.ledger.asked) == 1


async def test_an_empty_batch_has_no_codes(door: Open) -> None:
    assert list(results(await door.call("CreateTransfers", b"")).codes) == []
    assert door.ledger.asked == [b""]


@pytest.mark.parametrize("padding", [b"\x0a\x02\x38\x01", b"\x12\x01x\x0a\x02\x38\x01"])
@pytest.mark.parametrize(
    ("event", "code", "param", "words"),
    [
        (b"\x0a", "body_invalid", "transfers", "transfers[1] is malformed"),
        (b"\x38\x80", "body_invalid", "transfers", "transfers[1] is malformed"),
        (b"\x0a\x01x", "parameter_invalid", "id", "transfers[1]: id takes 16 bytes"),
        (b"\x22\x11" + bytes(17), "parameter_invalid", "amount", "amount takes 16 bytes"),
        (b"\x28\x80\x80\x80\x80\x10", "field_out_of_range", "ledger", "takes 0 to 2^32 - 1"),
        (b"\x30\x80\x80\x04", "field_out_of_range", "code", "takes 0 to 2^16 - 1"),
        (b"\x38" + b"\xff" * 9 + b"\1", "field_out_of_range", "flags", "takes 0 to 2^16 - 1"),
        (b"\x68" + b"\xff" * 9 + b"\1", "field_out_of_range", "timestamp", "2^63 - 1"),
        (b"\x30\x80\x80\x04\x0a\x01x", "parameter_invalid", "id", "transfers[1]"),
    ],
)
async def test_what_is_wrong_is_named_with_its_event(
    door: Open, padding: bytes, event: bytes, code: str, param: str, words: str
) -> None:
    """AE1."""
    body = padding + b"\x0a" + bytes([len(event)]) + event
    with pytest.raises(grpc.aio.AioRpcError) as no:
        await door.call("CreateTransfers", body)
    told = dict(no.value.trailing_metadata())
    assert no.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (told["sycee-code"], told["sycee-param"]) == (code, param)
    assert told["sycee-facts-bin"] == b'{"event":"1"}'
    assert words in (no.value.details() or "")
    assert door.ledger.asked == []


async def test_a_message_beyond_the_limit_is_refused(plain: Open) -> None:
    """AE6."""
    status, _ = await refused(plain.call("RecordTransfers", bytes(MESSAGE_BYTES_MAX + 1)))
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert plain.ledger.asked == []


async def test_records_go_as_they_are(plain: Open) -> None:
    records = encode_transfers([FULL, transfer(1)])
    request = message("Records")(records=records).SerializeToString()
    reply = message("RecordResults").FromString(await plain.call("RecordTransfers", request))
    assert plain.ledger.asked == [records]
    assert (reply.codes, reply.timestamp) == (b"\0\1", 1)


async def test_the_change_feed_says_its_kinds_in_words(plain: Open) -> None:
    request = message("ListChanges")(after=6)
    body = await plain.call("ListChanges", request.SerializeToString(), key("operator"))
    opened, expired = message("Changes").FromString(body).changes
    assert (opened.sequence, opened.kind, opened.account.id[-1]) == (7, "account_opened", 7)
    assert (expired.sequence, expired.kind, expired.transfer.code) == (8, "transfer_expired", 1)
    assert not opened.HasField("transfer") and not expired.HasField("account")


@pytest.mark.parametrize("kind", ["TransferResults", "AccountResults"])
@pytest.mark.parametrize("codes", [b"", b"\0", bytes(range(256)), bytes(BATCH_MAX), b"\x80"])
def test_codes_are_written_as_the_library_reads_them(kind: str, codes: bytes) -> None:
    (described,) = {
        each
        for one in offered()
        if (each := batches.of(one.operation)) is not None and each.reply == kind
    }
    written = batches.Writer(described, NUMBERS).write(RecordResults(codes, Instant(2**63 - 1)))
    reply = message(kind).FromString(written)
    assert bytes(reply.codes) == codes
    assert kind == "AccountResults" or reply.timestamp == 2**63 - 1


LEDGER = [each for each in offered() if each.service == "ledger"]
WRITES = {
    "create_accounts",
    "create_transfers",
    "record_accounts",
    "record_transfers",
    "stream_transfers",
}


@pytest.mark.parametrize("each", LEDGER, ids=[each.operation.name for each in LEDGER])
@pytest.mark.parametrize(
    ("who", "may_read", "may_write"),
    [
        ("secret", False, False),
        ("secret ledger:write", False, False),
        ("publishable", False, False),
        ("read_only", False, False),
        ("operator", True, False),
        ("operator ledger:read", True, False),
        ("operator payments:write", False, False),
        ("operator ledger:write", False, True),
        ("operator ledger:read ledger:write", True, True),
    ],
)
async def test_the_ledger_is_the_operators_and_writing_takes_the_scope_by_name(
    plain: Open, each: Offered, who: str, may_read: bool, may_write: bool
) -> None:
    """IA1."""
    name = schema.method_name(each.operation.name)
    may = may_write if each.operation.name in WRITES else may_read
    if each.streamed:
        call: Awaitable[object] = _streamed(plain.stream(key(who)), [b""] if may else [])
    else:
        call = plain.call(name, b"", key(who))
    if may and each.operation.name in {*WRITES, "list_changes"}:
        await call
    elif may:
        assert (await refused(call))[1]["sycee-code"] == "not_found"
    else:
        status, told = await refused(call)
        assert status is grpc.StatusCode.PERMISSION_DENIED
        assert told["sycee-code"] == "api_key_not_allowed"
        assert plain.ledger.asked == []


async def _streamed(
    stream: grpc.aio.StreamStreamCall[bytes, bytes], bodies: Sequence[bytes]
) -> list[Message]:
    """Send all, and then take the answers until the end."""
    for body in bodies:
        await stream.write(body)
    if bodies:
        await stream.done_writing()
    return [results(body) async for body in stream]


async def test_a_stream_answers_in_order_what_is_under_way_together(door: Open) -> None:
    gate = door.ledger.gates[0] = asyncio.Event()
    stream = door.stream()
    for number in range(3):
        await stream.write(batch(transfer(number)))
    await _until(door, lambda: len(door.ledger.asked) == 3)
    gate.set()
    await stream.done_writing()
    replies = [results(body) async for body in stream]
    assert [list(reply.codes) for reply in replies] == [[0], [1], [2]]
    assert [reply.timestamp for reply in replies] == [1, 2, 3]
    assert door.ledger.asked == [encode_transfers([transfer(number)]) for number in range(3)]


async def _until(door: Open, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            door.ledger.began.clear()
            await door.ledger.began.wait()


async def test_a_malformed_batch_ends_the_stream_and_nothing_after_it_is_done(door: Open) -> None:
    gate = door.ledger.gates[0] = asyncio.Event()
    stream = door.stream()
    for body in (batch(transfer(1)), b"\x0a\x03\x38", batch(transfer(2))):
        await stream.write(body)
    gate.set()
    first = await stream.read()
    assert isinstance(first, bytes) and list(results(first).codes) == [0]
    status, told = await refused(stream.read())
    assert status is grpc.StatusCode.INVALID_ARGUMENT
    assert told["sycee-code"] == "body_invalid"
    assert len(door.ledger.asked) == 1


@pytest.mark.parametrize(
    ("no", "status", "code"),
    [
        (Unavailable("full"), grpc.StatusCode.UNAVAILABLE, "unavailable"),
        (ValueError("secret detail"), grpc.StatusCode.INTERNAL, "call_failed"),
    ],
)
async def test_the_first_no_of_the_ledger_ends_the_stream(
    plain: Open, no: Exception, status: grpc.StatusCode, code: str
) -> None:
    """AE5."""
    plain.ledger.noes[1] = no
    gate = plain.ledger.gates[0] = asyncio.Event()
    stream = plain.stream()
    for number in range(2):
        await stream.write(batch(transfer(number)))
    gate.set()
    assert isinstance(await stream.read(), bytes)
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await stream.read()
    assert ended.value.code() is status
    assert dict(ended.value.trailing_metadata())["sycee-code"] == code
    assert "secret" not in str(ended.value)


async def test_a_message_over_the_rate_ends_its_stream(narrow: Open) -> None:
    """AE7."""
    stream = narrow.stream()
    for number in (1, 2):
        await stream.write(batch(transfer(number)))
    assert isinstance(await stream.read(), bytes)
    status, told = await refused(stream.read())
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert told["sycee-code"] == "rate_limit"
    assert narrow.ledger.asked == [encode_transfers([transfer(1)])]


async def test_a_revoked_key_ends_its_streams(plain: Open) -> None:
    """IA8."""
    stream = plain.stream()
    await stream.write(batch(transfer(1)))
    assert isinstance(await stream.read(), bytes)
    plain.identity.is_revoked = True
    plain.clock.pass_s(1)
    await stream.write(batch(transfer(2)))
    status, told = await refused(stream.read())
    assert (status, told["sycee-code"]) == (grpc.StatusCode.UNAUTHENTICATED, "api_key_invalid")
    assert len(plain.ledger.asked) == 1


async def test_a_caller_that_goes_away_waits_for_nothing_any_more(plain: Open) -> None:
    plain.ledger.gates[0] = asyncio.Event()
    stream = plain.stream()
    await stream.write(batch(transfer(1)))
    await _until(plain, lambda: len(plain.ledger.asked) == 1)
    stream.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await plain.ledger.cancelled.wait()


async def test_draining_answers_what_is_under_way_and_ends_the_stream(plain: Open) -> None:
    """RE2."""
    gate = plain.ledger.gates[0] = asyncio.Event()
    stream = plain.stream()
    await stream.write(batch(transfer(1)))
    await _until(plain, lambda: len(plain.ledger.asked) == 1)
    draining = asyncio.create_task(plain.door.drain(PATIENCE_S))
    gate.set()
    assert isinstance(await stream.read(), bytes)
    status, _ = await refused(stream.read())
    assert status is grpc.StatusCode.UNAVAILABLE
    async with asyncio.timeout(PATIENCE_S / 2):
        await draining


async def test_an_idle_stream_does_not_hold_up_draining(plain: Open) -> None:
    """RE2."""
    stream = plain.stream()
    await stream.write(batch(transfer(1)))
    assert isinstance(await stream.read(), bytes)
    async with asyncio.timeout(PATIENCE_S / 2):
        await plain.door.drain(PATIENCE_S)
    status, _ = await refused(stream.read())
    assert status is grpc.StatusCode.UNAVAILABLE


class Bodies:
    """A context with messages that are there at once, and what was written to it."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._bodies = list(bodies)
        self.written: list[bytes] = []

    async def read(self) -> object:
        return self._bodies.pop(0) if self._bodies else grpc.aio.EOF

    async def write(self, answer: bytes) -> None:
        self.written.append(answer)


async def test_messages_are_read_only_while_there_is_room() -> None:
    """RE4."""
    context = Bodies([bytes(UNANSWERED_BYTES_MAX // 2)] * 5)
    written_when_begun: list[int] = []
    two_are_under_way = asyncio.Event()

    async def read(body: bytes) -> Records:
        return Records(body)

    async def do(command: object) -> bytes:
        written_when_begun.append(len(context.written))
        if len(written_when_begun) == 2:
            two_are_under_way.set()
        await two_are_under_way.wait()
        return b"done"

    async with asyncio.timeout(PATIENCE_S):
        await Stream(context, read, do).hold()  # type: ignore[arg-type]
    assert written_when_begun[:2] == [0, 0]
    assert all(written >= begun - 1 for begun, written in enumerate(written_when_begun))
    assert context.written == [b"done"] * 5


async def test_the_compiled_decoder_comes_with_the_first_large_batch() -> None:
    pytest.importorskip("numba")
    async for opened in _opened(Decoder.AUTO):
        compiler, table = opened.door.compiler, (0, 0, 0)
        await opened.call("CreateTransfers", batch(FULL))
        await compiler.loaded()
        assert compiler.decoder(table, 0) is None
        many = [FULL] * 300
        await opened.call("CreateTransfers", batch(*many))
        await compiler.loaded()
        assert compiler.decoder(table, 0) is not None
        await opened.call("CreateTransfers", batch(*many))
        assert opened.ledger.asked[1] == opened.ledger.asked[2] == encode_transfers(many)


async def test_without_numba_the_plain_decoder_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sycee.gateway.grpc.compiled", None)
    async for opened in _opened(Decoder.AUTO):
        for _ in range(2):
            await opened.call("CreateTransfers", batch(*[FULL] * 300))
            await opened.door.compiler.loaded()
        assert opened.ledger.asked == [encode_transfers([FULL] * 300)] * 2


async def test_without_numba_a_compiled_decoder_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sycee.gateway.grpc.compiled", None)
    with pytest.raises(
        ConfigurationInvalid, match=r"ledger_decoder.*pip install 'sycee\[engine\]'"
    ):
        await compiling.Compiler(Decoder.COMPILED).open()
