"""The proof bites: every lie told to the database is found, and the row is named."""

import msgspec
import pytest
from tests.services.payments.shop import SHOP, Shop

from sycee.kernel.money import Money
from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import (
    Accounts,
    ListTransfers,
    LookupAccounts,
    Transfer,
    TransferId,
    Transfers,
)
from sycee.services.payments import jobs
from sycee.services.payments.contract.intents import (
    BalanceTransaction,
    Charge,
    Payment,
    PaymentStatus,
    Refund,
)
from sycee.services.payments.domain.attempts import Attempt, Ending, Result
from sycee.services.payments.domain.chart import chart

SHAPES = {
    "payments": Payment,
    "charges": Charge,
    "refunds": Refund,
    "balance_transactions": BalanceTransaction,
    "attempts": Attempt,
}
DECLINED = Ending(Result.DECLINED)


@pytest.fixture
async def shop(tmp_path):
    """One payment that is refunded in part and has matured, and one that is held."""
    shop = await Shop(tmp_path).open()
    shop.paid = await shop.pay()
    shop.refund_ = await shop.refund(shop.paid.id, 500)
    shop.held = await shop.hold()
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    assert await shop.verify() == ()
    yield shop
    await shop.close()


async def run(shop, *statement):
    await shop.parts.database.write(lambda session: session.run(*statement))


async def rewrite(shop, table, row, **changes):
    """Change a row's body, as nobody should."""
    (body,) = await shop.parts.database.read(
        lambda session: session.row(f"SELECT body FROM {table} WHERE id = ?", row)
    )
    before = msgspec.msgpack.decode(body, type=SHAPES[table])
    after = msgspec.msgpack.encode(msgspec.structs.replace(before, **changes))
    await run(shop, f"UPDATE {table} SET body = ? WHERE id = ?", after, row)


async def attempt_of(shop, kind):
    rows = await shop.parts.database.read(lambda session: session.rows("SELECT body FROM attempts"))
    found = [msgspec.msgpack.decode(body, type=Attempt) for (body,) in rows]
    return next(each for each in found if each.kind.value == kind)


async def status_column(shop):
    await run(shop, "UPDATE payments SET status = 'canceled' WHERE id = ?", shop.paid.id)


async def attempt_column(shop):
    await run(shop, "UPDATE payments SET attempt = 'att_x' WHERE id = ?", shop.paid.id)


async def amount_received(shop):
    await rewrite(shop, "payments", shop.paid.id, amount_received_minor=1)


async def success_without_money(shop):
    await run(shop, "UPDATE payments SET status = 'succeeded' WHERE id = ?", shop.held.id)
    await rewrite(shop, "payments", shop.held.id, status=PaymentStatus.SUCCEEDED)


async def captured_column(shop):
    await run(shop, "UPDATE charges SET captured = 1999 WHERE id = ?", shop.paid.latest_charge)


async def captured_too_much(shop):
    await run(shop, "UPDATE charges SET captured = 1 WHERE id = ?", shop.held.latest_charge)
    await rewrite(shop, "charges", shop.held.latest_charge, amount_captured_minor=1)


async def refunded_too_little(shop):
    await run(shop, "UPDATE charges SET refunded = 0 WHERE id = ?", shop.paid.latest_charge)
    await rewrite(shop, "charges", shop.paid.latest_charge, amount_refunded_minor=0)


async def sale_not_booked(shop):
    await run(shop, "DELETE FROM balance_transactions WHERE source = ?", shop.paid.latest_charge)


async def refund_columns(shop):
    await run(shop, "UPDATE refunds SET amount = 499 WHERE id = ?", shop.refund_.id)


async def refund_open_for_ever(shop):
    await run(shop, "UPDATE refunds SET status = 'pending' WHERE id = ?", shop.refund_.id)
    await rewrite(shop, "refunds", shop.refund_.id, status="pending")


async def refund_failed_and_done(shop):
    attempt = await attempt_of(shop, "refund")
    await rewrite(shop, "attempts", attempt.id, ending=DECLINED)


async def refund_not_booked(shop):
    await run(shop, "DELETE FROM balance_transactions WHERE source = ?", shop.refund_.id)


async def net_column(shop):
    await run(shop, "UPDATE balance_transactions SET net = net + 1 WHERE type = 'charge'")


async def matured_column(shop):
    await run(shop, "UPDATE balance_transactions SET is_matured = 0 WHERE type = 'charge'")


async def amount_of_attempt(shop):
    attempt = await attempt_of(shop, "pay")
    await rewrite(shop, "attempts", attempt.id, amount=Money(1, "USD"))


async def payment_that_was_declined(shop):
    attempt = await attempt_of(shop, "pay")
    await rewrite(shop, "attempts", attempt.id, ending=DECLINED)


async def payment_the_ledger_never_saw(shop):
    attempt = await attempt_of(shop, "pay")
    await run(
        shop,
        "INSERT INTO attempts SELECT 'att_9', merchant, payment, is_open, started,"
        " 999, body FROM attempts WHERE id = ?",
        attempt.id,
    )
    await rewrite(shop, "attempts", "att_9", id="att_9")


async def attempt_forgotten(shop):
    attempt = await attempt_of(shop, "authorize")
    await run(shop, "DELETE FROM attempts WHERE id = ?", attempt.id)


async def payment_forgotten(shop):
    await run(shop, "DELETE FROM payments WHERE id = ?", shop.held.id)


async def maturing_of_more(shop):
    await run(shop, "UPDATE maturings SET net = net + 1")


async def maturing_of_more_throughout(shop):
    await run(shop, "UPDATE maturings SET net = net + 1")
    await run(shop, "UPDATE balance_transactions SET net = net + 1 WHERE type = 'charge'")


async def maturing_the_ledger_never_saw(shop):
    await run(
        shop,
        "INSERT INTO maturings SELECT 'mat_9', merchant, livemode, rail, currency, 1, 0, 1"
        " FROM maturings",
    )


async def refund_from_the_wrong_account(shop):
    await run(shop, "UPDATE balance_transactions SET is_matured = 0 WHERE type = 'refund'")
    (id,) = await shop.parts.database.read(
        lambda session: session.row("SELECT id FROM balance_transactions WHERE type = 'refund'")
    )
    await rewrite(shop, "balance_transactions", id, status="pending")


async def transfer_out_of_nowhere(shop):
    of = chart(SHOP, False, "USD", "testcard")
    stray = Transfer(TransferId(U128(9)), of.settlement, of.available, U128(1), of.ledger, 2)
    await shop.ledger.create_transfers(Transfers((stray,)))


LIES = [
    (status_column, "payment", "its status is canceled and succeeded"),
    (attempt_column, "payment", "with open attempts"),
    (amount_received, "payment", "received 1, captured 2000"),
    (success_without_money, "payment", "has received 0"),
    (captured_column, "charge", "its columns"),
    (captured_too_much, "charge", "its attempts took 0"),
    (refunded_too_little, "charge", "its refunds are 500"),
    (sale_not_booked, "charge", "balance transactions do not agree"),
    (refund_columns, "refund", "its columns"),
    (refund_open_for_ever, "refund", "is pending with 1 attempts"),
    (refund_failed_and_done, "refund", "its attempt was declined"),
    (refund_not_booked, "refund", "changed the balance by 0"),
    (net_column, "balance transaction", "its net"),
    (matured_column, "balance transaction", "its column says otherwise"),
    (amount_of_attempt, "attempt", "is another"),
    (payment_that_was_declined, "attempt", "do not go together"),
    (payment_the_ledger_never_saw, "attempt", "the ledger has no transfers"),
    (attempt_forgotten, "account", "its balances are"),
    (payment_forgotten, "row", "belongs to no payment"),
    (maturing_of_more, "maturing", "its transactions are"),
    (maturing_of_more_throughout, "maturing", "is another"),
    (maturing_the_ledger_never_saw, "maturing", "the ledger has no transfer"),
    (refund_from_the_wrong_account, "account", "balance transactions come to"),
    (transfer_out_of_nowhere, "account", "payments knows of"),
]


@pytest.mark.parametrize(("lie", "row", "problem"), LIES, ids=[lie.__name__ for lie, *_ in LIES])
async def test_a_lie_is_found_and_its_row_is_named(shop, lie, row, problem):
    """MS3."""
    await lie(shop)
    found = await shop.verify()
    assert any(each.row.startswith(row) and problem in each.problem for each in found), found


async def test_an_open_attempt_is_no_finding(tmp_path):
    shop = await Shop(tmp_path).open()
    await shop.pay("sycee_lost_answer")
    assert await shop.verify() == ()
    await shop.close()


class Still:
    """The books as they stood: what came later is not in them."""

    def __init__(self, ledger, accounts, transfers):
        self._ledger = ledger
        self._accounts = {account.id: account for account in accounts}
        self._transfers = transfers

    async def lookup_transfers(self, query):
        found = await self._ledger.lookup_transfers(query)
        return Transfers(tuple(each for each in found.transfers if each.id in self._transfers))

    async def lookup_accounts(self, query):
        return Accounts(tuple(self._accounts[id] for id in query.ids if id in self._accounts))


async def still(ledger):
    """Everything that is in the books of the shop now."""
    of = chart(SHOP, False, "USD", "testcard")
    ids = (of.settlement, of.clearing, of.pending, of.available, of.fees, of.refunds)
    accounts = (await ledger.lookup_accounts(LookupAccounts(ids))).accounts
    transfers = set()
    for id in ids:
        listed = await ledger.list_transfers(ListTransfers(id, limit=1000))
        transfers |= {each.id for each in listed.transfers}
    return Still(ledger, accounts, transfers)


async def test_what_ended_after_the_horizon_may_be_missing_in_the_books(tmp_path):
    """MS3: the books are read at one instant, and payments go on."""
    shop = await Shop(tmp_path).open()
    await shop.pay()
    database = shop.parts.database
    until = await jobs.horizon(database)
    books = await still(shop.ledger)
    await shop.pay()
    await shop.hold()
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    assert await jobs.verify(database, books, lambda *_: None, until) == ()
    later = await jobs.verify(database, books, lambda *_: None)
    assert any("the ledger has no transfers" in each.problem for each in later)
    assert any("the ledger has no transfer " in each.problem for each in later)
    await shop.close()


async def test_progress_is_told(shop):
    told = []
    await jobs.verify(shop.parts.database, shop.ledger, lambda done, of: told.append((done, of)))
    assert told == [(2, 2)]


async def test_balances_are_proven_within_the_horizon_too_when_nothing_moves(shop):
    await refund_from_the_wrong_account(shop)
    await shop.pay()
    database = shop.parts.database
    until = await jobs.horizon(database)
    found = await jobs.verify(database, shop.ledger, lambda *_: None, until)
    assert any("balance transactions come to" in each.problem for each in found)
    await shop.pay()
    assert await jobs.verify(database, shop.ledger, lambda *_: None, until) == ()
