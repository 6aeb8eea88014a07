"""Transfers in two phases, and the transfers of an account."""

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

from sycee.kernel.clock import SECOND_NS
from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    AccountRef,
    BulkFormat,
    ExportPart,
    FindTransaction,
    FundsInsufficient,
    GetBalances,
    GetHeld,
    GetReceipt,
    HoldTransfer,
    ListOwnChanges,
    ListOwnTransfers,
    ListTransactions,
    PostTransfer,
    TransferStatus,
    VoidTransfer,
)
from sycee.services.accounting.service.parts import Parts, Settings
from sycee.services.accounting.service.whole import AccountingService


@pytest.fixture
async def shop(books):
    await books.open("purse", "b", "c", lower=0)
    await books.fund("purse", 100)
    return books


def hold(id="h", minor=60, source="purse", target="b", owner=SHOP, **details):
    return HoldTransfer(owner, id, source, target, "USD", U128(minor), **details)


async def standing(shop, id="h"):
    return (await shop.accounting.get_held(GetHeld(SHOP, id))).status


async def pending(shop, account):
    query = GetBalances(SHOP, (AccountRef(account, "USD"),))
    found = (await shop.accounting.get_balances(query)).balances[0]
    return found.debits_pending, found.credits_pending


async def test_what_is_promised_is_pending_and_is_no_transaction(shop):
    held = await shop.accounting.hold_transfer(hold(metadata='{"order":"7"}'))
    assert (held.id, held.debit, held.credit) == ("h", "purse", "b")
    assert (held.amount_minor, held.status) == (60, TransferStatus.PENDING)
    assert (held.is_promise, held.expires, held.metadata) == (True, None, '{"order":"7"}')
    assert await pending(shop, "purse") == (60, 0)
    assert await shop.balance("purse") == 100
    found = await shop.accounting.list_transactions(ListTransactions(SHOP))
    assert len(found.transactions) == 1


async def test_posting_makes_it_the_transaction_of_its_id(shop):
    await shop.accounting.hold_transfer(hold(metadata='{"order":"7"}'))
    posted = await shop.accounting.post_transfer(PostTransfer(SHOP, "h", U128(45)))
    assert [(leg.account, leg.side.value, leg.amount_minor) for leg in posted.legs] == [
        ("purse", "debit", 45),
        ("b", "credit", 45),
    ]
    assert (posted.id, posted.metadata) == ("h", '{"order":"7"}')
    assert await pending(shop, "purse") == (0, 0)
    assert (await shop.balance("purse"), await shop.balance("b")) == (55, 45)
    assert await standing(shop) is TransferStatus.POSTED
    found = await shop.accounting.find_transaction(FindTransaction(SHOP, posted.transfers[0]))
    assert found == posted
    assert (await shop.accounting.get_receipt(GetReceipt(SHOP, "h"))).signature


async def test_posting_without_an_amount_moves_all(shop):
    await shop.accounting.hold_transfer(hold())
    await shop.accounting.post_transfer(PostTransfer(SHOP, "h"))
    assert await shop.balance("b") == 60


async def test_voiding_gives_it_back(shop):
    await shop.accounting.hold_transfer(hold())
    for _ in range(2):
        voided = await shop.accounting.void_transfer(VoidTransfer(SHOP, "h"))
        assert voided.status is TransferStatus.VOIDED
    assert await pending(shop, "purse") == (0, 0)
    assert await shop.balance("purse") == 100


async def test_every_step_may_be_repeated(shop):
    first = await shop.accounting.hold_transfer(hold())
    assert await shop.accounting.hold_transfer(hold()) == first
    posted = await shop.accounting.post_transfer(PostTransfer(SHOP, "h", U128(5)))
    assert await shop.accounting.post_transfer(PostTransfer(SHOP, "h", U128(5))) == posted
    assert await shop.balance("b") == 5
    again = await shop.accounting.hold_transfer(hold())
    assert again.status is TransferStatus.POSTED


async def test_an_id_means_one_thing(shop):
    await shop.accounting.hold_transfer(hold())
    used = "transaction_differs", "id"
    assert await refused(shop.accounting.hold_transfer(hold(minor=61))) == used
    assert await refused(shop.post(debit("purse", 1), credit("b", 1), id="h")) == used
    await shop.post(debit("purse", 1), credit("b", 1), id="t")
    assert await refused(shop.accounting.hold_transfer(hold("t"))) == used
    await shop.accounting.post_transfer(PostTransfer(SHOP, "h", U128(5)))
    assert await refused(shop.accounting.post_transfer(PostTransfer(SHOP, "h"))) == used


async def test_what_has_ended_stays_ended(shop):
    await shop.accounting.hold_transfer(hold("posted", 5))
    await shop.accounting.post_transfer(PostTransfer(SHOP, "posted"))
    await shop.accounting.hold_transfer(hold("voided", 5))
    await shop.accounting.void_transfer(VoidTransfer(SHOP, "voided"))
    ended = "transfer_ended", "id"
    assert await refused(shop.accounting.void_transfer(VoidTransfer(SHOP, "posted"))) == ended
    assert await refused(shop.accounting.post_transfer(PostTransfer(SHOP, "voided"))) == ended


async def test_a_promise_ends_when_its_time_is_up(shop):
    held = await shop.accounting.hold_transfer(hold(timeout_s=60))
    assert held.expires == held.recorded + 60 * SECOND_NS
    shop.host.clock.pass_s(61)
    assert await standing(shop) is TransferStatus.EXPIRED
    ended = "transfer_ended", "id"
    assert await refused(shop.accounting.post_transfer(PostTransfer(SHOP, "h"))) == ended
    assert await refused(shop.accounting.void_transfer(VoidTransfer(SHOP, "h"))) == ended


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"id": "a b"}, ("name_invalid", "id")),
        ({"source": "a b"}, ("name_invalid", "debit")),
        ({"target": ""}, ("name_invalid", "credit")),
        ({"minor": 0}, ("amount_invalid", "amount_minor")),
        ({"timeout_s": -1}, ("time_invalid", "timeout_s")),
        ({"timeout_s": 2**32}, ("time_invalid", "timeout_s")),
        ({"metadata": "[]"}, ("accounting_metadata_invalid", "metadata")),
        ({"source": "nobodys"}, ("not_found", "debit")),
        ({"target": "nobodys"}, ("not_found", "credit")),
        ({"owner": OTHER}, ("not_found", "debit")),
        ({"source": "bounded"}, ("bound_unsupported", "debit")),
        ({"target": "bounded"}, ("bound_unsupported", "credit")),
        ({"minor": 101}, ("funds_insufficient", None)),
        ({"target": "purse"}, ("transaction_failed", None)),
    ],
)
async def test_what_cannot_be_promised_is_refused(shop, details, expected):
    await shop.open("bounded", lower=-50)
    assert await refused(shop.accounting.hold_transfer(hold(**details))) == expected


async def test_a_refused_promise_names_the_account_that_lacks_money(shop):
    await shop.open("vault", kind=ASSET, lower=0)
    for command, account in (
        (hold("one", 5000), "purse"),
        (hold("two", 1, source="b", target="vault"), "b"),
        (hold("three", 1, target="vault"), "vault"),
    ):
        with pytest.raises(FundsInsufficient) as told:
            await shop.accounting.hold_transfer(command)
        assert told.value.facts["account"] == account
        await shop.fund("purse", 1000)
        with pytest.raises(FundsInsufficient) as again:
            await shop.accounting.hold_transfer(command)
        assert (again.value.detail, again.value.facts) == (told.value.detail, told.value.facts)


async def test_promises_count_against_each_other(shop):
    await shop.accounting.hold_transfer(hold("one", 60))
    told = await refused(shop.accounting.hold_transfer(hold("two", 41)))
    assert told == ("funds_insufficient", None)
    await shop.accounting.hold_transfer(hold("three", 40))


@pytest.mark.parametrize("minor", [0, 61])
async def test_no_more_is_posted_than_was_promised(shop, minor):
    await shop.accounting.hold_transfer(hold())
    told = await refused(shop.accounting.post_transfer(PostTransfer(SHOP, "h", U128(minor))))
    assert told == ("amount_invalid", "amount_minor")
    await shop.accounting.post_transfer(PostTransfer(SHOP, "h"))


async def test_another_owners_promise_answers_as_an_unknown_one(shop):
    await shop.accounting.hold_transfer(hold())
    for id in ("h", "unknown", "a b"):
        for asked in (GetHeld(OTHER, id), PostTransfer(OTHER, id), VoidTransfer(OTHER, id)):
            ask = {
                GetHeld: shop.accounting.get_held,
                PostTransfer: shop.accounting.post_transfer,
                VoidTransfer: shop.accounting.void_transfer,
            }[type(asked)]
            assert await refused(ask(asked)) == ("not_found", "id")


async def test_an_accounts_transfers_are_listed_in_order(shop):
    await shop.accounting.hold_transfer(hold("one", 10, metadata='{"n":"1"}'))
    await shop.accounting.hold_transfer(hold("two", 20))
    await shop.accounting.post_transfer(PostTransfer(SHOP, "one", U128(7)))
    await shop.accounting.void_transfer(VoidTransfer(SHOP, "two"))
    found, after = [], ""
    while True:
        query = ListOwnTransfers(SHOP, "purse", "USD", after, 2)
        page = await shop.accounting.list_own_transfers(query)
        found += page.transfers
        after = page.next
        if not after:
            break
    told = [(each.id, each.amount_minor, each.status.value, each.is_promise) for each in found]
    assert told == [
        ("tx-1", 100, "posted", False),
        ("one", 10, "posted", True),
        ("two", 20, "voided", True),
        ("one", 7, "posted", False),
    ]
    assert [each.metadata for each in found] == ["{}", '{"n":"1"}', "{}", '{"n":"1"}']
    empty = await shop.accounting.list_own_transfers(ListOwnTransfers(SHOP, "c", "USD"))
    assert empty.transfers == ()


async def test_the_feed_tells_of_promises_and_their_ends(shop):
    await shop.accounting.hold_transfer(hold("one", 10))
    await shop.accounting.void_transfer(VoidTransfer(SHOP, "one"))
    changes = (await shop.accounting.list_own_changes(ListOwnChanges(SHOP))).changes[-2:]
    assert [each.kind.value for each in changes] == ["transfer_recorded", "transfer_voided"]
    assert changes[0].is_pending


async def test_what_was_interrupted_is_done_by_asking_again(tmp_path):
    """A promise that is kept and that the ledger never got; a posting likewise."""
    books = await open_books(tmp_path)
    await books.open("bank", kind=ASSET)
    await books.open("b")
    ledger = books.ledger

    class Away:
        async def create_transfers(self, command):
            raise Unavailable("the ledger is away")

        def __getattr__(self, name):
            return getattr(ledger, name)

    host = books.host
    parts = Parts(Settings(), host.databases["accounting"], host.clock, host.ids, Away())
    gone = AccountingService(parts, bytes(32))
    command = hold(source="bank", target="b")
    assert await code_of(gone.hold_transfer(command)) == "unavailable"
    assert await refused(books.accounting.get_held(GetHeld(SHOP, "h"))) == ("not_found", "id")
    assert (await books.accounting.hold_transfer(command)).status is TransferStatus.PENDING
    assert await code_of(gone.post_transfer(PostTransfer(SHOP, "h"))) == "unavailable"
    assert await books.balance("b") == 0
    await books.accounting.post_transfer(PostTransfer(SHOP, "h"))
    assert await books.balance("b") == 60


async def test_posting_and_voiding_race_and_one_wins(shop):
    for turn in range(8):
        id = f"race-{turn}"
        await shop.accounting.hold_transfer(hold(id, 10))
        ends = [
            code_of(shop.accounting.post_transfer(PostTransfer(SHOP, id))),
            code_of(shop.accounting.void_transfer(VoidTransfer(SHOP, id))),
        ]
        told = await asyncio.gather(*(ends if turn % 2 else reversed(ends)))
        assert sorted(told)[0] == "ok"
        assert sorted(told)[1] in ("transaction_failed", "transfer_ended")


async def test_what_was_posted_is_exported_like_any_other(shop):
    await shop.accounting.hold_transfer(hold())
    await shop.accounting.post_transfer(PostTransfer(SHOP, "h", U128(45)))
    text, after = "", ""
    while True:
        part = await shop.accounting.export_part(ExportPart(SHOP, BulkFormat.JSONL, after))
        text, after = text + part.text, part.next
        if not after:
            break
    assert '"id":"h"' in text
