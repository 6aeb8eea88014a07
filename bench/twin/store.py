"""The twin's tables and statements, and its one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from hashlib import sha256

import aiosqlite

SCHEMA = """
CREATE TABLE IF NOT EXISTS merchants (id TEXT PRIMARY KEY, active INTEGER NOT NULL,
  currencies TEXT NOT NULL, amount_max INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS api_keys (digest BLOB PRIMARY KEY,
  merchant TEXT NOT NULL REFERENCES merchants);
CREATE TABLE IF NOT EXISTS keys (merchant TEXT, key TEXT, hash BLOB NOT NULL,
  created INTEGER NOT NULL, status INTEGER, answer BLOB, PRIMARY KEY (merchant, key));
CREATE TABLE IF NOT EXISTS methods (id TEXT PRIMARY KEY, merchant TEXT NOT NULL,
  token TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS payments (id TEXT PRIMARY KEY, merchant TEXT NOT NULL,
  created INTEGER NOT NULL, customer TEXT, method TEXT NOT NULL REFERENCES methods,
  status TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payments_of_merchant ON payments (merchant, created);
CREATE TABLE IF NOT EXISTS attempts (id TEXT PRIMARY KEY, payment TEXT NOT NULL,
  started INTEGER NOT NULL, outcome TEXT);
CREATE INDEX IF NOT EXISTS attempts_open ON attempts (id) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS velocity (subject TEXT, hour INTEGER, tries INTEGER NOT NULL,
  PRIMARY KEY (subject, hour)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, is_limited INTEGER NOT NULL,
  debits_pending INTEGER NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
  debits_posted INTEGER NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
  credits_pending INTEGER NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
  credits_posted INTEGER NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
  CHECK (is_limited = 0 OR debits_pending + debits_posted <= credits_posted));
CREATE TABLE IF NOT EXISTS transfers (id TEXT PRIMARY KEY, attempt TEXT NOT NULL,
  kind TEXT NOT NULL, debit TEXT NOT NULL, credit TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0));
CREATE TABLE IF NOT EXISTS charges (id TEXT PRIMARY KEY, merchant TEXT NOT NULL,
  payment TEXT NOT NULL, created INTEGER NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS charges_of_payment ON charges (payment);
CREATE TABLE IF NOT EXISTS sales (id TEXT PRIMARY KEY, merchant TEXT NOT NULL,
  charge TEXT NOT NULL, gross INTEGER NOT NULL, fee INTEGER NOT NULL,
  available_on INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  merchant TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL);
"""

FIND_MERCHANT = (
    "SELECT m.id, m.active, m.currencies, m.amount_max FROM api_keys k"
    " JOIN merchants m ON m.id = k.merchant WHERE k.digest = ?"
)
FIND_KEY = "SELECT hash, status, answer FROM keys WHERE merchant = ? AND key = ?"
ADD_KEY = "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)"
SETTLE_KEY = "UPDATE keys SET status = ?, answer = ? WHERE merchant = ? AND key = ?"
ADD_METHOD = "INSERT INTO methods VALUES (?, ?, ?, ?)"
ADD_PAYMENT = "INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?)"
FIND_PAYMENT = (
    "SELECT p.body, m.body, m.token FROM payments p JOIN methods m ON m.id = p.method"
    " WHERE p.id = ? AND p.merchant = ?"
)
CHANGE_PAYMENT = "UPDATE payments SET status = ?, body = ? WHERE id = ?"
COUNT_TRY = (
    "INSERT INTO velocity VALUES (?, ?, 1)"
    " ON CONFLICT (subject, hour) DO UPDATE SET tries = tries + 1 RETURNING tries"
)
ADD_ATTEMPT = "INSERT INTO attempts VALUES (?, ?, ?, NULL)"
CLOSE_ATTEMPT = "UPDATE attempts SET outcome = ? WHERE id = ? AND outcome IS NULL"
ADD_MERCHANT = "INSERT OR IGNORE INTO merchants VALUES (?, ?, ?, ?)"
ADD_API_KEY = "INSERT OR IGNORE INTO api_keys VALUES (?, ?)"
OPEN_ACCOUNT = "INSERT OR IGNORE INTO accounts (name, is_limited) VALUES (?, ?)"
ADD_TRANSFER = "INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?)"
MOVE = (
    "UPDATE accounts SET debits_pending = debits_pending + ?, debits_posted = debits_posted + ?,"
    " credits_pending = credits_pending + ?, credits_posted = credits_posted + ? WHERE name = ?"
)
ADD_CHARGE = "INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?)"
ADD_SALE = "INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?)"
ADD_EVENT = "INSERT INTO outbox (id, merchant, type, body) VALUES (?, ?, ?, ?)"

MERCHANT, CURRENCIES = "acct_twin", ("usd", "eur", "gbp")

Value = int | str | bytes | None


class Store:
    """One connection, one transaction at a time, as SQLite allows one writer."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """All of the block is durable after it, or nothing."""
        async with self._lock:
            await self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                await self._connection.rollback()
                raise
            await self._connection.commit()

    async def row(self, sql: str, *values: Value) -> tuple[Value, ...] | None:
        """The first row, if any, in one trip to the connection's thread."""
        for row in await self._connection.execute_fetchall(sql, values):
            return tuple(row)
        return None

    async def run(self, sql: str, *values: Value) -> int:
        """The number of rows that a statement changed."""
        return (await self._connection.execute(sql, values)).rowcount

    async def run_each(self, sql: str, rows: Iterable[tuple[Value, ...]]) -> None:
        """One statement for several rows."""
        await self._connection.executemany(sql, rows)


@asynccontextmanager
async def opened(path: str, key: str) -> AsyncIterator[Store]:
    """The store at a path, with one merchant who holds a key."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=FULL")
        await connection.executescript(SCHEMA)
        store = Store(connection)
        async with store.transaction():
            await _add_merchant(store, key)
        yield store


async def _add_merchant(store: Store, key: str) -> None:
    """A merchant, the key, and accounts in each currency; clearing only passes money on."""
    await store.run(ADD_MERCHANT, MERCHANT, 1, " ".join(CURRENCIES), 99_999_999)
    await store.run(ADD_API_KEY, digest(key), MERCHANT)
    for currency in CURRENCIES:
        settlement, clearing, pending, fees = accounts(MERCHANT, currency)
        limits = [(settlement, 0), (clearing, 1), (pending, 0), (fees, 0)]
        await store.run_each(OPEN_ACCOUNT, limits)


def accounts(merchant: str, currency: str) -> tuple[str, str, str, str]:
    """What the rail owes, what is on its way, what a merchant has, what the platform has earned."""
    return (
        f"settlement:{currency}",
        f"clearing:{merchant}:{currency}",
        f"pending:{merchant}:{currency}",
        f"fees:{currency}",
    )


def digest(key: str) -> bytes:
    """What is kept of an API key."""
    return sha256(key.encode()).digest()
