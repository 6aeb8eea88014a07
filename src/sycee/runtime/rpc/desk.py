"""Where the calls to one service are taken: read, done, answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.runtime import deadline, logs, metrics, trace, wire
from sycee.runtime.rpc import frames
from sycee.runtime.rpc.conversation import RemoteFault
from sycee.runtime.rpc.frames import Answered, Call, Failed, Reply
from sycee.runtime.rpc.operations import operations

log = logs.logger("rpc")


class _Doing(NamedTuple):
    decode: Callable[[msgspec.Raw], msgspec.Struct]
    do: Callable[[msgspec.Struct], Awaitable[msgspec.Struct]]


class Desk:
    """Answers calls to one service; each in a task of its own."""

    def __init__(self, service: str, contract: type, implementation: object) -> None:
        self._service = service
        self._doings = {
            operation.name: _Doing(
                wire.decoder(operation.request).decode, getattr(implementation, operation.name)
            )
            for operation in operations(contract)
        }

    async def answer(self, call: Call) -> Answered:
        """Do what is asked; a fault is logged here, once, and the caller hears only of it."""
        deadline.begin(call.remaining_ms / 1000)
        trace.begin(call.trace)
        try:
            doing = self._doings[call.operation]
            reply = await doing.do(doing.decode(call.body))
            body = wire.encode(reply)
            assert len(body) <= frames.BODY_BYTES_MAX, "answers are listed in pages"
            return Reply(call.id, msgspec.Raw(body))
        except Refusal as refusal:
            return frames.refused(call.id, refusal)
        except RemoteFault:
            return Failed(call.id)
        except Exception:  # noqa: BLE001 - the one place where faults of calls are logged
            metrics.rpc_faults(self._service).inc()
            log.fault("rpc_fault", service=self._service, operation=call.operation)
            return Failed(call.id)
