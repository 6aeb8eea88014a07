"""What there is to do for each method: by its Structs, or for whole batches at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import TypeAlias, cast

import msgspec
from google.protobuf.message import DecodeError, Message

from sycee.gateway.access import idempotency_key
from sycee.gateway.card_blanks import blanked, tells_of_card
from sycee.gateway.grpc import batches
from sycee.gateway.grpc.desk import Metadata, octets
from sycee.gateway.grpc.messages import Classes, Reader, Writer
from sycee.gateway.grpc.offer import PACKAGE
from sycee.gateway.refusals import BodyInvalid
from sycee.kernel.ids import Ids
from sycee.runtime import wire
from sycee.runtime.rpc import Operation
from sycee.services.identity.contract import Caller
from sycee.services.ledger.contract import Records
from sycee.services.payments.contract.shared import Origin

Do: TypeAlias = Callable[[msgspec.Struct], Awaitable[msgspec.Struct]]


class OfStructs:
    """Any operation of a contract: its Struct from the message, and back."""

    def __init__(self, operation: Operation, do: Do, ids: Ids, classes: Classes) -> None:
        self._operation = operation
        self._do = do
        self._ids = ids
        self._message = classes[operation.request.__name__]
        self._reader = Reader(operation.request, is_request=True)
        self._writer = Writer(operation.reply, classes)
        self._fields = frozenset(operation.request.__struct_fields__)

    def read(self, body: bytes, who: Caller, metadata: Metadata) -> msgspec.Struct:
        """The command; what the door knows of the caller is in it."""
        command = self._reader.read(self._parse(body), self._given(who, metadata))
        return self._with_hash(command) if "origin" in self._fields else command

    async def do(self, command: msgspec.Struct) -> bytes:
        """Have it done; the answer as a message."""
        return self._writer.write(await self._do(command)).SerializeToString()

    def _parse(self, body: bytes) -> Message:
        message = self._message()
        try:
            message.ParseFromString(body)
        except DecodeError:
            name = self._operation.request.__name__
            raise BodyInvalid(f"the request is no {PACKAGE}.{name}") from None
        return message

    def _given(self, who: Caller, metadata: Mapping[str, str]) -> dict[str, object]:
        """What the door knows and the caller cannot choose."""
        given: dict[str, object] = {}
        if "merchant" in self._fields:
            given["merchant"] = who.merchant.id
        if "origin" in self._fields:
            given["origin"] = Origin(
                merchant=who.merchant.id,
                livemode=who.livemode,
                request=self._ids.new("req"),
                idempotency_key=idempotency_key(octets(metadata, "idempotency-key")),
            )
        return given

    def _with_hash(self, command: msgspec.Struct) -> msgspec.Struct:
        """The command with a digest of what it asks, by which a repetition is recognised."""
        origin: Origin = command.origin  # type: ignore[attr-defined]
        asked = msgspec.structs.replace(command, origin=Origin(origin.merchant))
        content = wire.encode(asked)
        if tells_of_card(content):
            content = wire.encode(blanked(msgspec.to_builtins(asked)))
        digest = blake2b(self._operation.name.encode() + content, digest_size=32)
        hashed = msgspec.structs.replace(origin, request_hash=digest.digest())
        return msgspec.structs.replace(command, origin=hashed)


class OfBatches:
    """Batches for the ledger, which become records without a Struct for each event."""

    def __init__(
        self, reader: batches.Reader, record: batches.Record, writer: batches.Writer
    ) -> None:
        self._reader = reader
        self._record = record
        self._writer = writer

    def read(self, body: bytes, who: Caller, metadata: Metadata) -> msgspec.Struct:
        """The batch as records; the ledger does not care who asks."""
        return self._reader.read(body)

    async def do(self, command: msgspec.Struct) -> bytes:
        """Have them recorded; one code for each."""
        return self._writer.write(await self._record(cast("Records", command)))
