"""Batches of accounts and transfers: the wire's bytes to records, and result codes to bytes."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from operator import attrgetter
from typing import TypeAlias, cast

import msgspec
from google.protobuf.message import DecodeError, Message

from sycee.gateway.grpc import wire
from sycee.gateway.grpc.compiling import Compiler
from sycee.gateway.grpc.messages import Classes
from sycee.gateway.grpc.offer import UNSIGNED_64
from sycee.gateway.grpc.schema import Numbers
from sycee.gateway.refusals import BodyInvalid, ParameterInvalid
from sycee.kernel.refusal import Refusal
from sycee.runtime.rpc import Operation
from sycee.services.ledger.contract import (
    BATCH_MAX,
    Accounts,
    BatchTooLarge,
    FieldOutOfRange,
    Ledger,
    RecordResults,
    Records,
    Transfers,
)
from sycee.services.ledger.contract.layout import (
    ACCOUNT_LAYOUT,
    RECORD_BYTES,
    TRANSFER_LAYOUT,
    Place,
)

Record: TypeAlias = Callable[[Records], Awaitable[RecordResults]]

_NUMBER_BYTES = 16
_FORMATS = {16: "16s", 8: "Q", 4: "I", 2: "H"}


class Kind(msgspec.Struct, frozen=True):
    """One kind of batch."""

    events: str
    """The only field of the batch's message."""
    request: str
    event: str
    reply: str
    """Names of messages."""
    layout: tuple[Place, ...]
    record: Callable[[Ledger], Record]
    """What of the ledger takes the records."""

    def fields(self, numbers: Numbers) -> tuple[int, ...]:
        """Where the wire's fields go, as ``wire`` wants it told."""
        known = numbers[self.event]
        table = [0] * wire.ENTRIES * (max(known.values()) + 1)
        for place in self._named():
            entry = known[place.name] * wire.ENTRIES
            full = int(place.name in UNSIGNED_64)
            table[entry : entry + wire.ENTRIES] = place.offset, place.width, full
        return tuple(table)

    def refusal(self, fault: wire.Fault, numbers: Numbers) -> Refusal:
        """The no to a batch, which names the event and its first field that does not fit."""
        if fault.what == wire.TOO_MANY:
            return BatchTooLarge(f"more than {BATCH_MAX} {self.events} at once")
        which, facts = f"{self.events}[{fault.event}]", {"event": str(fault.event)}
        if fault.what == wire.MALFORMED:
            return BodyInvalid(f"{which} is malformed", param=self.events, facts=facts)
        number = (fault.what & -fault.what).bit_length() - 1
        place = next(each for each in self._named() if numbers[self.event][each.name] == number)
        if place.width == _NUMBER_BYTES:
            text = f"{which}: {place.name} takes {_NUMBER_BYTES} bytes"
            return ParameterInvalid(text, param=place.name, facts=facts)
        text = f"{which}: {place.name} takes 0 to 2^{_bits(place)} - 1"
        return FieldOutOfRange(text, param=place.name, facts=facts)

    def _named(self) -> Iterable[Place]:
        return (place for place in self.layout if place.name)


_KINDS: Mapping[type[msgspec.Struct], Kind] = {
    Accounts: Kind(
        "accounts",
        "Accounts",
        "Account",
        "AccountResults",
        ACCOUNT_LAYOUT,
        lambda ledger: ledger.record_accounts,
    ),
    Transfers: Kind(
        "transfers",
        "Transfers",
        "Transfer",
        "TransferResults",
        TRANSFER_LAYOUT,
        lambda ledger: ledger.record_transfers,
    ),
}


def of(operation: Operation) -> Kind | None:
    """The kind of batch that an operation takes, if it takes one."""
    return _KINDS.get(operation.request)


class Reader:
    """Makes records of batches of one kind: compiled when that is there, else by the library."""

    def __init__(self, kind: Kind, numbers: Numbers, classes: Classes, compiler: Compiler) -> None:
        self._kind = kind
        self._numbers = numbers
        self._fields = kind.fields(numbers)
        self._plain = Plain(kind, self._fields, classes)
        self._compiler = compiler

    def read(self, body: bytes) -> Records:
        """The records of a batch; refuses what is none, and names the event."""
        decode = self._compiler.decoder(self._fields, len(body)) or self._plain.decode
        read = decode(body)
        if isinstance(read, wire.Fault):
            raise self._kind.refusal(read, self._numbers)
        return Records(read)


class Plain:
    """Decodes batches with the protobuf library, without Numba."""

    def __init__(self, kind: Kind, fields: tuple[int, ...], classes: Classes) -> None:
        self._message = classes[kind.request]
        self._events = kind.events
        self._fields = fields
        named = [place for place in kind.layout if place.name]
        self._values = attrgetter(*(place.name for place in named))
        self._numbers = sum(place.width == _NUMBER_BYTES for place in named)
        formats = (_FORMATS[p.width] if p.name else f"{p.width}x" for p in kind.layout)
        self._pack = struct.Struct("<" + "".join(formats)).pack

    def decode(self, body: bytes) -> bytes | wire.Fault:
        """The records, or what is wrong."""
        try:
            events = getattr(self._message.FromString(body), self._events)
            if len(events) <= BATCH_MAX:
                return b"".join(map(self._record, events))
        except (DecodeError, struct.error):
            pass
        what, event = wire.decode(body, bytearray(BATCH_MAX * RECORD_BYTES), self._fields)
        return wire.Fault(what or wire.MALFORMED, event)

    def _record(self, event: Message) -> bytes:
        values = self._values(event)
        numbers = cast("tuple[bytes, ...]", values[: self._numbers])
        for octets in numbers:
            if octets and len(octets) != _NUMBER_BYTES:
                raise struct.error(_NUMBER_BYTES)
        return self._pack(*[octets[::-1] for octets in numbers], *values[self._numbers :])


class Writer:
    """Makes replies of result codes."""

    def __init__(self, kind: Kind, numbers: Numbers) -> None:
        known = numbers[kind.reply]
        self._codes_tag = _varint(known["codes"] << 3 | 2)
        self._timestamp_tag = _varint(known["timestamp"] << 3) if "timestamp" in known else None

    def write(self, results: RecordResults) -> bytes:
        """The reply in wire format. A code below 128 is its own varint, so codes go as they are."""
        codes = results.codes
        if not codes.isascii():
            codes = b"".join(map(_varint, codes))
        reply = self._codes_tag + _varint(len(codes)) + codes if codes else b""
        if self._timestamp_tag is not None and results.timestamp:
            reply += self._timestamp_tag + _varint(results.timestamp)
        return reply


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _bits(place: Place) -> int:
    is_signed = place.width == 8 and place.name not in UNSIGNED_64
    return 8 * place.width - is_signed
