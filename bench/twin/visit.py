"""A request of the twin, and its first answer, which its repetitions are given again."""

from __future__ import annotations

import secrets
import time
from hashlib import sha256
from typing import NamedTuple

from fastapi import Request
from pydantic import BaseModel

from bench.twin.checks import Merchant, Refused
from bench.twin.shapes import Asked, Charge, Event, PaymentIntent, Subject
from bench.twin.store import ADD_EVENT, ADD_KEY, FIND_KEY, SETTLE_KEY, Store


class Answer(NamedTuple):
    """Status and body, as they are kept under a key."""

    status: int
    body: bytes


class Visit(NamedTuple):
    """A request that was let in."""

    request: str
    merchant: Merchant
    key: str | None
    hash: bytes

    async def earlier(self, store: Store) -> Answer | None:
        """The answer to this request's first coming, None when this is the first."""
        row = await store.row(FIND_KEY, self.merchant.id, self.key) if self.key else None
        if row is None:
            return None
        if row[0] != self.hash:
            raise Refused(400, "idempotency_error", "This key came with another request.")
        if row[2] is None:
            raise Refused(409, "idempotency_key_in_use", "The first request is being worked on.")
        return Answer._make(row[1:])

    async def claim(self, store: Store) -> None:
        """Take the key before there is an answer."""
        await self._add(store, None, None)

    async def keep(self, store: Store, answer: Answer) -> None:
        """Keep the answer of a request that is done in one transaction."""
        await self._add(store, answer.status, answer.body)

    async def settle(self, store: Store, answer: Answer) -> None:
        """Keep the answer under a key that was claimed."""
        if self.key:
            await store.run(SETTLE_KEY, answer.status, answer.body, self.merchant.id, self.key)

    def tell(self, type: str, subject: PaymentIntent | Charge) -> tuple[str, str, str, str]:
        """An outbox row: that ``type`` happened to a subject, which is as it is now."""
        event = Event(
            id=new_id("evt"),
            created=int(time.time()),
            data=Subject(object=subject),
            request=Asked(id=self.request, idempotency_key=self.key),
            type=type,
        )
        return event.id, self.merchant.id, type, event.model_dump_json()

    async def publish(self, store: Store, *rows: tuple[str, str, str, str]) -> None:
        """Put events into the outbox."""
        await store.run_each(ADD_EVENT, rows)

    async def _add(self, store: Store, status: int | None, body: bytes | None) -> None:
        if self.key:
            now = time.time_ns()
            await store.run(ADD_KEY, self.merchant.id, self.key, self.hash, now, status, body)


def new_id(prefix: str) -> str:
    """A fresh id."""
    return f"{prefix}_{secrets.token_hex(12)}"


def request_hash(request: Request, given: BaseModel) -> bytes:
    """What a request asks, to be compared with its repetition."""
    asked = f"{request.method}|{request.url.path}|{given.model_dump_json()}"
    return sha256(asked.encode()).digest()
