"""The whole contract over the wire, as between two processes."""

import pytest
from tests.services.accounting.books import ASSET, SHOP, Books, credit, debit, move, refused

from sycee.kernel.u128 import U128
from sycee.runtime import rpc
from sycee.services.accounting.contract import (
    Accounting,
    BulkFormat,
    ExportPart,
    GetHeld,
    GetReceipt,
    GetReceiptKey,
    GetStatement,
    GetTrialBalance,
    HoldTransfer,
    ListAccounts,
    ListOwnChanges,
    ListOwnTransfers,
    ListTemplates,
    ListTransactions,
    PostTransfer,
    Share,
    VerifyPeriods,
    VoidTransfer,
)


@pytest.fixture
async def remote(books, tmp_path):
    address = f"unix:{tmp_path}/s.sock"
    server = await rpc.serve({"accounting": (Accounting, books.accounting)}, address)
    stand_in = rpc.remote("accounting", Accounting, address)
    yield Books(books.host, books.ledger, stand_in)
    await rpc.disconnect(stand_in)
    await server.drain()


async def test_answers_and_refusals_are_the_same_over_the_wire(books, remote):
    await remote.open("bank", kind=ASSET, lower=-(2**63) + 1, upper=2**63 - 1)
    await remote.open("wallet", "a", "b", lower=0)
    huge = 2**126
    legs = debit("wallet", huge), credit("a", huge)
    assert await refused(remote.post(*legs, id="no")) == ("funds_insufficient", None)
    await remote.post(debit("bank", 2**62), credit("wallet", 2**62), id="t")
    shares = [Share("a", percent="50"), Share("b", percent="50")]
    await remote.define("half", move(["wallet"], shares, complete=False))
    await remote.run("half", id="r")
    remote.host.clock.pass_s(60)
    end = remote.host.clock.now()
    await remote.close("1", end)
    queries = {
        "list_accounts": ListAccounts(SHOP),
        "list_transactions": ListTransactions(SHOP),
        "list_templates": ListTemplates(SHOP),
        "list_own_changes": ListOwnChanges(SHOP),
        "get_statement": GetStatement(SHOP, "wallet", "USD", 1, end),
        "get_trial_balance": GetTrialBalance(SHOP),
        "get_receipt": GetReceipt(SHOP, "r"),
        "get_receipt_key": GetReceiptKey(),
        "verify_periods": VerifyPeriods(SHOP),
        "export_part": ExportPart(SHOP, BulkFormat.JSONL),
    }
    held = await remote.accounting.hold_transfer(
        HoldTransfer(SHOP, "h", "a", "b", "USD", U128(2), 60, '{"n":1}')
    )
    assert held == await books.accounting.get_held(GetHeld(SHOP, "h"))
    await remote.accounting.post_transfer(PostTransfer(SHOP, "h", U128(1)))
    again = await refused(remote.accounting.void_transfer(VoidTransfer(SHOP, "h")))
    assert again == ("transfer_ended", "id")
    queries["list_own_transfers"] = ListOwnTransfers(SHOP, "a", "USD")
    for name, query in queries.items():
        here = await getattr(books.accounting, name)(query)
        assert await getattr(remote.accounting, name)(query) == here
