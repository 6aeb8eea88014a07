"""What a service stands on: the promise that ``app.build`` of every service receives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol

import msgspec

from sycee.kernel.clock import Clock
from sycee.kernel.ids import Ids
from sycee.runtime.database import Database


class Profile(Enum):
    """How strict an installation is."""

    DEV = "dev"
    PRODUCTION = "production"


class Message(msgspec.Struct, frozen=True):
    """An event as a consumer sees it; the same ``key`` may come again."""

    topic: str
    key: str
    payload: bytes


Handler = Callable[[Sequence[Message]], Awaitable[None]]
"""Handles a batch, idempotently; when it returns, the batch is done for ever."""


class Host(Protocol):
    """One process's floor: time, ids, storage, background jobs, events."""

    clock: Clock
    ids: Ids
    profile: Profile

    async def database(self, service: str) -> Database:
        """Open the service's own database, with its ``schema.sql`` applied."""
        ...

    def path(self, name: str) -> Path:
        """Where a service that keeps files of its own may keep one of this name, or a folder."""
        ...

    def at_close(self, close: Callable[[], Awaitable[object]]) -> None:
        """Have ``close`` called at the end of the process, after the drain."""
        ...

    def job(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Keep ``run`` going from start to drain; when it raises, log it and start it again.

        At drain it is cancelled, and may finish its step in ``finally``.
        """
        ...

    def subscribe(self, topic: str, consumer: str, handle: Handler) -> None:
        """Have ``handle`` called with the topic's events, at least once each, in batches."""
        ...

    def secret(self, name: str, size: int = 32) -> bytes:
        """A secret of this installation, the same at every start and on every process."""
        ...
