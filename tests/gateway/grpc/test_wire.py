"""Every decoder of batches takes what the protobuf library takes, and makes the same of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sycee.gateway.grpc import batches, schema, wire
from sycee.gateway.grpc.offer import offered
from sycee.services.ledger.contract import BATCH_MAX
from sycee.services.ledger.contract.layout import RECORD_BYTES
from tests.gateway.grpc.client import message

NUMBERS = schema.known_numbers()
KINDS = {
    each.operation.request.__name__: kind
    for each in offered()
    if (kind := batches.of(each.operation)) is not None
}
NAMES = sorted(KINDS)
CLASSES = {name: message(name) for name in ("Accounts", "Transfers")}
FIELDS = {name: KINDS[name].fields(NUMBERS) for name in NAMES}
PLAIN = {name: batches.Plain(KINDS[name], FIELDS[name], CLASSES) for name in NAMES}

GROUP, END = 3, 4


def varint(value: int, length: int = 1) -> bytes:
    """An integer in wire format, perhaps longer than it need be."""
    value &= 2**64 - 1
    octets = bytearray()
    while value > 0x7F or len(octets) < length - 1:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


def known(octets: bytes, number: int = 1) -> bytes:
    """A field of known length."""
    return varint(number << 3 | 2) + varint(len(octets)) + octets


def nested(number: int, depth: int, inner: bytes = b"") -> bytes:
    """Groups inside one another."""
    return varint(number << 3 | GROUP) * depth + inner + varint(number << 3 | END) * depth


class Compiled:
    """The compiled decoder, when Numba is there, with guards around what it may touch."""

    def __init__(self, name: str) -> None:
        self.compiled = pytest.importorskip("sycee.gateway.grpc.compiled")
        self._it = self.compiled.Compiled(FIELDS[name], BATCH_MAX)

    def decode(self, body: bytes) -> bytes | wire.Fault:
        answer: bytes | wire.Fault = self._it.decode(body)
        return answer


class Interpreted:
    """What is compiled, as the Python that it is."""

    def __init__(self, name: str) -> None:
        self._fields = FIELDS[name]

    def decode(self, body: bytes) -> bytes | wire.Fault:
        records = bytearray(b"\xaa" * (200 * RECORD_BYTES))
        what, events = wire.decode(body, records, self._fields)
        if what != wire.GOOD:
            return wire.Fault(what, events)
        return bytes(records[: events * RECORD_BYTES])


def oracle(name: str, body: bytes) -> bytes | None:
    """The records by the protobuf library and plain arithmetic; None of what must be refused."""
    try:
        events = getattr(CLASSES[name].FromString(body), KINDS[name].events)
    except DecodeError:
        return None
    try:
        return b"".join(piece for event in events for piece in pieces(name, event))
    except OverflowError:
        return None


def pieces(name: str, event: Message) -> Iterator[bytes]:
    for place in KINDS[name].layout:
        value = getattr(event, place.name) if place.name else 0
        if isinstance(value, bytes):
            if len(value) not in (0, place.width):
                raise OverflowError
            value = int.from_bytes(value, "big")
        yield value.to_bytes(place.width, "little")


integers = st.sampled_from(
    [0, 1, 127, 128, 840, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -1]
) | st.integers(0, 2**64 - 1)
octets = st.sampled_from([b"", bytes(16), b"\xff" * 16, b"short", bytes(17)]) | st.binary(
    min_size=16, max_size=16
)
numbers = st.integers(1, 16) | st.sampled_from([0, 2**11, 2**29 - 1, 2**29])
unknown = st.one_of(
    st.builds(lambda n, v, k: varint(n << 3, k) + varint(v), numbers, integers, st.integers(1, 7)),
    st.builds(lambda n, v: varint(n << 3 | 1) + v, numbers, st.binary(min_size=8, max_size=8)),
    st.builds(lambda n, v: varint(n << 3 | 5) + v, numbers, st.binary(min_size=4, max_size=4)),
    st.builds(nested, numbers, st.integers(1, 102)),
    st.builds(nested, numbers, st.integers(1, 3), st.binary(max_size=6)),
)
fields = st.one_of(
    st.builds(lambda n, v, k: varint(n << 3) + varint(v, k), numbers, integers, st.integers(1, 11)),
    st.builds(known, octets, numbers),
    unknown,
)
events = st.lists(fields, max_size=14).map(b"".join)
bodies = st.lists(st.one_of(events.map(known), events.map(known), fields), max_size=6).map(b"".join)
good = st.lists(
    st.builds(
        lambda ids, small: b"".join(
            [*(known(each, n) for n, each in ids), *(varint(n << 3) + varint(v) for n, v in small)]
        ),
        st.lists(st.tuples(st.integers(1, 10), octets)),
        st.lists(st.tuples(st.integers(2, 13), st.integers(0, 2**16 - 1))),
    ).map(known),
    max_size=6,
).map(b"".join)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A body with a few bytes changed, cut out or put in."""
    body = bytearray(draw(bodies | good))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        how = draw(st.sampled_from(["change", "cut", "put", "end"]))
        if how == "change" and at < len(body):
            body[at] = draw(st.integers(0, 255))
        elif how == "cut":
            del body[at : at + draw(st.integers(1, 4))]
        elif how == "put":
            body[at:at] = draw(st.binary(min_size=1, max_size=4))
        else:
            del body[at:]
    return bytes(body)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("make", [Compiled, Interpreted, PLAIN.__getitem__])
def test_it_takes_and_refuses_what_the_library_does(name: str, make: type[Interpreted]) -> None:
    """AE1."""
    decoder = make(name)

    @settings(max_examples=600, deadline=None)
    @given(damaged() | good | bodies | st.binary(max_size=40))
    @example(b"")
    @example(b"\x0a")
    @example(b"\x0a\x02\x38\x01\x0c")
    @example(known(b"\x38" + b"\xff" * 9 + b"\x7f"))
    @example(known(b"\x38" + b"\x80" * 9 + b"\x02"))
    @example(b"\x8a\x80\x80\x80\x00\x00")
    @example(b"\x8a\x80\x80\x80\x80\x00\x00")
    @example(b"\xfa\xff\xff\xff\x0f\x00")
    @example(nested(2, 100))
    @example(nested(2, 101))
    @example(known(nested(14, 99)))
    @example(known(nested(14, 100)))
    @example(known(bytes([0x22, 2, 1, 2]) + known(bytes(15) + b"\7", 4)))
    def agrees(body: bytes) -> None:
        decoded = decoder.decode(body)
        expected = oracle(name, body)
        assert (None if isinstance(decoded, wire.Fault) else decoded) == expected

    agrees()


@settings(max_examples=600, deadline=None)
@given(damaged(), st.sampled_from(NAMES))
def test_all_name_the_same_fault_of_the_same_event(body: bytes, name: str) -> None:
    assert Interpreted(name).decode(body) == PLAIN[name].decode(body) == Compiled(name).decode(body)


@settings(max_examples=200, deadline=None)
@given(damaged(), st.integers(0, 3))
def test_the_compiled_one_writes_nothing_but_its_records(body: bytes, most: int) -> None:
    numpy = pytest.importorskip("numpy")
    decode = pytest.importorskip("sycee.gateway.grpc.compiled").decode
    guarded = numpy.full((most + 2) * RECORD_BYTES, 0xA5, dtype=numpy.uint8)
    table = numpy.array(FIELDS["Transfers"], dtype=numpy.int64)
    table.flags.writeable = False
    inside = guarded[RECORD_BYTES : (most + 1) * RECORD_BYTES]
    what, events = decode(numpy.frombuffer(body, dtype=numpy.uint8), inside, table)
    assert events <= most and (what != wire.TOO_MANY or events == most)
    assert (guarded[:RECORD_BYTES] == 0xA5).all()
    assert (guarded[-RECORD_BYTES:] == 0xA5).all()


@settings(max_examples=300, deadline=None)
@given(damaged(), st.sampled_from(NAMES), st.integers(0, 64))
def test_nothing_is_read_beyond_the_end(body: bytes, name: str, more: int) -> None:
    """What follows in memory changes nothing: every byte is asked for within the length."""

    class Watched:
        def __len__(self) -> int:
            return len(body)

        def __getitem__(self, place: int) -> int:
            assert 0 <= place < len(body)
            return body[place]

    records = bytearray(more * RECORD_BYTES)
    assert wire.decode(Watched(), records, FIELDS[name])  # type: ignore[arg-type]


def test_it_is_compiled_for_one_kind_of_arguments_and_never_again() -> None:
    compiled = pytest.importorskip("sycee.gateway.grpc.compiled")
    before = list(compiled.decode.signatures)
    for name in NAMES:
        for body in (b"", known(b""), known(b"\xff"), nested(3, 3)):
            Compiled(name).decode(body)
    assert compiled.decode.signatures == before
    assert len(before) == 1
    with pytest.raises(TypeError):
        compiled.decode([1], [2], [3])
