"""Where the calls of one method are taken: who asks, what is asked, the answer or the no."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Protocol, TypeAlias, TypeVar

import grpc
import msgspec

from sycee.gateway.access import Access
from sycee.gateway.grpc import refusals
from sycee.gateway.grpc.offer import Offered
from sycee.gateway.grpc.stream import Stream
from sycee.gateway.rates import Turnstile
from sycee.gateway.refusals import KeyNotAllowed
from sycee.kernel.refusal import Refusal
from sycee.runtime import deadline, logs, trace
from sycee.services.identity.contract import Caller

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Metadata: TypeAlias = Mapping[str, str]
Answer = TypeVar("Answer")

log = logs.logger("grpc")


class Work(Protocol):
    """What there is to do for a method."""

    def read(self, body: bytes, who: Caller, metadata: Metadata) -> msgspec.Struct:
        """The command in a message; refuses what is none."""
        ...

    async def do(self, command: msgspec.Struct) -> bytes:
        """Have it done; the answer as a message."""
        ...


class Desk:
    """Takes the calls of one method."""

    def __init__(
        self,
        wanted: Offered,
        work: Work,
        access: Access,
        turnstile: Turnstile,
        streams: set[Stream],
    ) -> None:
        self._wanted = wanted
        self._work = work
        self._access = access
        self._turnstile = turnstile
        self._streams = streams

    def handler(self) -> grpc.RpcMethodHandler[bytes, bytes]:
        """How gRPC reaches this desk."""
        if self._wanted.streamed:
            return grpc.stream_stream_rpc_method_handler(self.hold)
        return grpc.unary_unary_rpc_method_handler(self.take)

    async def take(self, body: bytes, context: Context) -> bytes:
        """Answer one call, or tell its no."""
        metadata = _begin(context)
        return await self._told(context, self._answer(body, metadata))

    async def hold(self, _requests: object, context: Context) -> None:
        """Answer a stream of messages until the caller has no more, or tell the first no."""
        metadata = _begin(context)

        async def read(body: bytes) -> msgspec.Struct:
            return self._work.read(body, await self._counted(metadata), metadata)

        async def do(command: msgspec.Struct) -> bytes:
            deadline.begin(_remaining_s(context))
            return await self._work.do(command)

        stream = Stream(context, read, do)
        self._streams.add(stream)
        try:
            await self._told(context, self._held(stream, metadata))
        finally:
            self._streams.discard(stream)

    async def _answer(self, body: bytes, metadata: Metadata) -> bytes:
        who = await self._counted(metadata)
        return await self._work.do(self._work.read(body, who, metadata))

    async def _held(self, stream: Stream, metadata: Metadata) -> None:
        await self._admitted(metadata)
        await stream.hold()

    async def _counted(self, metadata: Metadata) -> Caller:
        """Who asks, within its rates; a stream's every message is one request."""
        who = await self._admitted(metadata)
        self._turnstile.pass_through(who, self._wanted.priority)
        return who

    async def _admitted(self, metadata: Metadata) -> Caller:
        who = await self._access.caller(octets(metadata, "authorization"))
        _check_rights(who, self._wanted)
        return who

    async def _told(self, context: Context, answer: Awaitable[Answer]) -> Answer:
        try:
            return await answer
        except Refusal as refusal:
            no = refusal
        except Exception:  # noqa: BLE001 - the one place where faults of calls are logged
            log.fault("call_failed", operation=self._wanted.operation.name)
            no = refusals.CallFailed("an unexpected fault; it was logged")
        return await context.abort(refusals.status(no), refusals.words(no), refusals.metadata(no))


def octets(metadata: Metadata, name: str) -> bytes | None:
    """One field of the metadata, as HTTP has it."""
    value = metadata.get(name)
    return None if value is None else value.encode()


def _begin(context: Context) -> Metadata:
    """Set the call's deadline and trace; its metadata."""
    pairs = context.invocation_metadata() or ()
    metadata = {name: value for name, value in pairs if isinstance(value, str)}
    deadline.begin(_remaining_s(context))
    trace.begin(trace.parse(metadata.get("traceparent", "")))
    return metadata


def _remaining_s(context: Context) -> float:
    return min(context.time_remaining() or deadline.DEFAULT_S, deadline.DEFAULT_S)


def _check_rights(who: Caller, wanted: Offered) -> None:
    """Refuse what the key's role or scopes do not include (IA1)."""
    if who.role not in wanted.roles:
        raise KeyNotAllowed(f"a {who.role.value} key may not do this")
    if wanted.scope not in who.scopes and (who.scopes or wanted.scope_always):
        raise KeyNotAllowed(f"the key lacks the scope {wanted.scope}")
