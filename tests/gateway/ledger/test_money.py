"""Accounts, transfers, transactions, exchanges and templates at the door."""

from __future__ import annotations

import pytest

from sycee.kernel.refusal import Unavailable

OPERATOR = {"authorization": "Bearer op_test_1"}
READER = {"authorization": "Bearer rk_test_1"}
RIVAL = {"authorization": "Bearer sk_test_rival"}


async def test_an_account_is_opened_once_and_found(shop):
    opened = await shop.open("merchants:acme", lower=0, upper=500, metadata={"vip": "yes"})
    assert opened["object"] == "ledger_account" and opened["id"].isdecimal()
    assert (opened["lower"], opened["upper"], opened["kind"]) == (0, 500, "liability")
    assert (opened["currency"], opened["metadata"]) == ("usd", {"vip": "yes"})
    assert await shop.open("merchants:acme", lower=0, upper=500, metadata={"vip": "yes"}) == opened
    assert await shop.got("accounts/merchants:acme/USD") == opened
    listed = await shop.got("accounts", prefix="merchants:")
    assert listed["data"] == [opened] and not listed["has_more"]


async def test_another_bound_is_another_account(shop):
    answer = await shop.post("accounts", name="wallet", kind="liability", currency="usd", lower=5)
    assert (answer.status_code, answer.json()["code"]) == (409, "account_differs")
    assert answer.json()["param"] == "lower"


async def test_accounts_are_listed_page_by_page(shop):
    names, after = [], ""
    while True:
        page = await shop.got("accounts", limit=2, after=after)
        names += [each["name"] for each in page["data"]]
        if not page["has_more"]:
            break
        after = page["next"]
    assert names == ["bank", "fees", "wallet"]


async def test_a_balance_is_known_now_and_at_any_instant(shop):
    first = await shop.pay("one", "bank", "wallet", 70)
    shop.books.host.clock.pass_s(60)
    await shop.pay("two", "bank", "wallet", 30)
    now = await shop.got("accounts/wallet/usd/balance")
    assert (now["balance"], now["credits"], now["debits"]) == (100, 100, 0)
    then = await shop.got("accounts/wallet/usd/balance", at=first["recorded"])
    assert then["balance"] == 70
    before = await shop.got("balances", prefix="wallet", at="2020-01-01")
    assert [each["balance"] for each in before["data"]] == [0]
    listed = await shop.got("balances")
    assert {each["account"]: each["balance"] for each in listed["data"]} == {
        "bank": 100,
        "fees": 0,
        "wallet": 100,
    }


async def test_a_transfer_is_made_once(shop):
    moved = await shop.pay("one", "bank", "wallet", 70, metadata={"order": "7"})
    assert moved["object"] == "ledger_transfer" and moved["transfer"].isdecimal()
    assert (moved["debit"], moved["credit"], moved["amount"]) == ("bank", "wallet", 70)
    assert (moved["status"], moved["promise"], moved["currency"]) == ("posted", False, "usd")
    assert await shop.pay("one", "bank", "wallet", 70, metadata={"order": "7"}) == moved
    assert await shop.got("transfers/one") == moved
    found = await shop.got("transactions", transfer=moved["transfer"])
    assert [each["id"] for each in found["data"]] == ["one"]
    assert (await shop.got("transactions", transfer="1"))["data"] == []


async def test_money_is_promised_then_moved_or_given_back(shop):
    await shop.pay("in", "bank", "wallet", 100)
    held = await shop.pay("held", "wallet", "fees", 60, pending=True, timeout=3600)
    assert (held["status"], held["promise"]) == ("pending", True) and held["expires"]
    assert (await shop.got("accounts/wallet/usd/balance"))["debits_pending"] == 60
    posted = await shop.made("transfers/held/post", amount=45)
    assert (posted["amount"], posted["status"]) == (45, "posted")
    await shop.pay("back", "wallet", "fees", 10, pending=True)
    assert (await shop.made("transfers/back/void"))["status"] == "voided"
    again = await shop.post("transfers/back/post")
    assert (again.status_code, again.json()["code"]) == (409, "transfer_ended")
    assert again.json()["state"] == "voided" and again.json()["status"] == 409
    listed = await shop.got("accounts/wallet/usd/transfers")
    assert [(each["id"], each["status"], each["promise"]) for each in listed["data"]] == [
        ("in", "posted", False),
        ("held", "posted", True),
        ("held", "posted", False),
        ("back", "voided", True),
    ]


async def test_a_batch_tells_of_each_what_became_of_it(shop):
    def one(id, **more):
        moved = {"id": id, "debit": "bank", "credit": "wallet", "amount": 5, "currency": "usd"}
        return {**moved, **more}

    spent = one("c", debit="wallet", credit="fees", amount=11)
    given = [one("a"), one("b", credit="nobodys"), spent, one("d")]
    for _ in range(2):
        told = (await shop.made("transfers/batch", transfers=given))["data"]
        assert [each.get("status") or each["code"] for each in told] == [
            "posted",
            "not_found",
            "funds_insufficient",
            "posted",
        ]
    assert told[1]["param"] == "credit" and told[2]["account"] == "wallet"
    assert (await shop.got("accounts/wallet/usd/balance"))["balance"] == 10


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": 1.5}, "parameter_invalid_integer", "amount"),
        ({"amount": 2**63}, "parameter_invalid_integer", "amount"),
        ({"currency": "xxx"}, "currency_unknown", "currency"),
        ({"debit": "nobodys"}, "not_found", "debit"),
        ({"credit": "a b"}, "name_invalid", "credit"),
        ({"id": "a b"}, "name_invalid", "id"),
        ({"timeout": 5}, "parameter_invalid", "timeout"),
        ({"pending": True, "effective": "2026-01-01"}, "parameter_invalid", "effective"),
        ({"effective": "yesterday"}, "parameter_invalid", "effective"),
        ({"effective": "1969-12-31"}, "time_invalid", "effective"),
        ({"metadata": {"n": 1}}, "parameter_invalid", "metadata[n]"),
        ({"merchant": "acct_RIVAL"}, "parameter_unknown", "merchant"),
        ({"debit": "wallet", "credit": "fees"}, "funds_insufficient", None),
    ],
)
async def test_what_cannot_be_moved_is_refused_by_name(shop, fields, code, param):
    given = {"id": "x", "debit": "bank", "credit": "wallet", "amount": 5, "currency": "usd"}
    answer = await shop.post("transfers", **{**given, **fields})
    assert (answer.json()["code"], answer.json()["param"]) == (code, param)


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_has_its_size(shop, count):
    one = {"id": "x", "debit": "bank", "credit": "wallet", "amount": 5, "currency": "usd"}
    answer = await shop.post("transfers/batch", transfers=[one] * count)
    assert (answer.status_code, answer.json()["param"]) == (400, "transfers")


async def test_a_batch_stops_when_the_books_are_away_and_is_sent_again(shop, monkeypatch):
    def one(id):
        moved = {"id": id, "debit": "bank", "credit": "wallet", "amount": 5, "currency": "usd"}
        return {**moved}

    usual = shop.books.accounting.post_transaction

    async def away(command):
        if command.id == "b":
            raise Unavailable("the ledger is away")
        return await usual(command)

    given = [one("a"), one("b"), one("c")]
    monkeypatch.setattr(shop.books.accounting, "post_transaction", away)
    stopped = await shop.post("transfers/batch", transfers=given)
    assert (stopped.status_code, stopped.json()["code"]) == (503, "unavailable")
    assert stopped.headers["retry-after"] == "1"
    monkeypatch.undo()
    await shop.made("transfers/batch", transfers=given)
    assert (await shop.got("accounts/wallet/usd/balance"))["balance"] == 15


@pytest.mark.parametrize("number", ["x", "0", "-1", str(2**128)])
async def test_a_transfers_number_is_one(shop, number):
    answer = await shop.get("transactions", transfer=number)
    assert (answer.status_code, answer.json()["param"]) == (400, "transfer")


def leg(account, side, amount, currency="usd"):
    return {"account": account, "side": side, "amount": amount, "currency": currency}


async def test_a_transaction_of_several_legs_is_whole(shop):
    legs = [leg("bank", "debit", 100), leg("wallet", "credit", 97), leg("fees", "credit", 3)]
    made = await shop.made("transactions", id="sale", legs=legs, effective="2026-04-30T12:00:00Z")
    assert made["effective"] == "2026-04-30T12:00:00Z" and made["legs"] == legs
    assert await shop.got("transactions/sale") == made
    assert (await shop.got("transactions"))["data"] == [made]
    assert (await shop.get("transfers/sale")).status_code == 404
    bad = await shop.post("transactions", id="bad", legs=legs[:2])
    assert (bad.status_code, bad.json()["code"]) == (422, "legs_unbalanced")
    other = await shop.post("transactions", id="sale", legs=[*legs[:1], leg("fees", "credit", 100)])
    assert (other.status_code, other.json()["code"]) == (409, "transaction_differs")


async def test_money_is_exchanged_at_a_rate(shop):
    for name, kind in (("fx", "equity"), ("wallet", "liability")):
        await shop.open(name, kind, "eur")
    await shop.open("fx", "equity")
    await shop.pay("in", "bank", "wallet", 1000)
    given = {
        "id": "swap",
        "source": "wallet",
        "sold": "usd",
        "target": "wallet",
        "bought": "eur",
        "liquidity": "fx",
        "rate": "0.925",
    }
    made = await shop.made("exchanges", **given, sold_amount=1000)
    assert made["metadata"]["exchange"]["bought"]["minor"] == "925"
    assert (await shop.got("accounts/wallet/eur/balance"))["balance"] == 925
    neither = await shop.post("exchanges", **{**given, "id": "y"})
    assert (neither.status_code, neither.json()["param"]) == (422, "sold_amount")


SPLIT = {
    "name": "sale",
    "version": 1,
    "currency": "USD",
    "parameters": [{"name": "amount", "kind": "amount"}, {"name": "seller", "kind": "text"}],
    "moves": [
        {
            "sources": [{"account": "bank", "unlimited": True}],
            "shares": [
                {"account": "fees", "percent": "2.9"},
                {"account": "sellers:{seller}"},
            ],
            "amount": "{amount}",
            "rounding": "half_even",
        }
    ],
}


async def test_a_template_is_kept_and_run(shop):
    await shop.open("sellers:acme")
    kept = await shop.made("templates", **SPLIT)
    assert kept["moves"][0]["shares"][1] == {
        "account": "sellers:{seller}",
        "fixed": None,
        "percent": None,
    }
    assert await shop.got("templates/sale") == kept
    assert (await shop.got("templates"))["data"] == [kept]
    arguments = {"amount": "1050", "seller": "acme"}
    made = await shop.made("templates/sale/run", id="run-1", arguments=arguments)
    assert (made["template"], made["version"]) == ("sale", 1)
    assert {each["account"]: each["amount"] for each in made["legs"]} == {
        "bank": 1050,
        "fees": 30,
        "sellers:acme": 1020,
    }
    wrong = await shop.post("templates/sale/run", id="run-2", arguments={"amount": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "argument_invalid")
    assert (await shop.get("templates/sale", version=2)).status_code == 404


async def test_what_a_rival_has_answers_as_what_nobody_has(shop):
    """IA1."""
    await shop.pay("in", "bank", "wallet", 100)
    await shop.pay("held", "wallet", "fees", 5, pending=True)
    await shop.open("sellers:acme")
    await shop.made("templates", **SPLIT)
    foreign_and_unknown = [
        ("accounts/wallet/usd", "accounts/wa11et/usd"),
        ("accounts/wallet/usd/balance", "accounts/wa11et/usd/balance"),
        ("accounts/wallet/usd/statement", "accounts/wa11et/usd/statement"),
        ("accounts/wallet/usd/transfers", "accounts/wa11et/usd/transfers"),
        ("transfers/held", "transfers/he1d"),
        ("transfers/in", "transfers/1n"),
        ("transactions/in", "transactions/1n"),
        ("transactions/in/receipt", "transactions/1n/receipt"),
        ("templates/sale", "templates/sa1e"),
    ]
    for pair in foreign_and_unknown:
        told = set()
        for path in pair:
            answer = await shop.get(path, headers=RIVAL)
            shown = answer.text.replace(answer.headers["request-id"], "")
            told.add((answer.status_code, shown.replace("1", "l").replace("ln", "in")))
        assert len(told) == 1 and next(iter(told))[0] == 404, told
    for path in ("transfers/held/post", "transfers/held/void"):
        assert (await shop.post(path, headers=RIVAL)).status_code == 404
    for path in ("accounts", "balances", "transactions", "templates", "periods", "changes"):
        assert (await shop.get(path, headers=RIVAL)).json()["data"] == [], path
    assert (await shop.get("trial_balance", headers=RIVAL)).json()["balances"] == []
    assert (await shop.got("transfers/held"))["status"] == "pending"


async def test_an_operator_sees_all_books_and_moves_nothing(shop):
    """IA1."""
    await shop.pay("in", "bank", "wallet", 100)
    nameless = await shop.get("accounts", headers=OPERATOR)
    assert (nameless.status_code, nameless.json()["param"]) == (400, "merchant")
    seen = await shop.get("accounts", headers=OPERATOR, merchant="acct_SHOP")
    assert [each["name"] for each in seen.json()["data"]] == ["bank", "fees", "wallet"]
    live = await shop.get("accounts", headers=OPERATOR, merchant="acct_SHOP", livemode="true")
    assert live.json()["data"] == []
    moved = await shop.post("transfers", headers=OPERATOR)
    assert moved.status_code == 403
    for name in ("merchant", "livemode"):
        told = await shop.get("accounts", **{name: "true"})
        assert (told.status_code, told.json()["code"]) == (400, "parameter_unknown")


async def test_a_reading_key_moves_nothing(shop):
    """IA1."""
    assert (await shop.get("accounts", headers=READER)).status_code == 200
    assert (await shop.post("accounts", headers=READER)).status_code == 403
