"""Transactions of several legs, and exchanges."""

import msgspec
import pytest
from tests.services.accounting.books import (
    ASSET,
    OTHER,
    SHOP,
    credit,
    debit,
    refused,
)

from sycee.kernel.clock import Instant
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    AccountKind,
    Exchange,
    FindTransaction,
    GetTransaction,
    ListTransactions,
    Rounding,
)
from sycee.services.ledger.contract import LookupTransfers


@pytest.fixture
async def shop(books):
    await books.open("bank", kind=ASSET)
    await books.open("a", "b", "c", lower=0)
    return books


async def test_several_debits_and_credits_happen_together(shop):
    legs = debit("bank", 70), debit("bank", 30), credit("a", 60), credit("b", 25), credit("c", 15)
    made = await shop.post(*legs, id="t", metadata='{"order": 7}')
    assert [await shop.balance(name) for name in ("bank", "a", "b", "c")] == [100, 60, 25, 15]
    assert {(leg.account, leg.side.value, leg.amount_minor) for leg in made.legs} == {
        ("bank", "debit", 100),
        ("a", "credit", 60),
        ("b", "credit", 25),
        ("c", "credit", 15),
    }
    assert (made.metadata, made.effective) == ('{"order":7}', made.recorded)
    assert await shop.accounting.get_transaction(GetTransaction(SHOP, "t")) == made


async def test_the_transfers_bear_the_hash_of_the_metadata(shop):
    from hashlib import sha256

    made = await shop.post(debit("bank", 5), credit("a", 5), metadata='{"b":2,"a":1}')
    found = await shop.ledger.lookup_transfers(LookupTransfers(made.transfers))
    expected = sha256(b'{"a":1,"b":2}').digest()[:16]
    assert [each.user_data_128.encode() for each in found.transfers] == [expected]
    one = made.transfers[0]
    assert await shop.accounting.find_transaction(FindTransaction(SHOP, one)) == made
    assert await refused(shop.accounting.find_transaction(FindTransaction(OTHER, one))) == (
        "not_found",
        "transfer",
    )


async def test_the_same_again_is_the_same_transaction(shop):
    first = await shop.post(debit("bank", 5), credit("a", 5), id="t", metadata='{"a":1,"b":2}')
    again = await shop.post(debit("bank", 5), credit("a", 5), id="t", metadata='{"b":2, "a":1}')
    assert again == first
    assert await shop.balance("a") == 5


@pytest.mark.parametrize(
    ("legs", "details"),
    [
        ((debit("bank", 6), credit("a", 6)), {}),
        ((debit("bank", 5), credit("b", 5)), {}),
        ((debit("a", 5), credit("bank", 5)), {}),
        ((debit("bank", 5), credit("a", 5)), {"metadata": '{"a":1}'}),
        ((debit("bank", 5), credit("a", 5)), {"effective": Instant(1)}),
    ],
)
async def test_other_contents_under_the_same_id_are_refused(shop, legs, details):
    await shop.post(debit("bank", 5), credit("a", 5), id="t")
    assert await refused(shop.post(*legs, id="t", **details)) == ("transaction_differs", "id")
    assert await shop.balance("a") == 5


async def test_a_refusal_by_the_ledger_is_final_and_told_again(shop):
    legs = debit("a", 5), credit("b", 5)
    assert await refused(shop.post(*legs, id="t")) == ("funds_insufficient", None)
    await shop.fund("a", 100)
    assert await refused(shop.post(*legs, id="t")) == ("funds_insufficient", None)
    assert await refused(shop.accounting.get_transaction(GetTransaction(SHOP, "t"))) == (
        "not_found",
        "id",
    )
    await shop.post(*legs, id="t2")
    assert await shop.balance("b") == 5


async def test_a_refusal_before_the_ledger_may_be_mended_under_the_same_id(shop):
    assert await refused(shop.post(debit("bank", 5), credit("d", 5), id="t")) == (
        "not_found",
        "legs",
    )
    await shop.open("d")
    await shop.post(debit("bank", 5), credit("d", 5), id="t")
    assert await shop.balance("d") == 5


@pytest.mark.parametrize(
    ("legs", "details", "expected"),
    [
        ((), {}, ("legs_invalid", "legs")),
        ((debit("bank", 5),), {}, ("legs_invalid", "legs")),
        ((debit("bank", 1),) * 1001, {}, ("legs_invalid", "legs")),
        ((debit("bank", 5), credit("a", 4)), {}, ("legs_unbalanced", "legs")),
        ((debit("bank", 4), credit("a", 5)), {}, ("legs_unbalanced", "legs")),
        ((debit("bank", 5), credit("a", 5, "EUR")), {}, ("legs_unbalanced", "legs")),
        ((debit("bank", 0), credit("a", 0)), {}, ("amount_invalid", "legs[0].amount_minor")),
        ((debit("bank", 2**127), credit("a", 5)), {}, ("amount_invalid", "legs[0].amount_minor")),
        ((debit("", 5), credit("a", 5)), {}, ("name_invalid", "legs[0].account")),
        ((debit("bank", 5), credit("a", 5)), {"id": "a b"}, ("name_invalid", "id")),
        ((debit("bank", 5), credit("a", 5)), {"id": "x" * 81}, ("name_invalid", "id")),
        (
            (debit("bank", 5), credit("a", 5)),
            {"metadata": "{"},
            ("accounting_metadata_invalid", "metadata"),
        ),
        (
            (debit("bank", 5), credit("a", 5)),
            {"effective": Instant(0)},
            ("time_invalid", "effective"),
        ),
    ],
)
async def test_what_is_no_transaction_is_refused(shop, legs, details, expected):
    assert await refused(shop.post(*legs, **details)) == expected


async def test_an_account_may_be_on_both_sides(shop):
    await shop.fund("a", 10)
    made = await shop.post(debit("a", 10), credit("b", 10), debit("b", 4), credit("c", 4))
    assert [await shop.balance(name) for name in ("a", "b", "c")] == [0, 6, 4]
    assert len(made.legs) == 4


async def test_a_thousand_legs_with_bounds_are_one_chain(shop):
    names = [f"w:{n}" for n in range(999)]
    await shop.open(*names, lower=-5, upper=500)
    made = await shop.post(debit("bank", 999), *(credit(name, 1) for name in names))
    assert len(made.legs) == 1000
    assert await shop.balance("w:998") == 1


async def test_an_effective_time_is_kept(shop):
    past = Instant(1_700_000_000_000_000_000)
    made = await shop.post(debit("bank", 5), credit("a", 5), effective=past)
    assert (made.effective, made.recorded > past) == (past, True)
    found = await shop.ledger.lookup_transfers(LookupTransfers(made.transfers))
    assert [each.user_data_64 for each in found.transfers] == [past]


async def test_transactions_are_listed_in_the_order_of_recording(shop):
    made = [await shop.post(debit("bank", n + 1), credit("a", n + 1)) for n in range(5)]
    listed, after = [], ""
    for _ in range(4):
        page = await shop.accounting.list_transactions(ListTransactions(SHOP, after, 2))
        listed += page.transactions
        after = page.next or after
    assert listed == made
    other = await shop.accounting.list_transactions(ListTransactions(OTHER))
    assert other.transactions == ()
    strange = await shop.accounting.list_transactions(ListTransactions(SHOP, "no cursor"))
    assert list(strange.transactions) == made


def changing(id="x", sold_minor=None, bought_minor=None, rate="0.9", **details):
    return Exchange(
        SHOP,
        id,
        "dollars",
        "USD",
        details.pop("target", "euros"),
        details.pop("bought", "EUR"),
        "fx",
        rate,
        sold_minor=None if sold_minor is None else U128(sold_minor),
        bought_minor=None if bought_minor is None else U128(bought_minor),
        **details,
    )


@pytest.fixture
async def desk(books):
    for code in ("USD", "EUR", "JPY", "KWD"):
        await books.open("fx", kind=AccountKind.EQUITY, currency=code)
        await books.open("euros", currency=code)
    await books.open("dollars", lower=0)
    await books.fund("dollars", 1000_00)
    return books


@pytest.mark.parametrize(
    ("details", "sold", "bought"),
    [
        ({"sold_minor": 1000, "rate": "0.9"}, 1000, 900),
        ({"sold_minor": 5, "rate": "0.9", "rounding": Rounding.HALF_EVEN}, 5, 4),
        ({"sold_minor": 5, "rate": "0.9", "rounding": Rounding.HALF_UP}, 5, 5),
        ({"sold_minor": 5, "rate": "0.9", "rounding": Rounding.FLOOR}, 5, 4),
        ({"sold_minor": 1, "rate": "0.1", "rounding": Rounding.CEILING}, 1, 1),
        ({"bought_minor": 900, "rate": "0.9"}, 1000, 900),
        ({"bought_minor": 1, "rate": "3", "rounding": Rounding.CEILING}, 1, 1),
        ({"sold_minor": 100, "rate": "149.5", "bought": "JPY"}, 100, 150),
        ({"sold_minor": 100, "rate": "0.307", "bought": "KWD"}, 100, 307),
        ({"bought_minor": 150, "rate": "150", "bought": "JPY"}, 100, 150),
    ],
)
async def test_an_exchange_moves_both_amounts(desk, details, sold, bought):
    made = await desk.accounting.exchange(changing(**details))
    code = details.get("bought", "EUR")
    assert await desk.balance("dollars") == 1000_00 - sold
    assert await desk.balance("euros", code) == bought
    assert (await desk.balance("fx"), await desk.balance("fx", code)) == (sold, -bought)
    noted = msgspec.json.decode(made.metadata)["exchange"]
    assert noted == {
        "rate": details["rate"],
        "rounding": details.get("rounding", Rounding.HALF_EVEN).value,
        "sold": {"currency": "USD", "minor": str(sold)},
        "bought": {"currency": code, "minor": str(bought)},
    }
    assert await desk.accounting.exchange(changing(**details)) == made


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({}, ("amount_invalid", "sold_minor")),
        ({"sold_minor": 1, "bought_minor": 1}, ("amount_invalid", "sold_minor")),
        ({"sold_minor": 1, "rate": "0"}, ("rate_invalid", "rate")),
        ({"sold_minor": 1, "rate": "-1"}, ("rate_invalid", "rate")),
        ({"sold_minor": 1, "rate": "1e3"}, ("rate_invalid", "rate")),
        ({"sold_minor": 1, "rate": "0.1"}, ("rate_invalid", "rate")),
        ({"sold_minor": 0, "rate": "1"}, ("rate_invalid", "rate")),
        ({"sold_minor": 1, "bought": "USD"}, ("rate_invalid", "bought")),
        ({"sold_minor": 1, "bought": "ZZZ"}, ("currency_unknown", "currency")),
        ({"sold_minor": 100, "target": "nobody"}, ("not_found", "legs")),
        ({"sold_minor": 1000_01}, ("funds_insufficient", None)),
    ],
)
async def test_an_exchange_that_makes_no_sense_is_refused(desk, details, expected):
    assert await refused(desk.accounting.exchange(changing(**details))) == expected


async def test_an_exchange_does_not_happen_by_half(desk):
    """The second ledger refuses: nothing of the first stays."""
    await desk.open("full", currency="EUR", upper=10)
    wish = changing(sold_minor=100, target="full")
    assert await refused(desk.accounting.exchange(wish)) == ("bound_exceeded", None)
    assert (await desk.balance("dollars"), await desk.balance("fx")) == (1000_00, 0)
