"""Statements, trial balances and changes."""

import pytest
from tests.services.accounting.books import (
    ASSET,
    OTHER,
    SHOP,
    Books,
    code_of,
    credit,
    debit,
    move,
    refused,
)

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    GetStatement,
    GetTrialBalance,
    ListOwnChanges,
    OwnChangeKind,
    Share,
)
from sycee.services.accounting.service.parts import Parts, Settings
from sycee.services.accounting.service.whole import AccountingService
from sycee.services.ledger.contract import (
    Transfer,
    TransferFlags,
    TransferId,
    Transfers,
)

END = Instant(2_000_000_000_000_000_000)


def of(account, start=1, end=END, after="", limit=100, owner=SHOP):
    return GetStatement(owner, account, "USD", Instant(start), Instant(end), after, limit)


@pytest.fixture
async def shop(books):
    await books.open("bank", kind=ASSET)
    await books.open("wallet", lower=-1000, upper=1000)
    await books.open("shop")
    return books


async def test_a_statement_goes_from_opening_to_closing_line_by_line(shop):
    first = await shop.fund("wallet", 100)
    second = await shop.post(
        debit("wallet", 30), credit("shop", 30), id="order-7", metadata='{"order":7}'
    )
    third = await shop.fund("wallet", 5)
    told = await shop.accounting.get_statement(of("wallet", first.recorded + 1, third.recorded))
    assert (told.opening.balance_minor, told.closing.balance_minor) == (100, 70)
    (line,) = told.lines
    assert (line.transaction, line.recorded, line.side.value) == (
        "order-7",
        second.recorded,
        "debit",
    )
    assert (line.amount_minor, line.debits, line.credits, line.balance) == (30, 30, 100, "70")
    assert (line.counterpart, line.metadata, told.next) == ("shop", '{"order":7}', "")
    whole = await shop.accounting.get_statement(of("wallet"))
    assert [line.balance for line in whole.lines] == ["100", "70", "75"]
    assert (whole.opening.balance_minor, whole.closing.balance_minor) == (0, 75)


async def test_a_statement_counts_as_its_account_does(shop):
    await shop.fund("wallet", 100)
    told = await shop.accounting.get_statement(of("bank"))
    assert [(line.side.value, line.balance) for line in told.lines] == [("debit", "100")]


async def test_a_statement_comes_in_pages_that_fit_together(shop):
    for n in range(1, 8):
        await shop.fund("wallet", n, effective=Instant(n))
    lines, after = [], ""
    while True:
        page = await shop.accounting.get_statement(of("wallet", after=after, limit=3))
        assert (page.opening.balance_minor, page.closing.balance_minor) == (0, 28)
        lines += page.lines
        after = page.next
        if not after:
            break
    assert [line.balance for line in lines] == ["1", "3", "6", "10", "15", "21", "28"]
    assert [line.effective for line in lines] == list(range(1, 8))


async def test_a_statement_of_nothing(shop):
    told = await shop.accounting.get_statement(of("wallet", 5, 5))
    assert (told.lines, told.next, told.closing.balance_minor) == ((), "", 0)
    strange = await shop.accounting.get_statement(of("wallet", after="no cursor"))
    assert strange.lines == ()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (of("nothing"), ("not_found", "name")),
        (of("wallet", owner=OTHER), ("not_found", "name")),
        (of("wallet", 5, 4), ("time_invalid", "end")),
        (of("wallet", 0, 4), ("time_invalid", "start")),
    ],
)
async def test_a_statement_that_cannot_be(shop, query, expected):
    assert await refused(shop.accounting.get_statement(query)) == expected


async def test_what_was_moved_past_accounting_is_stated_too(shop):
    """Also two-phase transfers: what is pending is none, what is posted is."""
    await shop.fund("wallet", 100)
    wallet = (await shop.accounting.get_statement(of("wallet"))).lines[0]
    found = await shop.ledger.lookup_transfers(_ids(wallet.transfer))
    account = found.transfers[0].credit_account_id
    bank = found.transfers[0].debit_account_id
    pending = Transfer(
        TransferId(U128(7)), account, bank, U128(40), 840, 9, int(TransferFlags.PENDING)
    )
    post = Transfer(
        TransferId(U128(8)),
        amount=U128(25),
        flags=int(TransferFlags.POST_PENDING),
        pending_id=pending.id,
        user_data_64=5,
    )
    await shop.ledger.create_transfers(Transfers((pending, post)))
    told = await shop.accounting.get_statement(of("wallet"))
    assert [(line.balance, line.transaction) for line in told.lines][1:] == [("75", None)]
    assert told.lines[1].effective == told.lines[1].recorded
    changes = (await shop.accounting.list_own_changes(ListOwnChanges(SHOP))).changes
    assert [(each.is_pending, each.amount_minor) for each in changes[-2:]] == [
        (True, 40),
        (False, 25),
    ]


def _ids(*ids):
    from sycee.services.ledger.contract import LookupTransfers

    return LookupTransfers(ids)


async def test_the_trial_balance_is_of_one_owner_and_balances(shop):
    await shop.fund("wallet", 100)
    await shop.fund("shop", 7, "USD")
    await shop.open("other", currency="EUR")
    await shop.open("wallet", owner=OTHER)
    await shop.fund("wallet", 55, owner=OTHER)
    trial = await shop.accounting.get_trial_balance(GetTrialBalance(SHOP))
    assert [(one.name, one.currency, one.balance_minor) for one in trial.balances] == [
        ("bank", "USD", 107),
        ("other", "EUR", 0),
        ("shop", "USD", 7),
        ("wallet", "USD", 100),
    ]
    assert [(t.currency, t.accounts, t.debits, t.credits) for t in trial.totals] == [
        ("EUR", 1, 0, 0),
        ("USD", 3, 107, 107),
    ]


async def test_the_trial_balance_of_the_past(shop):
    first = await shop.fund("wallet", 100)
    await shop.fund("wallet", 11)
    trial = await shop.accounting.get_trial_balance(GetTrialBalance(SHOP, first.recorded))
    assert [(t.debits, t.credits) for t in trial.totals] == [(100, 100)]


async def test_the_trial_balance_of_many_accounts_is_of_one_instant(shop, monkeypatch):
    from sycee.services.accounting.service import reports

    monkeypatch.setattr(reports, "BATCH_MAX", 2)
    made = await shop.fund("wallet", 100)
    trial = await shop.accounting.get_trial_balance(GetTrialBalance(SHOP))
    assert trial.at > made.recorded
    assert [(t.debits, t.credits) for t in trial.totals] == [(100, 100)]


async def followed(books, owner, limit):
    changes, after = [], 0
    while True:
        page = await books.accounting.list_own_changes(ListOwnChanges(owner, after, limit))
        changes += page.changes
        after = page.next
        if page.is_end:
            return changes


async def test_changes_are_the_owners_own_and_without_checks(shop):
    await shop.fund("wallet", 100, id="in")
    await shop.open("theirs", owner=OTHER)
    await shop.fund("theirs", 5, owner=OTHER)
    await shop.open("a", "b", lower=0)
    shares = [Share("a", percent="50"), Share("b", percent="50")]
    await shop.define("half", move(["wallet"], shares, complete=False))
    await shop.run("half", id="out")
    for limit in (1, 2, 100):
        changes = await followed(shop, SHOP, limit)
        assert [
            (each.kind.value, each.account.name) for each in changes if each.account is not None
        ] == [("account_opened", name) for name in ("bank", "wallet", "shop", "a", "b")]
        moved = [each for each in changes if each.kind is OwnChangeKind.TRANSFER_RECORDED]
        assert [
            (each.transaction, each.debit, each.credit, each.amount_minor, each.currency)
            for each in moved
        ] == [
            ("in", "bank", "wallet", 100, "USD"),
            ("out", "wallet", None, 100, "USD"),
            ("out", None, "a", 50, "USD"),
            ("out", None, "b", 50, "USD"),
        ]
        sequences = [each.sequence for each in changes]
        assert sequences == sorted(set(sequences))
    theirs = await followed(shop, OTHER, 100)
    assert [each.amount_minor for each in theirs if each.transfer] == [5]


async def test_changes_are_followed_past_those_of_others(shop, monkeypatch):
    from sycee.services.accounting.service import reports

    monkeypatch.setattr(reports, "PAGE_MAX", 2)
    monkeypatch.setattr(reports, "PAGES_MAX", 2)
    await shop.open("theirs", owner=OTHER)
    for _ in range(5):
        await shop.fund("theirs", 5, owner=OTHER)
    await shop.fund("wallet", 100, id="in")
    changes = await followed(shop, SHOP, 100)
    assert [each.transaction for each in changes if each.transfer] == ["in"]


async def test_a_change_that_is_seen_at_once_names_its_transaction(books):
    """A follower's cursor goes past it, so it must be complete the first time."""
    await books.open("bank", kind=ASSET)
    await books.open("wallet")
    ledger = books.ledger

    class Cut:
        async def create_transfers(self, command):
            await ledger.create_transfers(command)
            raise Unavailable("it was recorded, and nobody heard of it")

        def __getattr__(self, name):
            return getattr(ledger, name)

    host = books.host
    parts = Parts(Settings(), host.databases["accounting"], host.clock, host.ids, Cut())
    cut = Books(host, ledger, AccountingService(parts, bytes(32)))
    told = await code_of(cut.post(debit("bank", 5), credit("wallet", 5), id="t"))
    assert told == "unavailable"
    changes = (await books.accounting.list_own_changes(ListOwnChanges(SHOP))).changes
    assert changes[-1].transaction == "t"
