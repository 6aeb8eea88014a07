"""Accounts with names and bounds."""

import pytest
from tests.services.accounting.books import (
    ASSET,
    INCOME,
    LIABILITY,
    OTHER,
    SHOP,
    code_of,
    credit,
    debit,
    open_books,
    refused,
)

from sycee.services.accounting.contract import (
    AccountRef,
    GetAccount,
    GetBalances,
    ListAccounts,
    OpenAccount,
    Owner,
)


def opening(name="wallet", **details):
    fields = {"owner": SHOP, "currency": "USD", "kind": LIABILITY, **details}
    return OpenAccount(name=name, **fields)


async def test_an_account_is_opened_once(books):
    first = await books.accounting.open_account(opening(metadata='{"b": 1, "a": [true, null]}'))
    again = await books.accounting.open_account(opening(metadata='{"a":[true,null],"b":1}'))
    assert again == first
    assert first.metadata == '{"a":[true,null],"b":1}'
    assert await books.accounting.get_account(GetAccount(SHOP, "wallet", "USD")) == first


@pytest.mark.parametrize(
    ("details", "param"),
    [
        ({"kind": ASSET}, "kind"),
        ({"lower_minor": 1}, "lower_minor"),
        ({"upper_minor": 1}, "upper_minor"),
        ({"metadata": '{"a":1}'}, "metadata"),
    ],
)
async def test_an_account_that_differs_is_refused_and_says_in_what(books, details, param):
    await books.accounting.open_account(opening())
    answer = await refused(books.accounting.open_account(opening(**details)))
    assert answer == ("account_differs", param)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"name": ""}, ("name_invalid", "name")),
        ({"name": "a::b"}, ("name_invalid", "name")),
        ({"name": "a\0b"}, ("name_invalid", "name")),
        ({"name": "a" * 201}, ("name_invalid", "name")),
        ({"currency": "XXX"}, ("currency_unknown", "currency")),
        ({"lower_minor": 2, "upper_minor": 1}, ("bounds_invalid", "lower_minor")),
        ({"lower_minor": 0, "upper_minor": 0}, ("bounds_invalid", None)),
        ({"lower_minor": -(2**63)}, ("bounds_invalid", "lower_minor")),
        ({"metadata": "[]"}, ("accounting_metadata_invalid", "metadata")),
    ],
)
async def test_what_no_account_can_be_is_refused(books, details, expected):
    assert await refused(books.accounting.open_account(opening(**details))) == expected


async def test_accounts_are_listed_in_order_of_name_and_currency(books):
    await books.open("b:2", "a", "b:1")
    await books.open("b:1", currency="EUR")
    pages, after = [], ""
    while True:
        query = ListAccounts(SHOP, after=after, limit=3)
        page = await books.accounting.list_accounts(query)
        pages.append([(each.name, each.currency) for each in page.accounts])
        after = page.next
        if not after:
            break
    assert pages == [[("a", "USD"), ("b:1", "EUR"), ("b:1", "USD")], [("b:2", "USD")]]
    only = await books.accounting.list_accounts(ListAccounts(SHOP, prefix="b:"))
    assert [each.name for each in only.accounts] == ["b:1", "b:1", "b:2"]
    assert not (await books.accounting.list_accounts(ListAccounts(SHOP, "\0"))).accounts


KINDS = pytest.mark.parametrize("kind", [ASSET, LIABILITY])


def into(account, kind, minor):
    """Legs that make an account's balance grow."""
    if kind is ASSET:
        return debit(account, minor), credit("world", minor)
    return credit(account, minor), debit("world", minor)


def out_of(account, kind, minor):
    """Legs that make it shrink."""
    if kind is ASSET:
        return credit(account, minor), debit("world", minor)
    return debit(account, minor), credit("world", minor)


@KINDS
@pytest.mark.parametrize(
    ("lower", "upper", "steps"),
    [
        (0, None, [(-1, "funds_insufficient"), (5, "ok"), (-6, "funds_insufficient"), (-5, "ok")]),
        (-3, None, [(-4, "funds_insufficient"), (-3, "ok"), (-1, "funds_insufficient"), (9, "ok")]),
        (4, None, [(3, "funds_insufficient"), (4, "ok"), (-1, "funds_insufficient"), (1, "ok")]),
        (None, 0, [(1, "bound_exceeded"), (-5, "ok"), (6, "bound_exceeded"), (5, "ok")]),
        (None, 3, [(4, "bound_exceeded"), (3, "ok"), (1, "bound_exceeded"), (-9, "ok")]),
        (None, -4, [(-3, "bound_exceeded"), (-4, "ok"), (1, "bound_exceeded"), (-1, "ok")]),
        (-2, 2, [(3, "bound_exceeded"), (-3, "funds_insufficient"), (2, "ok"), (-4, "ok")]),
        (1, 2, [(3, "bound_exceeded"), (1, "ok"), (1, "ok"), (1, "bound_exceeded")]),
        (-5, -2, [(-1, "bound_exceeded"), (-6, "funds_insufficient"), (-5, "ok"), (3, "ok")]),
        (0, 2, [(-1, "funds_insufficient"), (3, "bound_exceeded"), (2, "ok"), (-2, "ok")]),
        (-2, 0, [(1, "bound_exceeded"), (-3, "funds_insufficient"), (-2, "ok"), (2, "ok")]),
    ],
)
async def test_bounds_hold(books, kind, lower, upper, steps):
    """The last column is what each step in turn is answered."""
    await books.open("world", kind=INCOME)
    await books.open("it", kind=kind, lower=lower, upper=upper)
    balance = 0
    for change, expected in steps:
        legs = into("it", kind, change) if change > 0 else out_of("it", kind, -change)
        assert await code_of(books.post(*legs)) == expected
        balance += change if expected == "ok" else 0
        assert await books.balance("it") == balance


async def test_a_bound_is_one_of_the_whole_transaction(books):
    """Within a transaction a balance may be beyond a bound that is not zero."""
    await books.open("world", kind=INCOME)
    await books.open("it", lower=-10, upper=10)
    legs = credit("it", 25), debit("world", 25), debit("it", 20), credit("world", 20)
    await books.post(*legs)
    assert await books.balance("it") == 5


async def test_bounds_survive_a_restart(tmp_path):
    books = await open_books(tmp_path)
    await books.open("it", lower=-10, upper=10)
    await books.fund("it", 10)
    again = await open_books(tmp_path, books.host.clock)
    assert await code_of(again.fund("it", 1, id="more")) == "bound_exceeded"


async def test_balances_are_known_at_every_instant(books):
    await books.open("it")
    first = await books.fund("it", 5)
    second = await books.fund("it", 7)
    assert await books.balance("it") == 12
    assert await books.balance("it", at=second.recorded) == 12
    assert await books.balance("it", at=second.recorded - 1) == 5
    assert await books.balance("it", at=first.recorded - 1) == 0
    assert await books.balance("it", at=1) == 0


async def test_what_another_owner_has_answers_like_what_nobody_has(books):
    await books.open("theirs", owner=OTHER)
    await books.open("tested", owner=Owner(SHOP.merchant, True))

    async def asked(name):
        query = GetBalances(SHOP, (AccountRef(name, "USD"),))
        return [
            await refused(books.accounting.get_account(GetAccount(SHOP, name, "USD"))),
            await refused(books.accounting.get_balances(query)),
            await refused(books.post(debit(name, 1), credit(name, 1), id="x")),
        ]

    assert await asked("theirs") == await asked("nothing") == await asked("tested")
    assert not (await books.accounting.list_accounts(ListAccounts(SHOP))).accounts


async def test_the_memory_of_accounts_is_bounded(tmp_path):
    books = await open_books(tmp_path, accounts_remembered_max=2)
    await books.open("a", "b", "c", "d")
    for name in ("a", "b", "c", "d", "a"):
        assert await books.balance(name) == 0
