"""The proof of disputes bites: every lie told to the database is found."""

import msgspec
import pytest
from tests.services.payments.service.test_disputes import dispute, go_on
from tests.services.payments.shop import Shop, origin

from sycee.kernel.money import Money
from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import Transfer, TransferId, Transfers
from sycee.services.payments.contract.disputes import CloseDispute, Dispute, DisputeStatus
from sycee.services.payments.contract.intents import Charge
from sycee.services.payments.domain.chart import chart
from sycee.services.payments.domain.disputes import DisputeMove

SHAPES = {"disputes": Dispute, "charges": Charge, "dispute_moves": DisputeMove}


@pytest.fixture
async def shop(tmp_path):
    """One dispute that waits, one that is lost, and an inquiry."""
    shop = await Shop(tmp_path).open()
    shop.paid, shop.waiting = await dispute(shop)
    _, shop.lost = await dispute(shop)
    await shop.service.close_dispute(CloseDispute(origin(), shop.lost.id))
    await dispute(shop, "createDisputeInquiry")
    await go_on(shop)
    assert await shop.verify() == ()
    yield shop
    await shop.close()


async def run(shop, *statement):
    await shop.parts.database.write(lambda session: session.run(*statement))


async def rewrite(shop, table, row, **changes):
    (body,) = await shop.parts.database.read(
        lambda session: session.row(f"SELECT body FROM {table} WHERE id = ?", row)
    )
    before = msgspec.msgpack.decode(body, type=SHAPES[table])
    after = msgspec.msgpack.encode(msgspec.structs.replace(before, **changes))
    await run(shop, f"UPDATE {table} SET body = ? WHERE id = ?", after, row)


async def status_column(shop):
    await run(shop, "UPDATE disputes SET status = 'won' WHERE id = ?", shop.waiting.id)


async def amount_column(shop):
    await run(shop, "UPDATE disputes SET amount = 1 WHERE id = ?", shop.waiting.id)


async def status_without_a_move(shop):
    await rewrite(shop, "disputes", shop.waiting.id, status=DisputeStatus.LOST)
    await run(shop, "UPDATE disputes SET status = 'lost' WHERE id = ?", shop.waiting.id)


async def move_gone(shop):
    await run(shop, "DELETE FROM dispute_moves WHERE id = ?", f"{shop.lost.id}.2")


async def another_winner(shop):
    await rewrite(shop, "dispute_moves", f"{shop.lost.id}.2", is_won=True)


async def another_amount(shop):
    await rewrite(shop, "dispute_moves", f"{shop.waiting.id}.1", amount=Money(1, "USD"))


async def never_in_the_ledger(shop):
    row = f"{shop.waiting.id}.1"
    await rewrite(shop, "dispute_moves", row, id="dp_x.1")


async def not_booked(shop):
    await run(shop, "DELETE FROM balance_transactions WHERE source = ?", shop.waiting.id)


async def nothing_held_back(shop):
    await rewrite(shop, "charges", shop.paid.latest_charge, amount_disputed_minor=0)


async def refunded_as_well(shop):
    await rewrite(shop, "charges", shop.paid.latest_charge, amount_refunded_minor=1)
    await run(shop, "UPDATE charges SET refunded = 1 WHERE id = ?", shop.paid.latest_charge)


async def orphaned(shop):
    await run(shop, "UPDATE disputes SET payment = 'pi_x' WHERE id = ?", shop.waiting.id)


LIES = [
    (status_column, "dispute dp_", "its columns"),
    (amount_column, "dispute dp_", "its columns"),
    (status_without_a_move, "dispute dp_", "is lost and moves"),
    (move_gone, "dispute dp_", "is lost and moves"),
    (another_winner, "dispute move dp_", "is another"),
    (another_amount, "dispute dp_", "of another amount"),
    (never_in_the_ledger, "dispute move dp_x.1", "has no transfer"),
    (not_booked, "dispute dp_", "changed the balance by []"),
    (nothing_held_back, "charge ch_", "its disputes take 2000"),
    (refunded_as_well, "charge ch_", "take more than"),
    (orphaned, "row dp_", "belongs to no payment"),
]


@pytest.mark.parametrize(("lie", "row", "problem"), LIES, ids=[lie.__name__ for lie, _, _ in LIES])
async def test_a_lie_is_found(shop, lie, row, problem):
    await lie(shop)
    findings = await shop.verify()
    assert any(each.row.startswith(row) and problem in each.problem for each in findings), findings


async def test_a_transfer_that_no_dispute_made_is_found(shop):
    """Money taken out of what is held back is missing in the sums."""
    of = chart("acct_shop", False, "USD", "testcard")
    stolen = Transfer(TransferId(U128(7)), of.disputes, of.settlement, U128(1), of.ledger, 10)
    await shop.ledger.create_transfers(Transfers((stolen,)))
    assert any(each.row == f"account {of.disputes}" for each in await shop.verify())
