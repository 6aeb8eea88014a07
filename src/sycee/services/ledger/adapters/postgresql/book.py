"""What is said to PostgreSQL: the fence, the rows of a batch, and the queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

from sycee.kernel.u128 import U128_MAX
from sycee.runtime.database.schema import SchemaTooNew
from sycee.services.ledger.adapters.postgresql import rows
from sycee.services.ledger.adapters.postgresql.excerpt import Decided, Excerpt, Questions
from sycee.services.ledger.contract import Account, Change, Transfer, TrialBalanceLine

Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)

SCHEMA: Final = "books"
VERSION: Final = 1
COMMAND_S: Final = 30.0
"""A statement that takes longer has lost its server."""
CONNECT_S: Final = 2.0
LOCK: Final = 0x5CEE_B00C
"""The advisory lock of whoever records."""
LOOK_S: Final = 0.1
"""Between two looks at a lock that another holds."""
I64_MAX: Final = 2**63 - 1

_SETTINGS: Final = {
    "search_path": SCHEMA,
    "synchronous_commit": "on",
    "jit": "off",
    # Everything is found by key: no plan may read a whole table because many are asked for.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
}
_FENCED: Final = "SY001"
_USED_UP: Final = "SY003"
_SERVER_FAULTS: Final = ("08", "53", "57", "58", "XX")
"""SQLSTATE classes in which not the statement is at fault: connection, resources, operator,
system, internal (PostgreSQL documentation, appendix A)."""

_PUT_VERSION = "INSERT INTO schema_version SELECT $1 WHERE NOT EXISTS (SELECT FROM schema_version)"
_TAKE_OVER = (
    "UPDATE writer SET epoch = epoch + 1, holder = $1, beat = beat + 1"
    " WHERE $2::BIGINT IS NULL OR epoch = $2 RETURNING epoch, timestamp, sequence"
)
_END_HOLDER = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks"
    " WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid::BIGINT = $1"
    " AND objsubid = 1 AND database = (SELECT oid FROM pg_database"
    " WHERE datname = current_database())"
)
_NEXT_DUE = "SELECT MIN(due) FROM pendings WHERE status = 1"
_ASKED_TRANSFERS = (
    "SELECT transfers.*, COALESCE(status, 0) AS status"
    " FROM transfers LEFT JOIN pendings USING (id) WHERE transfers.id IN ("
    " SELECT UNNEST($1::UUID[])"
    " UNION SELECT pending_id FROM transfers WHERE id = ANY ($1) AND pending_id IS NOT NULL"
    " UNION SELECT id FROM pendings WHERE status = 1 AND due <= $2"
    " UNION SELECT id FROM transfers WHERE timestamp = ANY ($3::BIGINT[])"
    " UNION (SELECT id FROM transfers WHERE CARDINALITY($3) > 0 ORDER BY sequence DESC LIMIT 1))"
)
_ASKED_ACCOUNTS = (
    "SELECT * FROM accounts WHERE id IN ("
    " SELECT UNNEST($1::UUID[])"
    " UNION SELECT id FROM accounts WHERE timestamp = ANY ($2::BIGINT[])"
    " UNION (SELECT id FROM accounts WHERE CARDINALITY($2) > 0 ORDER BY sequence DESC LIMIT 1))"
)
_ASKED_BURNED = "SELECT id FROM burned WHERE id = ANY ($1::UUID[])"
_LOOKUP_ACCOUNTS = (
    "SELECT accounts.* FROM UNNEST($1::UUID[]) WITH ORDINALITY AS wanted (id, place)"
    " JOIN accounts USING (id) ORDER BY place"
)
_LOOKUP_TRANSFERS = (
    "SELECT transfers.* FROM UNNEST($1::UUID[]) WITH ORDINALITY AS wanted (id, place)"
    " JOIN transfers USING (id) ORDER BY place"
)
_LIST_TRANSFERS = (
    "SELECT * FROM ("
    " (SELECT * FROM transfers WHERE debit_account_id = $1 AND timestamp > $2"
    " ORDER BY timestamp LIMIT $3)"
    " UNION ALL (SELECT * FROM transfers WHERE credit_account_id = $1 AND timestamp > $2"
    " ORDER BY timestamp LIMIT $3)) AS found ORDER BY timestamp LIMIT $3"
)
_TRIAL_BALANCE = (
    "SELECT ledger, COUNT(*) AS accounts, SUM(debits_pending) AS debits_pending,"
    " SUM(credits_pending) AS credits_pending, SUM(debits_posted) AS debits_posted,"
    " SUM(credits_posted) AS credits_posted FROM accounts"
    " WHERE $1::BIGINT IS NULL OR ledger = $1 GROUP BY ledger ORDER BY ledger"
)
_OPENINGS = "SELECT * FROM accounts WHERE sequence > $1 AND sequence <= $2 ORDER BY 1 LIMIT $3"
_RECORDINGS = "SELECT * FROM transfers WHERE sequence > $1 AND sequence <= $2 ORDER BY 1 LIMIT $3"
_EXPIRIES = (
    "SELECT expiries.sequence AS expiry_sequence, expiries.timestamp AS expired_at, transfers.*"
    " FROM expiries JOIN transfers ON transfers.id = expiries.pending_id"
    " WHERE expiries.sequence > $1 AND expiries.sequence <= $2 ORDER BY 1 LIMIT $3"
)
_SIDE_AT = """
    SELECT COALESCE(SUM(CASE WHEN t.flags & 2 = 2 THEN t.amount WHEN t.flags & 12 = 0 THEN 0
            ELSE -(SELECT p.amount FROM transfers AS p WHERE p.id = t.pending_id) END), 0)
            AS pending,
        COALESCE(SUM(t.amount) FILTER (WHERE t.flags & 10 = 0), 0) AS posted
    FROM transfers AS t
    WHERE t.{side}_account_id = accounts.id AND t.timestamp > known.timestamp
        AND t.timestamp <= $2
"""
_EXPIRED_AT = """
    SELECT COALESCE(SUM(amount), 0) AS pending FROM expiries
    WHERE {side}_account_id = accounts.id AND timestamp > known.timestamp AND timestamp <= $2
"""
_CLOSED_AT = """
    SELECT 1 FROM transfers AS t JOIN pendings USING (id)
    WHERE t.{side}_account_id = accounts.id AND t.flags & {closing} = {closing}
        AND t.timestamp <= $2 AND (ended_at IS NULL OR ended_at > $2)
"""
_BALANCES_AT = f"""
    SELECT accounts.sequence, accounts.timestamp, accounts.id, user_data_128, user_data_64,
        user_data_32, ledger, code, flags,
        known.debits_pending + debits.pending - debits_over.pending AS debits_pending,
        known.debits_posted + debits.posted AS debits_posted,
        known.credits_pending + credits.pending - credits_over.pending AS credits_pending,
        known.credits_posted + credits.posted AS credits_posted,
        flags & 32 <> 0 OR EXISTS ({_CLOSED_AT.format(side="debit", closing=64)})
            OR EXISTS ({_CLOSED_AT.format(side="credit", closing=128)}) AS is_closed
    FROM UNNEST($1::UUID[]) WITH ORDINALITY AS wanted (id, place)
    JOIN accounts USING (id)
    CROSS JOIN LATERAL (
        (SELECT timestamp, debits_pending, debits_posted, credits_pending, credits_posted
        FROM milestones WHERE account_id = accounts.id AND milestones.timestamp <= $2
        ORDER BY milestones.timestamp DESC LIMIT 1)
        UNION ALL SELECT 0, 0, 0, 0, 0 LIMIT 1
    ) AS known
    CROSS JOIN LATERAL ({_SIDE_AT.format(side="debit")}) AS debits
    CROSS JOIN LATERAL ({_SIDE_AT.format(side="credit")}) AS credits
    CROSS JOIN LATERAL ({_EXPIRED_AT.format(side="debit")}) AS debits_over
    CROSS JOIN LATERAL ({_EXPIRED_AT.format(side="credit")}) AS credits_over
    WHERE accounts.timestamp <= $2 ORDER BY place
"""  # noqa: S608 - made of the constants above alone


class Deposed(Exception):
    """Another writer has taken over: what this one would record is refused."""


class IdKnown(Exception):
    """A transfer of a plain batch has an id that was used before; nothing of it was recorded."""


class Position(NamedTuple):
    """How far the books have come."""

    timestamp: int
    sequence: int
    next_due: int | None = None
    """When the next pending transfer expires."""


class Claim(NamedTuple):
    """The right to record."""

    epoch: int
    position: Position


async def connect(dsn: str, purpose: str) -> Connection:
    """A connection that speaks of the books' tables."""
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        server_settings={**_SETTINGS, "application_name": f"sycee ledger {purpose}"},
    )


async def pool(dsn: str, size: int) -> asyncpg.Pool[asyncpg.Record]:
    """Connections for queries, opened when they are needed."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        server_settings={
            **_SETTINGS,
            "application_name": "sycee ledger reader",
            "default_transaction_read_only": "on",
        },
    )


async def prepare(connection: Connection) -> None:
    """Make the tables that are missing; ``SchemaTooNew`` of a newer release's."""
    async with connection.transaction():
        # Two processes that start at once must not both find that a table is missing.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('sycee schema'))")
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        version = None
        if await connection.fetchval("SELECT to_regclass('schema_version')") is not None:
            version = await connection.fetchval("SELECT MAX(version) FROM schema_version")
        if version is not None and version > VERSION:
            raise SchemaTooNew(f"The books have schema version {version}, this release {VERSION}.")
        if version is None:
            await connection.execute(files(__package__).joinpath("schema.sql").read_text())
            await connection.execute(_PUT_VERSION, VERSION)


async def claim(
    connection: Connection, holder: str, patience_s: float, epoch: int | None = None
) -> Claim:
    """Become the one writer: wait for the lock, and end a holder that shows no life so long.

    With ``epoch``, only while nobody else has written since; else ``Deposed``.
    """
    now = asyncio.get_running_loop().time
    beat, since = None, now()
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
        writer = await connection.fetchrow("SELECT beat, epoch FROM writer")
        assert writer is not None, "the schema puts it there"
        if epoch not in (None, writer["epoch"]):
            raise Deposed
        if writer["beat"] != beat:
            beat, since = writer["beat"], now()
        elif now() - since >= patience_s:
            await connection.execute(_END_HOLDER, LOCK)
            since = now()
        await asyncio.sleep(LOOK_S)
    row = await connection.fetchrow(_TAKE_OVER, holder, epoch)
    if row is None:
        raise Deposed
    due = await connection.fetchval(_NEXT_DUE)
    return Claim(row["epoch"], Position(row["timestamp"], row["sequence"], due))


async def beat(connection: Connection, epoch: int) -> None:
    """Show life, and learn whether the fence still lets through."""
    with _fenced():
        await connection.execute(
            f"BEGIN; SELECT fence({epoch}); SELECT advance(timestamp, sequence) FROM writer; COMMIT"
        )


async def record_plain(connection: Connection, epoch: int, stream: bytes, after: Position) -> None:
    """Record a plain batch, whole and durable; ``IdKnown`` when it is not plain after all."""
    await begin(connection, epoch)
    try:
        await _copy(connection, "transfers", rows.TRANSFER_COLUMNS, stream)
    except asyncpg.UniqueViolationError as known:
        raise IdKnown from known
    except asyncpg.PostgresError as fault:
        if fault.sqlstate == _USED_UP:
            raise IdKnown from fault
        raise
    await _commit(connection, after.timestamp, after.sequence)


async def begin(connection: Connection, epoch: int) -> None:
    """Begin a transaction that records."""
    with _fenced():
        await connection.execute(f"BEGIN; SELECT fence({epoch})")


async def excerpt(connection: Connection, asked: Questions, begin: int) -> Excerpt:
    """As much of the books as a batch that begins at nanosecond ``begin`` can ask about."""
    claimed = [stamp for stamp in asked.timestamps if stamp <= I64_MAX]
    named = _uuids(asked.transfers)
    found = await connection.fetch(_ASKED_TRANSFERS, named, begin, claimed)
    transfers = [(rows.transfer_of(row), int(row["status"])) for row in found]
    burned = await connection.fetch(_ASKED_BURNED, named)
    accounts = set(asked.accounts)
    for transfer, _ in transfers:
        accounts.update((transfer.debit_account_id, transfer.credit_account_id))
    opened = await connection.fetch(_ASKED_ACCOUNTS, _uuids(accounts), claimed)
    return Excerpt(map(rows.account_of, opened), transfers, [row["id"].int for row in burned])


async def record(connection: Connection, decided: Decided) -> Position:
    """Add what the rules decided to the transaction, and commit it."""
    for table, columns, added in (
        ("expiries", rows.EXPIRY_COLUMNS, decided.expiries),
        ("accounts", rows.ACCOUNT_COLUMNS, decided.accounts),
        ("transfers", rows.TRANSFER_COLUMNS, decided.transfers),
        ("burned", rows.ID_COLUMN, decided.burned),
    ):
        if added:
            await _copy(connection, table, columns, rows.copied(added))
    due = await connection.fetchval(_NEXT_DUE)
    await _commit(connection, decided.timestamp, decided.sequence)
    return Position(decided.timestamp, decided.sequence, due)


async def roll_back(connection: Connection) -> None:
    """Leave nothing of the transaction."""
    await connection.execute("ROLLBACK")


async def lookup_accounts(connection: Connection, ids: Sequence[int]) -> list[Account]:
    """The accounts that exist, in the order asked for."""
    return [*map(rows.account_of, await connection.fetch(_LOOKUP_ACCOUNTS, _uuids(ids)))]


async def lookup_transfers(connection: Connection, ids: Sequence[int]) -> list[Transfer]:
    """The transfers that exist, in the order asked for."""
    return [*map(rows.transfer_of, await connection.fetch(_LOOKUP_TRANSFERS, _uuids(ids)))]


async def list_transfers(
    connection: Connection, account: int, after: int, limit: int
) -> list[Transfer]:
    """One account's transfers after a timestamp."""
    for uuid in _uuids([account]):
        query = (uuid, min(max(after, -1), I64_MAX), max(limit, 0))
        return [*map(rows.transfer_of, await connection.fetch(_LIST_TRANSFERS, *query))]
    return []


async def trial_balance(connection: Connection, ledger: int | None) -> list[TrialBalanceLine]:
    """The sums of every ledger, or of one."""
    if ledger is not None and not 0 <= ledger <= I64_MAX:
        return []
    return [*map(rows.line_of, await connection.fetch(_TRIAL_BALANCE, ledger))]


async def balances_at(connection: Connection, ids: Sequence[int], timestamp: int) -> list[Account]:
    """Accounts as they stood right after an instant."""
    at = min(max(timestamp, 0), I64_MAX)
    return [*map(rows.account_of, await connection.fetch(_BALANCES_AT, _uuids(ids), at))]


async def list_changes(connection: Connection, after: int, limit: int) -> list[Change]:
    """All that was recorded after a sequence number."""
    first, limit = min(max(after, 0), I64_MAX), max(limit, 0)
    # Three tables are asked one after the other; what comes in between belongs to the next page.
    last = await connection.fetchval("SELECT sequence FROM writer")
    changes = [
        *map(rows.opening_of, await connection.fetch(_OPENINGS, first, last, limit)),
        *map(rows.recording_of, await connection.fetch(_RECORDINGS, first, last, limit)),
        *map(rows.expiry_of, await connection.fetch(_EXPIRIES, first, last, limit)),
    ]
    return sorted(changes, key=lambda change: change.sequence)[:limit]


def is_lost(fault: BaseException) -> bool:
    """Whether not the statement is at fault: nobody knows whether its commit was done."""
    if isinstance(fault, asyncpg.PostgresError):
        return (fault.sqlstate or "XX")[:2] in _SERVER_FAULTS
    return isinstance(fault, OSError | TimeoutError | asyncpg.InterfaceError)


FAULTS: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database may raise."""


@contextmanager
def _fenced() -> Iterator[None]:
    """Tell apart that the fence did not let through."""
    try:
        yield
    except asyncpg.PostgresError as fault:
        if fault.sqlstate == _FENCED:
            raise Deposed from fault
        raise


async def _copy(connection: Connection, table: str, columns: str, stream: bytes) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield stream

    await connection.copy_to_table(
        table, source=source(), columns=columns.split(", "), format="binary"
    )


async def _commit(connection: Connection, timestamp: int, sequence: int) -> None:
    await connection.execute(f"SELECT advance({timestamp}, {sequence}); COMMIT")


def _uuids(numbers: Iterable[int]) -> list[UUID]:
    """Ids as PostgreSQL knows them; what is no id is nobody's."""
    return [UUID(int=number) for number in numbers if 0 <= number <= U128_MAX]
