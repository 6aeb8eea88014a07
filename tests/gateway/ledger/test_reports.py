"""Statements, trial balances, changes, periods and receipts at the door."""

from __future__ import annotations

import base64
import csv

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sycee.gateway.api.ledger import times
from sycee.gateway.refusals import ParameterInvalid
from sycee.kernel.refusal import Unavailable


@pytest.fixture
async def day(shop):
    """Three payments in, a minute between them."""
    for place in range(3):
        await shop.pay(f"in-{place}", "bank", "wallet", 10 + place)
        shop.books.host.clock.pass_s(60)
    return shop


async def test_a_statement_has_a_running_balance_and_pages(day):
    lines, after = [], ""
    while True:
        page = await day.got("accounts/wallet/usd/statement", limit=2, after=after)
        lines += page["lines"]
        if not page["has_more"]:
            break
        after = page["next"]
    assert [(line["amount"], line["balance"], line["side"]) for line in lines] == [
        (10, 10, "credit"),
        (11, 21, "credit"),
        (12, 33, "credit"),
    ]
    assert {line["counterpart"] for line in lines} == {"bank"}
    assert (page["opening"]["balance"], page["closing"]["balance"]) == (0, 33)


async def test_a_statement_is_of_a_span(day):
    second = await day.got("transactions/in-1")
    page = await day.got(
        "accounts/wallet/usd/statement", start=second["recorded"], end="2100-01-01T00:00:00+01:00"
    )
    assert [line["transaction"] for line in page["lines"]] == ["in-1", "in-2"]
    assert page["opening"]["balance"] == 10
    wrong = await day.get("accounts/wallet/usd/statement", start="2026-02-30")
    assert (wrong.status_code, wrong.json()["param"]) == (400, "start")


async def test_a_whole_statement_comes_as_csv(day, monkeypatch):
    monkeypatch.setattr("sycee.gateway.api.ledger.reports.PAGE", 2)
    answer = await day.get("accounts/wallet/usd/statement", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "content-length" not in answer.headers
    assert 'filename="wallet-usd.csv"' in answer.headers["content-disposition"]
    heading, opening, *lines, closing = csv.reader(answer.text.splitlines())
    assert heading[:3] == ["recorded", "effective", "transaction"]
    assert (opening[0], opening[7], closing[0], closing[7]) == ("opening", "0", "closing", "33")
    assert [(line[2], line[6], line[7]) for line in lines] == [
        ("in-0", "10", "10"),
        ("in-1", "11", "21"),
        ("in-2", "12", "33"),
    ]


async def test_a_statement_that_breaks_off_has_no_end(day, monkeypatch):
    """What is cut short must not look whole."""
    import httpx

    monkeypatch.setattr("sycee.gateway.api.ledger.reports.PAGE", 2)
    accounting = day.books.accounting
    first = accounting.get_statement

    async def second_fails(query):
        if query.after:
            raise Unavailable("the ledger went away")
        return await first(query)

    monkeypatch.setattr(accounting, "get_statement", second_fails)
    with pytest.raises(httpx.RemoteProtocolError):
        await day.get("accounts/wallet/usd/statement", format="csv")


@pytest.mark.parametrize(
    ("accept", "status"),
    [("text/csv", 200), ("text/*", 200), ("application/json", 200), ("image/png", 406)],
)
async def test_a_statement_may_be_asked_for_as_csv_alone(day, accept, status):
    path = "accounts/wallet/usd/statement"
    answer = await day.get(path, headers={"accept": accept}, format="csv")
    assert answer.status_code == status
    other = await day.get("accounts", headers={"accept": "text/csv"})
    assert other.status_code == 406


async def test_the_trial_balance_is_balanced(day):
    found = await day.got("trial_balance")
    assert found["totals"] == [{"currency": "usd", "accounts": 3, "debits": 33, "credits": 33}]
    first = (await day.got("transactions/in-0"))["recorded"]
    then = await day.got("trial_balance", at=first)
    assert (then["totals"][0]["debits"], then["at"]) == (10, first)


async def test_changes_are_followed_with_a_cursor(day):
    found, after = [], 0
    while True:
        page = await day.got("changes", after=after, limit=2)
        found += page["data"]
        after = page["next"]
        if not page["has_more"]:
            break
    kinds = [each["kind"] for each in found]
    assert kinds == ["account_opened"] * 3 + ["transfer_recorded"] * 3
    assert found[0]["account"]["name"] == "bank" and found[0]["amount"] is None
    assert (found[-1]["transaction"], found[-1]["amount"]) == ("in-2", 12)


async def test_a_waiting_caller_hears_of_the_next_change(day, monkeypatch):
    import asyncio

    monkeypatch.setattr("sycee.gateway.api.ledger.reports.LOOK_EVERY_S", 0.01)
    after = (await day.got("changes", limit=1000))["next"]
    waiting = asyncio.create_task(day.got("changes", after=after, wait=20))
    await asyncio.sleep(0)
    await day.pay("late", "bank", "wallet", 1)
    assert [each["transaction"] for each in (await waiting)["data"]] == ["late"]


async def test_waiting_ends_when_nothing_happens(day):
    after = (await day.got("changes", limit=1000))["next"]
    page = await day.got("changes", after=after, wait=0)
    assert (page["data"], page["next"]) == ([], after)


async def test_a_period_is_closed_sealed_and_proved(day):
    end = times.written(day.books.host.clock.now())
    closed = await day.made("periods", name="2026-05", end=end)
    assert (closed["transactions"], closed["number"], closed["before"]) == (3, 1, "0" * 64)
    assert closed["end"] == end and len(closed["seal"]) == 64
    assert await day.made("periods", name="2026-05", end=end) == closed
    late = await day.post(
        "transfers",
        id="late",
        debit="bank",
        credit="wallet",
        amount=1,
        currency="usd",
        effective="2026-01-01",
    )
    assert (late.status_code, late.json()["code"]) == (409, "period_closed")
    assert (await day.got("periods"))["data"] == [closed]
    assert (await day.got("periods", after=1))["data"] == []
    proof = await day.got("periods/proof")
    assert (proof["is_right"], proof["periods"], proof["transactions"]) == (True, 1, 3)


async def test_a_receipt_is_verified_here_and_elsewhere(day):
    receipt = await day.got("transactions/in-1/receipt")
    key = await day.got("receipts/key")
    assert receipt["key"] == key["key"]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"]))
    public.verify(base64.b64decode(receipt["signature"]), receipt["body"].encode())
    given = {"body": receipt["body"], "signature": receipt["signature"]}
    assert (await day.made("receipts/verify", **given))["is_valid"]
    for changed in ({"body": given["body"].replace("0.11", "0.12")}, {"signature": "no!"}):
        assert not (await day.made("receipts/verify", **{**given, **changed}))["is_valid"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1767225600", 1767225600 * 10**9),
        ("2026-01-01", 1767225600 * 10**9),
        ("2026-01-01T00:00:00Z", 1767225600 * 10**9),
        ("2026-01-01t01:00:00.000000001+01:00", 1767225600 * 10**9 + 1),
        ("2026-01-01T00:00:00.5Z", 1767225600 * 10**9 + 500_000_000),
    ],
)
def test_an_instant_is_read(text, expected):
    assert times.instant(text, "at") == expected
    assert times.instant(times.written(expected), "at") == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-13-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "12345678901", "١"],
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ParameterInvalid):
        times.instant(text, "at")
