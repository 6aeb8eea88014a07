"""Periods that are closed, sealed and verified."""

import asyncio

import pytest
from tests.services.accounting.books import (
    ASSET,
    OTHER,
    SHOP,
    code_of,
    credit,
    debit,
    open_books,
    refused,
)
from tests.services.floor import NOON

from sycee.kernel.clock import Instant
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import ListPeriods, VerifyPeriods
from sycee.services.ledger.contract import (
    ListChanges,
    Transfer,
    TransferId,
    Transfers,
)

DAY_S = 86_400


def day(number):
    return Instant(NOON + number * DAY_S * 1_000_000_000)


@pytest.fixture
async def shop(books):
    await books.open("bank", kind=ASSET)
    await books.open("wallet", "till", upper=10_000)
    return books


async def verified(books, owner=SHOP):
    await asyncio.sleep(0)  # Queries of one turn of the loop see one snapshot.
    proof = await books.accounting.verify_periods(VerifyPeriods(owner))
    return proof.difference, proof.period, proof.periods, proof.transactions


async def test_a_closed_period_takes_nothing_more(shop):
    await shop.fund("wallet", 5, id="in")
    shop.host.clock.pass_s(DAY_S)
    period = await shop.close("day-1", day(1))
    assert (period.number, period.start, period.transactions) == (1, 0, 1)
    assert [(one.account, one.debits, one.credits) for one in period.balances] == [
        ("bank", 5, 0),
        ("wallet", 0, 5),
    ]
    late = shop.fund("wallet", 5, id="late", effective=Instant(day(1) - 1))
    assert await refused(late) == ("period_closed", "effective")
    await shop.fund("wallet", 5, id="next", effective=day(1))
    again = await shop.fund("wallet", 5, id="in")
    assert again.id == "in"
    assert await shop.close("day-1", day(1)) == period
    assert await verified(shop) == (None, None, 1, 1)


async def test_periods_follow_each_other_and_bind_their_seals(shop):
    await shop.fund("wallet", 5)
    await shop.fund("wallet", 70, effective=day(1))
    shop.host.clock.pass_s(3 * DAY_S)
    first = await shop.close("1", day(1))
    await shop.fund("wallet", 600, effective=Instant(day(1) + 1))
    second = await shop.close("2", day(2))
    third = await shop.close("3", day(3))
    assert [one.transactions for one in (first, second, third)] == [1, 2, 0]
    assert [one.balances[0].debits for one in (first, second, third)] == [5, 675, 675]
    assert (second.before, third.before) == (first.seal, second.seal)
    assert (first.before, second.start, third.start) == ("0" * 64, first.end, second.end)
    listed = await shop.accounting.list_periods(ListPeriods(SHOP))
    assert listed.periods == (first, second, third)
    rest = await shop.accounting.list_periods(ListPeriods(SHOP, 1, 1))
    assert rest.periods == (second,)
    assert await verified(shop) == (None, None, 3, 3)
    assert await verified(shop, OTHER) == (None, None, 0, 0)


@pytest.mark.parametrize(
    ("name", "end", "expected"),
    [
        ("", 2, ("name_invalid", "name")),
        ("1", 2, ("period_differs", "end")),
        ("2", 1, ("period_invalid", "end")),
        ("2", 0, ("period_invalid", "end")),
        ("2", 9, ("period_invalid", "end")),
    ],
)
async def test_what_cannot_be_closed(shop, name, end, expected):
    shop.host.clock.pass_s(3 * DAY_S)
    await shop.fund("wallet", 5)
    await shop.close("1", day(1))
    assert await refused(shop.close(name, day(end))) == expected


async def test_a_period_without_accounts_can_be_closed(books):
    books.host.clock.pass_s(DAY_S)
    period = await books.close("1", day(1))
    assert (period.transactions, period.balances) == (0, ())


async def test_a_ledger_whose_clock_is_behind_is_waited_for(tmp_path):
    """What it records might still be of the period."""
    behind = await open_books(tmp_path)
    await behind.open("wallet")
    await behind.fund("wallet", 5)
    ahead = await open_books(tmp_path, ledger=behind.ledger)
    ahead.host.clock.instant = day(2)
    assert await refused(ahead.close("1", day(1))) == ("unavailable", None)
    assert await refused(ahead.close("2", day(2))) == ("unavailable", None)
    late = ahead.fund("wallet", 5, id="late", effective=NOON)
    assert await refused(late) == ("period_closed", "effective")
    behind.host.clock.instant = day(2)
    assert (await ahead.close("1", day(1))).transactions == 1


async def test_closing_races_with_posting(shop):
    """Whatever is dated in the period and was told done is in the seal; nothing else is."""
    shop.host.clock.pass_s(DAY_S)

    async def post(n):
        legs = debit("bank", 1), credit("wallet", 1)
        return await code_of(shop.post(*legs, id=f"t{n}", effective=Instant(day(1) - 1)))

    early = [asyncio.create_task(post(n)) for n in range(20)]
    await early[0]
    late = [asyncio.create_task(post(n)) for n in range(20, 40)]
    period = await shop.close("1", day(1))
    outcomes = await asyncio.gather(*early, *late)
    assert set(outcomes) <= {"ok", "period_closed"}
    assert period.transactions == outcomes.count("ok") >= 1
    assert await verified(shop) == (None, None, 1, period.transactions)


async def closed(shop):
    await shop.fund("wallet", 5, id="a", metadata='{"n":1}')
    await shop.fund("till", 70, id="b")
    shop.host.clock.pass_s(DAY_S)
    await shop.close("1", day(1))
    await shop.fund("wallet", 1, id="c")
    shop.host.clock.pass_s(DAY_S)
    await shop.close("2", day(2))
    return shop.host.databases["accounting"].connection


@pytest.mark.parametrize(
    ("statement", "difference", "period"),
    [
        (
            "UPDATE metadata SET text = '{\"n\":2}' WHERE text = '{\"n\":1}'",
            "transaction a is not as it was sealed",
            "1",
        ),
        (
            "UPDATE transactions SET effective = 5, counts = counts - 1 WHERE id = 'b'",
            "transaction b is not as it was sealed",
            "1",
        ),
        (
            "UPDATE transactions SET counts = counts + 90000000000000 WHERE id = 'b'",
            "transaction b is gone",
            "1",
        ),
        (
            "UPDATE transactions SET counts = counts + 90000000000000 WHERE id = 'a'",
            "transaction b is not in the seal; a is sealed in its place",
            "1",
        ),
        (
            "UPDATE transactions SET counts = counts - 90000000000000 WHERE id = 'c'",
            "transaction c is not in the seal; a is sealed in its place",
            "1",
        ),
        ("DELETE FROM sealed WHERE number = 2", "transaction c is not in the seal", "2"),
        (
            "UPDATE transactions SET body = (SELECT body FROM transactions WHERE id = 'c')"
            " WHERE id = 'a'",
            "transaction a is not as it was sealed",
            "1",
        ),
    ],
)
async def test_verifying_names_the_first_difference(shop, statement, difference, period):
    (await closed(shop)).execute(statement)
    assert (await verified(shop))[:2] == (difference, period)


async def test_verifying_finds_a_seal_that_was_exchanged(shop):
    connection = await closed(shop)
    rows = connection.execute("SELECT body FROM periods ORDER BY number").fetchall()
    first, second = (bytes(row[0]) for row in rows)
    period = (await shop.accounting.list_periods(ListPeriods(SHOP))).periods
    for number, body, was, now, difference in (
        (1, first, period[0].seal, "ab" * 32, "the seal is not what its contents give"),
        (2, second, period[1].before, "cd" * 32, "the period does not follow the one before"),
    ):
        changed = body.replace(was.encode(), now.encode())
        assert changed != body
        _replace(connection, number, changed)
        assert (await verified(shop))[:2] == (difference, str(number))
        _replace(connection, number, body)
    assert await verified(shop) == (None, None, 2, 3)


async def test_verifying_finds_sealed_balances_that_were_changed(shop):
    connection = await closed(shop)
    (body,) = connection.execute("SELECT body FROM periods WHERE number = 1").fetchone()
    amount = U128(70).encode()
    changed = bytes(body).replace(amount, U128(71).encode(), 1)
    assert changed != body
    _replace(connection, 1, changed)
    found = "the balance of till in USD is not as it was sealed"
    assert (await verified(shop))[:2] == (found, "1")


def _replace(connection, number, body):
    sql = f"UPDATE periods SET body = X'{body.hex()}' WHERE number = {number}"
    try:
        connection.execute(sql)
    except Exception:  # noqa: BLE001 - PostgreSQL writes bytes in its own way
        connection.execute(sql.replace("X'", "'\\x"))


async def test_verifying_finds_what_was_moved_past_accounting(shop):
    await closed(shop)
    shop.host.clock.instant = day(3)
    changes = (await shop.ledger.list_changes(ListChanges(0, 1000))).changes
    moved = [each.transfer for each in changes if each.transfer and each.transfer.code == 101]
    one = moved[0]
    stranger = Transfer(
        TransferId(U128(77)), one.credit_account_id, one.debit_account_id, U128(1), 840, 9
    )
    await shop.ledger.create_transfers(Transfers((stranger,)))
    assert (await verified(shop))[0] is None
    shop.host.clock.instant = day(4)
    await shop.close("4", day(4))
    told = (await verified(shop))[0]
    assert told is not None and told.startswith("transfer 77 of ")
    assert told.endswith("was made past accounting")
