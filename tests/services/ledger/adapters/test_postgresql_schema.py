"""Raw SQL that would break a rule of the books is refused by the schema alone."""

from __future__ import annotations

import asyncpg
import pytest
from tests.services.ledger.notation import (
    CLOSING_CREDIT,
    OK,
    PENDING,
    account,
    post,
    transfer,
    void,
)

from sycee.services.ledger.contract import Accounts, Transfers

NONE, MOST = 0, 2**128 - 1
OPENING = Accounts((account(1), account(2), account(3, flags=2), account(4, flags=4), account(5)))
PLAIN = {
    "sequence": "1000 + (SELECT sequence FROM writer)",
    "timestamp": "1000 + (SELECT timestamp FROM writer)",
    "id": 900,
    "debit_account_id": 1,
    "credit_account_id": 2,
    "pending_id": None,
    "user_data_128": NONE,
    "user_data_64": "0",
    "user_data_32": "0",
    "timeout_s": "0",
    "ledger": "1",
    "code": "1",
    "flags": "0",
    "amount": "5",
}
ACCOUNT = {
    "sequence": "1000 + (SELECT sequence FROM writer)",
    "timestamp": "1000 + (SELECT timestamp FROM writer)",
    "id": 900,
    "user_data_128": NONE,
    "user_data_64": "0",
    "user_data_32": "0",
    "ledger": "1",
    "code": "1",
    "flags": "0",
    "is_closed": "FALSE",
}
EXPIRY = {
    "sequence": "1000 + (SELECT sequence FROM writer)",
    "timestamp": f"{2**62}",
    "pending_id": 11,
    "debit_account_id": 1,
    "credit_account_id": 2,
    "amount": "5",
}


def literal(value):
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else f"'{value:032x}'"


def insert(table, row, **fields):
    row = row | fields
    return (
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(literal, row.values()))})"
    )


def moved(**fields):
    return insert("transfers", PLAIN, **fields)


def opened(**fields):
    return insert("accounts", ACCOUNT, **fields)


def expired(**fields):
    return insert("expiries", EXPIRY, **fields)


@pytest.fixture
async def books(engine):
    """11 and 14 are pending, 12 was posted by 13, 17 closed account 5, 15 failed."""
    await engine.ledger.create_accounts(OPENING)
    answer = await engine.ledger.create_transfers(
        Transfers(
            (
                transfer(10, 1, 2, 7),
                transfer(11, 1, 2, 5, flags=PENDING, timeout_s=60),
                transfer(12, 1, 2, 5, flags=PENDING),
                post(13, 12),
                transfer(14, 1, 2, 5, flags=PENDING),
                transfer(17, 1, 5, 0, flags=PENDING | CLOSING_CREDIT),
            )
        )
    )
    assert set(answer.codes) == {OK}
    failed = await engine.ledger.create_transfers(Transfers((transfer(15, 3, 1, 1),)))
    assert failed.codes == (54,)
    return engine


async def fenced(engine, statement):
    """As a writer would, after the fence."""
    epoch = (await engine.sql("SELECT epoch FROM writer"))[0]["epoch"]
    connection = await asyncpg.connect(engine.dsn, server_settings={"search_path": "books"})
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT fence({epoch})")
            await connection.execute(statement)
    finally:
        await connection.close()


POSTING = {"pending_id": 14, "flags": "4"}
VOIDING = {"pending_id": 14, "flags": "8"}
REFUSED = [
    ("an id comes twice", moved(id=10)),
    ("an id of zero", moved(id=NONE)),
    ("the largest id", moved(id=MOST)),
    ("an id that failed", moved(id=15)),
    ("one account on both sides", moved(credit_account_id=1)),
    ("an unknown debit account", moved(debit_account_id=77)),
    ("an unknown credit account", moved(credit_account_id=77)),
    ("a negative amount", moved(amount="-1")),
    ("an amount of 129 bits", moved(amount=f"{2**128}")),
    ("a sum of 129 bits", moved(amount=f"{2**128 - 1}")),
    ("another ledger than the accounts'", moved(ledger="2")),
    ("ledger zero", moved(ledger="0")),
    ("code zero", moved(code="0")),
    ("more debits than credits", moved(debit_account_id=3)),
    ("more credits than debits", moved(credit_account_id=4)),
    ("more reserved than there is", moved(debit_account_id=3, flags="2")),
    ("a closed account", moved(credit_account_id=5)),
    ("a closed account, reserving", moved(credit_account_id=5, flags="2")),
    ("a timeout of what is not pending", moved(timeout_s="5")),
    ("a flag that nobody knows", moved(flags="512")),
    ("posting and voiding at once", moved(pending_id=14, flags="12")),
    ("a pending id without posting", moved(pending_id=14)),
    ("posting nothing", moved(flags="4")),
    ("posting what is unknown", moved(**POSTING | {"pending_id": 99})),
    ("posting what is not pending", moved(**POSTING | {"pending_id": 10})),
    ("posting a second time", moved(**POSTING | {"pending_id": 12})),
    ("posting more than reserved", moved(**POSTING, amount="6")),
    ("posting to another account", moved(**POSTING, credit_account_id=4)),
    ("posting with another code", moved(**POSTING, code="2")),
    ("posting with another ledger", moved(**POSTING, ledger="2")),
    ("posting after its time", moved(**POSTING | {"pending_id": 11}, timestamp=f"{2**62}")),
    ("posting before it was reserved", moved(**POSTING, timestamp="1")),
    ("voiding a part", moved(**VOIDING, amount="4")),
    ("voiding what was posted", moved(**VOIDING | {"pending_id": 12})),
    ("closing at once", moved(flags="64")),
    ("a time that was", moved(timestamp="(SELECT MAX(timestamp) - 1 FROM transfers)")),
    ("a time that is taken", moved(timestamp="(SELECT MAX(timestamp) FROM transfers)")),
    ("a sequence that is taken", moved(sequence="(SELECT MAX(sequence) FROM transfers)")),
    ("an account a second time", opened(id=1)),
    ("an account with id zero", opened(id=NONE)),
    ("an account with the largest id", opened(id=MOST)),
    ("an account of ledger zero", opened(ledger="0")),
    ("an account of code zero", opened(code="0")),
    ("an account with both limits", opened(flags="6")),
    ("an account with a flag that nobody knows", opened(flags="64")),
    ("an account with money on it", opened(credits_posted="5")),
    ("an account with debts on it", opened(debits_pending="5")),
    ("an account that is closed and does not say so", opened(is_closed="TRUE")),
    ("an account in the past", opened(timestamp="1")),
    ("expiring too early", expired(timestamp="(SELECT timestamp + 1 FROM writer)")),
    ("expiring what never expires", expired(pending_id=14)),
    ("expiring what was posted", expired(pending_id=12)),
    ("expiring what is unknown", expired(pending_id=99)),
    ("expiring another amount", expired(amount="4")),
    ("expiring for another account", expired(debit_account_id=4)),
    ("burning the id of a transfer", f"INSERT INTO burned VALUES ({literal(10)})"),
    ("money by hand", "UPDATE accounts SET credits_posted = credits_posted + 1"),
    ("opening a closed account by hand", "UPDATE accounts SET is_closed = FALSE"),
    ("another limit", "UPDATE accounts SET flags = 0"),
    ("an account that vanishes", f"DELETE FROM accounts WHERE id = {literal(4)}"),
    ("a transfer that changes", "UPDATE transfers SET amount = amount + 1"),
    ("a transfer that vanishes", f"DELETE FROM transfers WHERE id = {literal(10)}"),
    ("books without transfers", "TRUNCATE transfers"),
    ("books without accounts", "TRUNCATE accounts"),
    ("a pending transfer by hand", f"INSERT INTO pendings VALUES ({literal(10)}, 1)"),
    ("an end by hand", "UPDATE pendings SET status = 3, ended_at = 5 WHERE status = 1"),
    ("an end that is forgotten", "UPDATE pendings SET status = 1, ended_at = NULL"),
    ("a pending transfer that vanishes", "DELETE FROM pendings"),
    ("a burned id that comes free", "DELETE FROM burned"),
    ("an expiry that vanishes", "DELETE FROM expiries"),
    ("a past by hand", f"INSERT INTO milestones VALUES ({literal(1)}, 1, 0, 0, 0, 0)"),
    ("a past that vanishes", "DELETE FROM milestones"),
    ("time that goes back", "SELECT advance(1, 1)"),
]


@pytest.mark.parametrize(("what", "statement"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_sql_that_breaks_a_rule_is_refused(books, what, statement):
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await fenced(books, statement)
    assert refusal.value.sqlstate[:2] in ("23", "SY"), refusal.value


ALLOWED = [
    moved(),
    moved(flags="2"),
    moved(**POSTING, amount="4"),
    moved(**VOIDING),
    moved(pending_id=17, flags="8", credit_account_id=5, amount="0"),
    opened(),
    opened(flags="32", is_closed="TRUE"),
    expired(),
    f"INSERT INTO burned VALUES ({literal(99)})",
]


@pytest.mark.parametrize("statement", ALLOWED)
async def test_the_same_sql_is_taken_when_it_breaks_none(books, statement):
    """Else the rows above would be refused for another reason than theirs."""
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await books.sql(statement)
    assert refusal.value.sqlstate == "SY001", "only after the fence"
    await fenced(books, statement)


async def test_a_void_of_a_closing_transfer_opens_the_account(books):
    await books.ledger.create_transfers(Transfers((void(18, 17),)))
    await fenced(books, moved(credit_account_id=5))
