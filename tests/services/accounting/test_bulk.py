"""Imports and exports."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.services.accounting.books import (
    ASSET,
    LIABILITY,
    OTHER,
    SHOP,
    credit,
    debit,
    move,
    open_books,
    refused,
)

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Refusal
from sycee.services.accounting.contract import (
    AccountKind,
    BulkFormat,
    ExportPart,
    GetImport,
    GetTransaction,
    GetTrialBalance,
    ImportPart,
    ListAccounts,
    ListTransactions,
    OpenAccount,
    Owner,
    Share,
)

FORMATS = pytest.mark.parametrize("format", list(BulkFormat))

CSV = """\
record,id,effective,account,currency,debit,credit,kind,lower,upper,metadata
account,,,bank,USD,,,asset,,,
account,,,wallet,USD,,,liability,0,10.00,"{""vip"":true}"
leg,t1,2026-01-31,bank,USD,1.25,,,,,"{""n"":1}"
leg,t1,,wallet,USD,,1.25,,,,
leg,,,bank,USD,2,,,,,
leg,,,wallet,USD,,2,,,,
"""
JSONL = """\
{"record":"account","name":"bank","currency":"USD","kind":"asset"}
{"record":"account","name":"wallet","currency":"USD","kind":"liability","lower":"0",\
"upper":"10.00","metadata":{"vip":true}}

{"record":"transaction","id":"t1","effective":"2026-01-31","legs":[{"account":"bank",\
"side":"debit","amount":"1.25","currency":"USD"},{"account":"wallet","side":"credit",\
"amount":"1.25","currency":"USD"}],"metadata":{"n":1}}
{"record":"transaction","legs":[{"account":"bank","side":"debit","amount":"2","currency":"USD"},\
{"account":"wallet","side":"credit","amount":"2.00","currency":"USD"}]}
"""
BEANCOUNT = """\
; A book of our own.
option "title" "Own books"

2020-01-01 commodity USD
2020-01-01 open Assets:Bank USD ; where it is
2020-01-01 open Liabilities:Wallet USD,EUR "STRICT"
  lower: "0"
  upper: "10.00"
  metadata: "{\\"vip\\":true}"

* Heading
2026-01-31 * "Shop; or so" "Lunch"
  id: "t1"
  waiter: "Ann"
  Assets:Bank         1.25 USD
  Liabilities:Wallet  -1.25 USD

2026-02-01 txn "Two"
  Assets:Bank  1,002.00 USD
  Assets:Bank  -1000 USD
  Liabilities:Wallet
"""
TEXTS = {BulkFormat.CSV: CSV, BulkFormat.JSONL: JSONL, BulkFormat.BEANCOUNT: BEANCOUNT}


def part(text, format=BulkFormat.CSV, first_line=1, is_last=True, id="import", owner=SHOP):
    return ImportPart(owner, id, format, first_line, text, is_last)


async def transactions(books, owner=SHOP):
    page = await books.accounting.list_transactions(ListTransactions(owner, limit=1000))
    return page.transactions


async def trial(books, owner=SHOP):
    told = await books.accounting.get_trial_balance(GetTrialBalance(owner))
    return {(each.name, each.currency, each.kind): each.balance_minor for each in told.balances}


@FORMATS
async def test_a_text_is_taken_in(books, format):
    told = await books.accounting.import_part(part(TEXTS[format], format))
    assert (told.transactions, told.is_done) == (2, True)
    assert told.lines == TEXTS[format].count("\n")
    names = ["bank", "wallet"]
    if format is BulkFormat.BEANCOUNT:
        names = ["Assets:Bank", "Liabilities:Wallet"]
    assert [await books.balance(name) for name in names] == [3_25, 3_25]
    accounts = (await books.accounting.list_accounts(ListAccounts(SHOP))).accounts
    assert told.accounts == len(accounts)
    wallet = accounts[-1]
    assert (wallet.lower_minor, wallet.upper_minor, wallet.metadata) == (0, 1000, '{"vip":true}')
    one = await books.accounting.get_transaction(GetTransaction(SHOP, "t1"))
    assert one.effective == 1_769_817_600_000_000_000
    expected = '{"n":1}'
    if format is BulkFormat.BEANCOUNT:
        expected = '{"narration":"Lunch","payee":"Shop; or so","waiter":"Ann"}'
    assert one.metadata == expected


@FORMATS
async def test_a_repeated_import_does_nothing_twice(books, format):
    first = await books.accounting.import_part(part(TEXTS[format], format))
    before = await trial(books)
    assert await books.accounting.import_part(part(TEXTS[format], format)) == first
    assert await books.accounting.get_import(GetImport(SHOP, "import")) == first
    assert await trial(books) == before


@FORMATS
async def test_an_import_goes_on_line_by_line_with_whatever_parts(books, format):
    """Every part begins anywhere up to where the import has come."""
    text = TEXTS[format]
    lines = text.splitlines(keepends=True)
    done, end = 0, 0
    while done < len(lines) or end < len(lines):
        end = min(end + 1, len(lines))
        first = max(done - 1, 0)
        told = await books.accounting.import_part(
            part("".join(lines[first:end]), format, first + 1, end == len(lines))
        )
        assert told.lines >= done
        done = told.lines
    whole = await open_books_beside(books)
    await whole.accounting.import_part(part(text, format))
    assert await trial(books) == await trial(whole)
    assert [each.legs for each in await transactions(books)] == [
        each.legs for each in await transactions(whole)
    ]


async def open_books_beside(books):
    folder = books.host.folder / "beside"
    folder.mkdir(exist_ok=True)
    return await open_books(folder)


@pytest.mark.parametrize(
    ("format", "line", "told"),
    [
        (BulkFormat.CSV, "nonsense", (2, "record", "line_invalid")),
        (BulkFormat.CSV, 'account,,,a"b,USD,,,asset,,,', (2, "record", "line_invalid")),
        (BulkFormat.CSV, "thing,,,a,USD,,,asset,,,", (2, "record", "line_invalid")),
        (BulkFormat.CSV, "account,,,a,ZZZ,,,asset,,,", (2, "currency", "line_invalid")),
        (BulkFormat.CSV, "account,,,a,USD,,,thing,,,", (2, "kind", "line_invalid")),
        (BulkFormat.CSV, "account,,,a,USD,,,asset,x,,", (2, "lower", "line_invalid")),
        (BulkFormat.CSV, "account,,,a,USD,,,asset,,1.234,", (2, "upper", "line_invalid")),
        (BulkFormat.CSV, "account,,,a,USD,,,asset,2,1,", (2, "lower_minor", "bounds_invalid")),
        (BulkFormat.CSV, "account,,,a::b,USD,,,asset,,,", (2, "name", "name_invalid")),
        (BulkFormat.CSV, "leg,t,,bank,USD,1,1,,,,", (2, "debit", "line_invalid")),
        (BulkFormat.CSV, "leg,t,,bank,USD,,,,,,", (2, "debit", "line_invalid")),
        (BulkFormat.CSV, "leg,t,,bank,USD,0,,,,,", (2, "debit", "line_invalid")),
        (BulkFormat.CSV, "leg,t,,bank,USD,,-1,,,,", (2, "credit", "line_invalid")),
        (BulkFormat.CSV, "leg,t,tomorrow,bank,USD,1,,,,,", (2, "effective", "line_invalid")),
        (BulkFormat.CSV, "leg,t,,bank,USD,1,,,,,", (2, "legs", "legs_invalid")),
        (BulkFormat.CSV, "leg,t t,,bank,USD,1,,,,,", (2, "id", "name_invalid")),
        (BulkFormat.JSONL, "nonsense", (2, "record", "line_invalid")),
        (BulkFormat.JSONL, '{"record":"thing"}', (2, "record", "line_invalid")),
        (BulkFormat.JSONL, '{"record":"account","name":5}', (2, "name", "line_invalid")),
        (
            BulkFormat.JSONL,
            '{"record":"transaction","legs":[{"account":"a","side":"up","amount":"1",'
            '"currency":"USD"}]}',
            (2, "legs[0].side", "line_invalid"),
        ),
        (
            BulkFormat.JSONL,
            '{"record":"transaction","legs":[{"account":"a","side":"debit","amount":"1.x",'
            '"currency":"USD"}]}',
            (2, "legs[0].amount", "line_invalid"),
        ),
        (
            BulkFormat.BEANCOUNT,
            "2020-01-01 balance Assets:Bank 5 USD",
            (2, "directive", "line_invalid"),
        ),
        (BulkFormat.BEANCOUNT, 'include "more"', (2, "directive", "line_invalid")),
        (BulkFormat.BEANCOUNT, "  Assets:Bank 5 USD", (2, "directive", "line_invalid")),
        (BulkFormat.BEANCOUNT, "2020-01-01 open Thing:Bank USD", (2, "account", "line_invalid")),
        (BulkFormat.BEANCOUNT, "2020-01-01 open Assets:Bank", (2, "currency", "line_invalid")),
        (BulkFormat.BEANCOUNT, "2020-01-01 open Assets:Bank ABC", (2, "currency", "line_invalid")),
        (
            BulkFormat.BEANCOUNT,
            "2020-01-01 *\n  Assets:Bank 5 USD @ 3 EUR",
            (3, "posting", "line_invalid"),
        ),
        (
            BulkFormat.BEANCOUNT,
            "2020-01-01 *\n  Assets:Bank 5.001 USD",
            (3, "amount", "line_invalid"),
        ),
        (
            BulkFormat.BEANCOUNT,
            "2020-01-01 *\n  Assets:Bank\n  Assets:Till",
            (4, "amount", "line_invalid"),
        ),
        (
            BulkFormat.BEANCOUNT,
            "2020-13-01 *\n  Assets:Bank 5 USD",
            (2, "effective", "line_invalid"),
        ),
        (BulkFormat.BEANCOUNT, "2020-01-01 *\n  Assets:Bank 5 USD", (2, "legs", "legs_invalid")),
    ],
)
async def test_an_error_names_line_field_and_reason(books, format, line, told):
    head = {
        BulkFormat.CSV: CSV.partition("\n")[0],
        BulkFormat.JSONL: "",
        BulkFormat.BEANCOUNT: "",
    }[format]
    with pytest.raises(Refusal) as refusal:
        await books.accounting.import_part(part(f"{head}\n{line}\n", format))
    facts = refusal.value.facts
    assert refusal.value.code == "line_invalid"
    assert (int(facts["line"]), facts["field"], facts["reason"]) == told
    assert not await transactions(books)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("record,account", "currency"),
        ("record,account,currency,strange", "strange"),
        ("record,account,currency,account", "account"),
    ],
)
async def test_a_heading_that_cannot_be_used(books, heading, field):
    with pytest.raises(Refusal) as refusal:
        await books.accounting.import_part(part(heading + "\n"))
    assert (refusal.value.facts["line"], refusal.value.facts["field"]) == ("1", field)


async def test_what_stands_before_an_error_is_imported_and_the_rest_follows_when_mended(books):
    lines = CSV.splitlines(keepends=True)
    wrong = "".join([*lines[:5], "leg,t2,,nobody,USD,1,,,,,\n", "leg,t2,,bank,USD,,1,,,,\n"])
    assert await refused(books.accounting.import_part(part(wrong))) == ("line_invalid", "text")
    told = await books.accounting.get_import(GetImport(SHOP, "import"))
    assert (told.lines, told.transactions, told.is_done) == (5, 1, False)
    mended = "leg,t2,,wallet,USD,1,,,,,\nleg,t2,,bank,USD,,1,,,,\n"
    told = await books.accounting.import_part(part(mended, first_line=6))
    assert (told.lines, told.transactions, told.is_done) == (7, 2, True)
    assert await books.balance("wallet") == 25


async def test_an_import_cannot_be_begun_in_the_middle_or_changed(books):
    gap = books.accounting.import_part(part(CSV, first_line=2))
    assert await refused(gap) == ("import_gap", "first_line")
    await books.accounting.import_part(part(CSV))
    for first_line in (0, 9):
        gap = books.accounting.import_part(part(CSV, first_line=first_line))
        assert await refused(gap) == ("import_gap", "first_line")
    other = books.accounting.import_part(part(JSONL, BulkFormat.JSONL))
    assert await refused(other) == ("import_differs", "format")
    large = books.accounting.import_part(part("x" * 1_048_577, id="large"))
    assert await refused(large) == ("line_invalid", "text")
    assert await refused(books.accounting.import_part(part("", id="a b"))) == ("name_invalid", "id")


async def test_imports_are_an_owners_own(books):
    await books.accounting.import_part(part(CSV))
    for query in (GetImport(OTHER, "import"), GetImport(SHOP, "x"), GetImport(SHOP, "\0")):
        assert await refused(books.accounting.get_import(query)) == ("not_found", "id")
    await books.accounting.import_part(part(CSV, owner=OTHER))
    assert await trial(books, OTHER) == await trial(books)


async def exported(books, format, limit=1000, owner=SHOP):
    text, after = "", ""
    while True:
        told = await books.accounting.export_part(ExportPart(owner, format, after, limit))
        text += told.text
        after = told.next
        if not after:
            return text


@FORMATS
async def test_what_was_exported_can_be_imported_elsewhere(books, format):
    """Names, kinds, bounds, currencies, metadata and times come through."""
    await books.open("Bank", "x-ray", "a_b:c--d:E_", kind=ASSET)
    await books.open("wallet:7", lower=-5, upper=100_000, kind=LIABILITY)
    await books.open("income", kind=AccountKind.INCOME)
    noted = OpenAccount(SHOP, "noted", "USD", ASSET, metadata='{"a":"\\""}')
    await books.accounting.open_account(noted)
    await books.open("yen", "wallet:7", currency="JPY", kind=AccountKind.EQUITY)
    await books.post(
        debit("Bank", 1),
        debit("x-ray", 2_00),
        credit("wallet:7", 2_01),
        debit("yen", 7, "JPY"),
        credit("wallet:7", 7, "JPY"),
        metadata='{"q\\"\\\\": "comma, quote\\" and é\\n"}',
        effective=Instant(1_600_000_000_000_000_001),
    )
    await books.post(debit("wallet:7", 2_00), credit("a_b:c--d:E_", 5), credit("income", 1_95))
    shares = [Share("income", percent="33.3"), Share("a_b:c--d:E_", percent="66.7")]
    await books.define("all", move(["wallet:7"], shares, complete=False))
    await books.run("all")
    text = await exported(books, format)
    assert text == await exported(books, format, 1)
    there = await open_books_beside(books)
    told = await there.accounting.import_part(part(text, format))
    assert (told.accounts, told.transactions) == (8, 3)
    assert await trial(there) == await trial(books)
    assert await exported(there, format) == text
    pairs = zip(await transactions(books), await transactions(there), strict=True)
    for ours, theirs in pairs:
        assert (ours.id, ours.effective, ours.metadata) == (
            theirs.id,
            theirs.effective,
            theirs.metadata,
        )
        assert set(ours.legs) == set(theirs.legs)


_PARTS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,5}", fullmatch=True)
_NAMES = st.lists(_PARTS, min_size=1, max_size=3).map(":".join)
_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def stories(draw):
    names = draw(st.lists(_NAMES, min_size=2, max_size=5, unique=True))
    kinds = [draw(st.sampled_from(AccountKind)) for _ in names]
    moves = []
    for _ in range(draw(st.integers(0, 6))):
        pair = draw(st.permutations(names))[:2]
        minor = draw(st.integers(1, 10**12))
        metadata = draw(st.dictionaries(_WORDS, _WORDS, max_size=2))
        moves.append((*pair, minor, draw(st.sampled_from(["USD", "JPY", "KWD"])), metadata))
    return list(zip(names, kinds, strict=True)), moves


@FORMATS
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=stories())
async def test_any_books_come_through_a_text(books, format, story):
    """Export, import as another owner: equal balances and an equal text."""
    accounts, moves = story
    here = Owner(f"acct_{format.value}_{books.next()}")
    there = Owner(f"acct_{format.value}_{books.next()}")
    for name, kind in accounts:
        for code in ("USD", "JPY", "KWD"):
            await books.open(name, kind=kind, currency=code, owner=here)
    for number, (source, target, minor, code, metadata) in enumerate(moves):
        await books.post(
            debit(source, minor, code),
            credit(target, minor, code),
            id=f"t{number}",
            owner=here,
            metadata=msgspec.json.encode(metadata).decode(),
        )
    text = await exported(books, format, owner=here)
    await books.accounting.import_part(part(text, format, owner=there))
    assert await trial(books, there) == await trial(books, here)
    assert await exported(books, format, owner=there) == text
