"""Templates and their runs, over the ledger."""

import pytest
from tests.services.accounting.books import (
    ASSET,
    OTHER,
    SHOP,
    code_of,
    move,
    open_books,
    parameter,
    refused,
)

from sycee.services.accounting.contract import (
    GetTemplate,
    ListTemplates,
    ParameterKind,
    Rounding,
    Share,
    Source,
)
from sycee.services.ledger.contract import ListChanges

SALE = move(
    ["{payer}"],
    [Share("fees", percent="{fee}"), Share("merchants:{merchant}:available")],
    "{amount}",
    rounding=Rounding.HALF_EVEN,
)
SALE_PARAMETERS = [
    parameter("payer", ParameterKind.ACCOUNT),
    parameter("merchant", ParameterKind.TEXT),
    parameter("amount", ParameterKind.AMOUNT),
    parameter("fee", ParameterKind.PERCENT),
]
GOOD = {"payer": "alice", "merchant": "acme", "amount": "1000", "fee": "2.9"}


@pytest.fixture
async def shop(books):
    await books.open("alice", "bob", "carol", "dora", "fees", "merchants:acme:available", lower=0)
    await books.open("world", kind=ASSET)
    return books


@pytest.fixture
async def sale(shop):
    await shop.fund("alice", 5000)
    await shop.define("sale", SALE, parameters=SALE_PARAMETERS, description="A sale.")
    return shop


async def balances(books, *names):
    return [await books.balance(name) for name in names]


async def test_a_run_fills_in_its_arguments_and_names_the_version(sale):
    made = await sale.run("sale", id="r", **GOOD)
    assert (made.template, made.version) == ("sale", 1)
    held = await balances(sale, "alice", "fees", "merchants:acme:available")
    assert held == [4000, 29, 971]
    assert await sale.run("sale", id="r", **GOOD) == made


async def test_a_repeated_run_keeps_to_the_version_of_the_first(sale):
    first = await sale.run("sale", id="r", **GOOD)
    await sale.define("sale", move(["{payer}"], ["fees"], "{amount}"), version=2,
                      parameters=SALE_PARAMETERS)  # fmt: skip
    assert await sale.run("sale", id="r", **GOOD) == first
    assert (await sale.run("sale", **GOOD)).version == 2
    assert (await sale.run("sale", version=1, **GOOD)).version == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": "1001"},
        {"payer": "bob"},
        {"version": 1},
        {"fee": "2.90"},
    ],
)
async def test_other_arguments_under_the_same_id_are_refused(sale, changed):
    await sale.run("sale", id="r", **GOOD)
    again = sale.run("sale", id="r", **{**GOOD, **changed})
    assert await refused(again) == ("transaction_differs", "id")


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"payer": None}, "arguments.payer"),
        ({"strange": "1"}, "arguments.strange"),
        ({"amount": "12.5"}, "arguments.amount"),
        ({"amount": "-5"}, "arguments.amount"),
        ({"amount": "0"}, "arguments"),
        ({"amount": str(2**127)}, "arguments.amount"),
        ({"fee": "100.1"}, "arguments.fee"),
        ({"fee": "1.1234567"}, "arguments.fee"),
        ({"merchant": "a:b"}, "arguments.merchant"),
        ({"merchant": "x" * 195}, "arguments"),
        ({"payer": "no name"}, "arguments.payer"),
        ({"payer": "fees"}, "arguments"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused(sale, arguments, param):
    given = {name: value for name, value in {**GOOD, **arguments}.items() if value is not None}
    assert await refused(sale.run("sale", **given)) == ("argument_invalid", param)


async def test_what_the_arguments_make_together_must_make_sense(shop):
    """Percentages that do not make up 100; an account that is a source twice."""
    percents = [parameter("a", ParameterKind.PERCENT), parameter("b", ParameterKind.PERCENT)]
    shares = [Share("bob", percent="{a}"), Share("carol", percent="{b}")]
    await shop.define("p", move(["alice"], shares, "10"), parameters=percents)
    assert await code_of(shop.run("p", a="33", b="66.9")) == "argument_invalid"
    await shop.fund("alice", 10)
    assert await code_of(shop.run("p", a="33", b="67")) == "ok"
    names = [parameter("x", ParameterKind.ACCOUNT), parameter("y", ParameterKind.ACCOUNT)]
    await shop.define("q", move(["{x}", "{y}"], ["carol"], "10"), parameters=names)
    assert await code_of(shop.run("q", x="alice", y="alice")) == "argument_invalid"


async def test_accounts_and_templates_that_are_not_there(sale):
    unknown = await refused(sale.run("sale", **{**GOOD, "payer": "nobody"}))
    assert unknown == ("not_found", "arguments")
    for name, version in (("nothing", None), ("sale", 9), ("a\0", None)):
        assert await refused(sale.run(name, version=version, **GOOD)) == ("not_found", "name")
    foreign = sale.run("sale", owner=OTHER, **GOOD)
    assert await refused(foreign) == ("not_found", "name")


async def test_a_version_never_changes(sale):
    kept = await sale.accounting.get_template(GetTemplate(SHOP, "sale"))
    again = await sale.define("sale", SALE, parameters=SALE_PARAMETERS, description="A sale.")
    assert again == kept
    other = sale.define("sale", SALE, parameters=SALE_PARAMETERS, description="Another.")
    assert await refused(other) == ("template_differs", "version")
    assert await refused(sale.accounting.get_template(GetTemplate(OTHER, "sale"))) == (
        "not_found",
        "name",
    )


async def test_templates_are_listed_by_name_and_version(shop):
    for name, version in (("b", 1), ("a", 10), ("a", 9)):
        await shop.define(name, move(["alice"], ["bob"], "1"), version=version)
    first = await shop.accounting.list_templates(ListTemplates(SHOP, limit=2))
    assert [(each.name, each.version) for each in first.templates] == [("a", 9), ("a", 10)]
    rest = await shop.accounting.list_templates(ListTemplates(SHOP, first.next, 2))
    assert ([each.name for each in rest.templates], rest.next) == (["b"], "")
    strange = await shop.accounting.list_templates(ListTemplates(SHOP, "\0 1"))
    assert len(strange.templates) == 3


ORDERED = pytest.mark.parametrize(
    ("sources", "amount", "complete", "left"),
    [
        (["alice", "bob"], "80", True, [20, 50]),
        (["alice", "bob"], "130", True, [0, 20]),
        (["bob", "alice"], "130", True, [20, 0]),
        (["alice", "bob"], "150", True, [0, 0]),
        (["alice", "bob"], "151", True, None),
        ([Source("alice", up_to="30"), "bob"], "60", True, [70, 20]),
        ([Source("alice", up_to="30"), "bob"], "81", True, None),
        (["alice", "bob"], "151", False, [0, 0]),
        (["alice", "bob"], "120", False, [0, 30]),
        (["alice", "bob"], None, False, [0, 0]),
        ([Source("alice", up_to="30"), "bob"], None, False, [70, 0]),
        ([Source("alice", up_to="30"), Source("bob", up_to="5")], "99", False, [70, 45]),
    ],
)


@ORDERED
@pytest.mark.parametrize("split", ["one", "fixed", "percent"])
async def test_sources_are_tried_in_order(shop, sources, amount, complete, left, split):
    """``alice`` has 100, ``bob`` 50; the last column is what they have afterwards."""
    await shop.fund("alice", 100)
    await shop.fund("bob", 50)
    shares, rounding = {
        "one": (["carol"], Rounding.FLOOR),
        "fixed": ([Share("carol"), Share("dora", fixed="7")], Rounding.FLOOR),
        "percent": (
            [Share("carol", percent="33.3"), Share("dora", percent="66.7")],
            Rounding.LARGEST_REMAINDER,
        ),
    }[split]
    await shop.define("m", move(sources, shares, amount, complete, rounding=rounding))
    outcome = await code_of(shop.run("m"))
    assert outcome == ("ok" if left else "funds_insufficient")
    left = left or [100, 50]
    assert await balances(shop, "alice", "bob") == left
    carol, dora = await balances(shop, "carol", "dora")
    assert carol + dora == 150 - sum(left)
    if outcome == "ok":
        expected = {
            "one": 0,
            "fixed": 7,
            "percent": round((150 - sum(left)) * 667, -3) // 1000,
        }[split]
        assert dora == expected


async def test_fixed_shares_of_little_are_served_in_order(shop):
    await shop.fund("alice", 10)
    shares = [Share("bob", fixed="7"), Share("carol", fixed="7"), Share("dora")]
    await shop.define("m", move(["alice"], shares, complete=False))
    made = await shop.run("m")
    assert await balances(shop, "alice", "bob", "carol", "dora") == [0, 7, 3, 0]
    assert len(made.legs) == 3


async def test_fixed_shares_of_more_than_the_whole_are_refused(shop):
    await shop.fund("alice", 100)
    await shop.define("m", move(["alice"], [Share("bob", fixed="60"), Share("carol")], "50"))
    assert await refused(shop.run("m")) == ("argument_invalid", "arguments")


async def test_nothing_there_moves_nothing(shop):
    shares = [Share("carol", percent="50"), Share("dora", percent="50")]
    await shop.define("half", move(["alice"], shares, complete=False))
    await shop.define("all", move(["alice"], ["carol"], complete=False))
    for name in ("half", "all"):
        made = await shop.run(name)
        assert (made.legs, made.transfers) == ((), ())


async def test_an_unlimited_source_gives_what_is_still_wanted(shop):
    await shop.fund("alice", 30)
    rest = Source("world", unlimited=True)
    await shop.define("m", move(["alice", rest], ["carol"], "100"))
    await shop.run("m")
    assert await balances(shop, "alice", "carol", "world") == [0, 100, 70]
    capped = Source("world", up_to="5", unlimited=True)
    await shop.define("n", move([capped], ["carol"], "6"))
    assert await code_of(shop.run("n")) == "funds_insufficient"
    await shop.define("o", move([rest], [Share("carol"), Share("dora", fixed="0")], "6"))
    await shop.run("o")
    assert await balances(shop, "carol", "dora", "world") == [106, 0, 76]


async def test_an_unlimited_source_keeps_its_own_bound(shop):
    await shop.open("credit", lower=-50)
    source = Source("credit", unlimited=True)
    await shop.define("m", move([source], ["carol"], "40"))
    assert await code_of(shop.run("m")) == "ok"
    assert await code_of(shop.run("m")) == "funds_insufficient"
    assert await balances(shop, "credit", "carol") == [-40, 40]


@pytest.mark.parametrize("complete", [True, False])
async def test_a_source_keeps_what_it_must_hold(shop, complete):
    """A lower bound above zero is not there to be taken; the next source is asked."""
    await shop.open("kept", lower=40)
    await shop.fund("kept", 100)
    await shop.fund("bob", 100)
    await shop.define("m", move(["kept", "bob"], ["carol"], "90", complete))
    await shop.run("m")
    assert await balances(shop, "kept", "bob", "carol") == [40, 70, 90]
    shares = [Share("carol", percent="50"), Share("dora", percent="50")]
    await shop.define("n", move(["kept", "bob"], shares, complete=False))
    await shop.run("n")
    assert await balances(shop, "kept", "bob", "carol", "dora") == [40, 0, 125, 35]


async def test_an_upper_bound_of_a_share_fails_the_whole_run(shop):
    await shop.open("full", upper=10)
    await shop.fund("alice", 100)
    shares = [Share("full", percent="50"), Share("carol", percent="50")]
    for name, complete, amount in (("m", True, "100"), ("n", False, None)):
        await shop.define(name, move(["alice"], shares, amount, complete))
        assert await code_of(shop.run(name)) == "bound_exceeded"
    assert await balances(shop, "alice", "full", "carol") == [100, 0, 0]


async def test_moves_follow_each_other_all_or_nothing(shop):
    await shop.fund("alice", 100)
    first = move(["alice"], ["bob"], "100")
    await shop.define("m", first, move(["bob"], ["carol"], "60"), move(["bob"], ["dora"], "41"))
    assert await code_of(shop.run("m")) == "funds_insufficient"
    assert await balances(shop, "alice", "bob", "carol", "dora") == [100, 0, 0, 0]
    await shop.define("n", first, move(["bob"], ["carol"], "60"), move(["bob"], ["dora"], "40"))
    await shop.run("n")
    assert await balances(shop, "alice", "bob", "carol", "dora") == [0, 0, 60, 40]


async def test_after_a_share_of_what_is_there_a_later_move_may_fail_for_good(shop):
    """Only balances that changed are a reason to try again."""
    await shop.fund("alice", 100)
    shares = [Share("bob", percent="50"), Share("carol", percent="50")]
    first = move(["alice"], shares, complete=False)
    await shop.define("m", first, move(["bob"], ["dora"], "51"))
    assert await code_of(shop.run("m", id="r")) == "funds_insufficient"
    attempts = shop.host.databases["accounting"].connection.execute(
        "SELECT COUNT(*) FROM attempts WHERE id = 'r'"
    )
    assert attempts.fetchone()[0] == 1


async def test_no_run_leaves_anything_in_between(tmp_path):
    """The accounts that only pass money on are empty after every kind of move."""
    books = await open_books(tmp_path)
    await books.open("a", "b", "c", lower=0)
    await books.fund("a", 1000)
    shares = [Share("b", percent="50"), Share("c", percent="50")]
    await books.define("1", move(["a", "b"], ["c"], "100"))
    await books.define("2", move(["a", "b"], ["c"], "100", complete=False))
    await books.define("3", move(["a"], ["c"], complete=False))
    await books.define("4", move(["a", "b"], shares[1:] and ["c"], complete=False))
    await books.define("5", move(["c"], [Share("a", percent="50"), Share("b", percent="50")],
                                 complete=False))  # fmt: skip
    for name in "12345":
        await books.run(name)
    changes = (await books.ledger.list_changes(ListChanges(0, 1000))).changes
    inner = {
        each.account.id: 0
        for each in changes
        if each.account is not None and each.account.code in (204, 205, 206, 207)
    }
    for each in changes:
        transfer = each.transfer
        if transfer is None or transfer.flags & (2 | 8):
            continue
        for account, sign in ((transfer.debit_account_id, -1), (transfer.credit_account_id, 1)):
            if account in inner:
                inner[account] += sign * transfer.amount
    assert set(inner.values()) == {0}
