"""Reaching a service in another process as if it were here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import msgspec

from sycee.runtime import wire
from sycee.runtime.rpc.neighbour import Neighbour
from sycee.runtime.rpc.operations import Operation, operations
from sycee.runtime.tls import Tls

Contract = TypeVar("Contract")


def remote(
    service: str, contract: type[Contract], address: str, tls: Tls | None = None
) -> Contract:
    """An object that keeps ``contract`` by calling ``service`` at ``address``.

    It connects at the first call and stays connected. Raises what the service refuses, and
    ``Unavailable`` when the connection broke after a call had left, ``DeadlineExceeded`` when no
    answer came in time (in both cases the outcome is unknown), ``RemoteFault`` for a fault there.
    """
    members: dict[str, object] = {
        operation.name: _asking(service, operation) for operation in operations(contract)
    }
    stand_in = type(f"Remote{contract.__name__}", (_Remote,), members)
    return cast("Contract", stand_in(Neighbour(service, address, tls)))


async def disconnect(stand_in: object) -> None:
    """End the connection behind an object made by ``remote``; its calls raise ``Unavailable``."""
    assert isinstance(stand_in, _Remote), "only what remote() made has a connection"
    await stand_in.neighbour.close()


async def check(stand_in: object) -> None:
    """Raise unless the service behind an object made by ``remote`` serves now."""
    assert isinstance(stand_in, _Remote), "only what remote() made has a connection"
    await stand_in.neighbour.check()


class _Remote:
    def __init__(self, neighbour: Neighbour) -> None:
        self.neighbour = neighbour


def _asking(
    service: str, operation: Operation
) -> Callable[[_Remote, msgspec.Struct], Awaitable[msgspec.Struct]]:
    decode = wire.decoder(operation.reply).decode

    async def ask(self: _Remote, request: msgspec.Struct) -> msgspec.Struct:
        return decode(await self.neighbour.ask(operation.name, wire.encode(request)))

    ask.__name__ = operation.name
    ask.__doc__ = operation.doc
    return ask
