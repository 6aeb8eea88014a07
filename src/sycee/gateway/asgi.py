"""The parts of ASGI that the doors use, with precise types."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypedDict

Header: TypeAlias = tuple[bytes, bytes]


class Scope(TypedDict):
    """One request, as far as its head tells."""

    type: str
    method: str
    path: str
    raw_path: bytes
    query_string: bytes
    headers: list[Header]
    client: tuple[str, int] | None


class Message(TypedDict, total=False):
    """What travels between server and application; ``type`` says which keys are there."""

    type: str
    status: int
    headers: list[Header]
    body: bytes
    more_body: bool


Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
