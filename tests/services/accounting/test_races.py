"""What must hold when many move money at once."""

import asyncio
from collections import Counter

import pytest
from tests.services.accounting.books import ASSET, SHOP, code_of, credit, debit, move

from sycee.services.accounting.contract import (
    GetTrialBalance,
    ListTransactions,
    Rounding,
    Share,
    Side,
)

CROWD = 64


def moved(transaction, side):
    return sum(leg.amount_minor for leg in transaction.legs if leg.side is side)


async def transactions(books):
    page = await books.accounting.list_transactions(ListTransactions(SHOP, limit=1000))
    return page.transactions


async def check_books(books):
    """Every transaction balances, and so does the whole."""
    for each in await transactions(books):
        assert moved(each, Side.DEBIT) == moved(each, Side.CREDIT)
    trial = await books.accounting.get_trial_balance(GetTrialBalance(SHOP))
    assert [total.debits - total.credits for total in trial.totals] == [0] * len(trial.totals)
    return {balance.name: balance.balance_minor for balance in trial.balances}


async def test_ordered_sources_give_everything_or_nothing_to_a_crowd(books):
    """64 runs want 10 each of 100 and then 55: fifteen get it, and nobody gets a part."""
    await books.open("gift", "wallet", "shop", lower=0)
    await books.fund("gift", 103)
    await books.fund("wallet", 52)
    await books.define("pay", move(["gift", "wallet"], ["shop"], "10"))
    outcomes = await asyncio.gather(*(code_of(books.run("pay")) for _ in range(CROWD)))
    assert Counter(outcomes) == {"ok": 15, "funds_insufficient": CROWD - 15}
    left = await check_books(books)
    assert (left["gift"], left["wallet"], left["shop"]) == (0, 5, 150)
    first = [
        sum(leg.amount_minor for leg in each.legs if leg.account == "gift")
        for each in await transactions(books)
        if each.template
    ]
    assert first == [10] * 10 + [3] + [0] * 4


async def test_a_crowd_cannot_race_past_either_bound(books):
    await books.open("bank", kind=ASSET)
    await books.open("wallet", lower=-40, upper=100)
    legs = debit("bank", 7), credit("wallet", 7)
    fills = await asyncio.gather(*(code_of(books.post(*legs)) for _ in range(CROWD)))
    assert Counter(fills) == {"ok": 14, "bound_exceeded": CROWD - 14}
    legs = debit("wallet", 9), credit("bank", 9)
    drains = await asyncio.gather(*(code_of(books.post(*legs)) for _ in range(CROWD)))
    assert Counter(drains) == {"ok": 15, "funds_insufficient": CROWD - 15}
    assert (await check_books(books))["wallet"] == 98 - 135


async def test_a_share_of_what_is_there_is_a_share_of_all_of_it(books):
    """Sweeps split what they find while others pay in: nothing is taken twice or left out."""
    await books.open("till", "owner", "tax", lower=0)
    await books.fund("till", 1000)
    shares = [Share("owner", percent="81"), Share("tax", percent="19")]
    await books.define("sweep", move(["till"], shares, complete=False))
    sweeps = [code_of(books.run("sweep")) for _ in range(CROWD // 2)]
    deposits = [code_of(books.fund("till", 100 + n)) for n in range(CROWD // 2)]
    mixed = [each for pair in zip(sweeps, deposits, strict=True) for each in pair]
    assert set(await asyncio.gather(*mixed)) == {"ok"}
    await books.run("sweep")
    left = await check_books(books)
    whole = 1000 + sum(100 + n for n in range(CROWD // 2))
    assert (left["till"], left["owner"] + left["tax"]) == (0, whole)
    for each in await transactions(books):
        if each.template and each.legs:
            parts = {leg.account: leg.amount_minor for leg in each.legs}
            exact = parts["till"] * 19 / 100
            assert abs(parts.get("tax", 0) - exact) <= 0.5


async def test_one_id_from_many_callers_is_one_transaction(books):
    await books.open("till", "owner", "tax", lower=0)
    await books.fund("till", 999)
    shares = [Share("owner", percent="50"), Share("tax", percent="50")]
    await books.define("sweep", move(["till"], shares, complete=False))
    answers = await asyncio.gather(*(books.run("sweep", id="once") for _ in range(CROWD)))
    assert len(set(map(repr, answers))) == 1
    assert (await check_books(books))["till"] == 0


@pytest.mark.parametrize("complete", [True, False])
async def test_percentages_and_ordered_sources_hold_together(books, complete):
    await books.open("gift", "wallet", "shop", "fees", lower=0)
    await books.fund("gift", 500)
    await books.fund("wallet", 500)
    shares = [Share("fees", percent="2.9"), Share("shop")]
    how = {"rounding": Rounding.HALF_EVEN, "complete": complete}
    await books.define("pay", move(["gift", "wallet"], shares, "70", **how))
    outcomes = await asyncio.gather(*(code_of(books.run("pay")) for _ in range(CROWD)))
    left = await check_books(books)
    if complete:
        assert Counter(outcomes) == {"ok": 14, "funds_insufficient": CROWD - 14}
        assert (left["shop"], left["fees"]) == (14 * 68, 14 * 2)
    else:
        assert set(outcomes) == {"ok"}
        assert (left["gift"], left["wallet"], left["shop"] + left["fees"]) == (0, 0, 1000)
