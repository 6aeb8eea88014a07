"""The lean twin: a payment as a handful of rows, each request one durable transaction.

It keeps few of the promises (no key looked up, no replay, no validation, no attempt before the
rail, no reservation, no risk, no full objects), with the same durability: WAL and
``synchronous=FULL``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import aiosqlite
from fastapi import FastAPI, Form, Header, HTTPException

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (id TEXT PRIMARY KEY, merchant TEXT, amount INTEGER,
  currency TEXT, method TEXT, status TEXT, created INTEGER);
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, debits INTEGER, credits INTEGER);
CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, payment TEXT, account TEXT,
  amount INTEGER);
CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, type TEXT, payment TEXT);
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, merchant TEXT);
INSERT OR IGNORE INTO accounts VALUES ('clearing', 0, 0), ('merchant', 0, 0);
"""


class Store:
    """One connection, one transaction at a time, as SQLite allows one writer."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection
        self.lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self.lock:
            await self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                await self.connection.rollback()
                raise
            await self.connection.commit()


def build(path: str) -> FastAPI:
    """The lean twin's application."""
    stores: list[Store] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with aiosqlite.connect(path, isolation_level=None) as connection:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
            await connection.executescript(SCHEMA)
            stores.append(Store(connection))
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/payment_intents")
    async def create(
        amount: Annotated[int, Form()],
        currency: Annotated[str, Form()],
        payment_method: Annotated[str, Form()],
        idempotency_key: Annotated[str, Header()],
    ) -> dict[str, object]:
        payment = f"pi_{secrets.token_hex(12)}"
        async with stores[0].transaction() as database:
            await database.execute("INSERT INTO keys VALUES (?, ?)", (idempotency_key, "m"))
            await database.execute(
                "INSERT INTO payments VALUES (?, 'm', ?, ?, ?, 'requires_confirmation', ?)",
                (payment, amount, currency, payment_method, time.time_ns()),
            )
            await database.execute(
                "INSERT INTO events VALUES (?, 'created', ?)", (secrets.token_hex(12), payment)
            )
        return {"id": payment, "amount": amount, "status": "requires_confirmation"}

    @app.post("/v1/payment_intents/{payment}/confirm")
    async def confirm(payment: str, idempotency_key: Annotated[str, Header()]) -> dict[str, object]:
        async with stores[0].transaction() as database:
            await database.execute("INSERT INTO keys VALUES (?, ?)", (idempotency_key, "m"))
            cursor = await database.execute(
                "SELECT amount, status FROM payments WHERE id = ?", (payment,)
            )
            row = await cursor.fetchone()
            if row is None or row[1] != "requires_confirmation":
                raise HTTPException(404)
            amount = row[0]
            for account, sign in (("clearing", "debits"), ("merchant", "credits")):
                await database.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?)",
                    (secrets.token_hex(12), payment, account, amount),
                )
                await database.execute(
                    f"UPDATE accounts SET {sign} = {sign} + ? WHERE name = ?", (amount, account)
                )
            await database.execute(
                "UPDATE payments SET status = 'succeeded' WHERE id = ?", (payment,)
            )
            await database.execute(
                "INSERT INTO events VALUES (?, 'succeeded', ?)", (secrets.token_hex(12), payment)
            )
        return {"id": payment, "amount": amount, "status": "succeeded"}

    return app
