"""A marketplace keeps its books: at the doors, and from the command line."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.cli.ran import ran
from tests.system.platform import Platform
from tests.system.shops import Shop, bearer, open_shop, operator, seen

SALE = {
    "name": "sale",
    "version": 1,
    "currency": "USD",
    "description": "A buyer pays; the marketplace keeps 12.5 % and 30 cents.",
    "parameters": [{"name": "amount", "kind": "amount"}, {"name": "seller", "kind": "text"}],
    "moves": [
        {
            "amount": "{amount}",
            "sources": [{"account": "bank", "unlimited": True}],
            "shares": [
                {"account": "fees", "fixed": "30"},
                {"account": "fees", "percent": "12.5"},
                {"account": "sellers:{seller}"},
            ],
            "rounding": "half_even",
        }
    ],
}


class Market:
    """A marketplace with a key, in few words."""

    def __init__(self, shop: Shop, client: httpx.Client) -> None:
        self.shop = shop
        self.client = client

    def post(self, path: str, **fields: object) -> dict:
        answer = self.client.post(f"/api/ledger/{path}", json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str, **query: object) -> dict:
        answer = self.client.get(f"/api/ledger/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, **fields: object) -> str:
        answer = self.client.post(f"/api/ledger/{path}", json=fields)
        assert answer.status_code >= 400, answer.text
        return answer.json()["code"]

    def open(self, *names: str, kind: str = "liability", **bounds: int) -> None:
        for name in names:
            self.post("accounts", name=name, kind=kind, currency="usd", **bounds)

    def move(self, id: str, debit: str, credit: str, amount: int, **more: object) -> dict:
        moved = {"id": id, "debit": debit, "credit": credit, "amount": amount, "currency": "usd"}
        return self.post("transfers", **moved, **more)

    def balance(self, name: str, **query: object) -> int:
        return self.get(f"accounts/{name}/usd/balance", **query)["balance"]

    def run(self, folder: Path, *words: str, **more: str):
        """A command of ``./sycee ledger`` with this marketplace's key."""
        known = {"SYCEE_URL": self.shop.platform.url, "SYCEE_KEY": self.shop.secret_key}
        return ran(folder, "ledger", *words, **{**known, **more})


@pytest.fixture
def market(platform: Platform) -> Iterator[Market]:
    shop = open_shop(platform)
    with bearer(platform, shop.secret_key) as client:
        market = Market(shop, client)
        market.open("bank", kind="asset")
        market.open("fees", kind="income")
        market.open("sellers:acme", "sellers:bob", lower=0)
        yield market


def test_a_day_of_a_marketplace(market: Market) -> None:
    market.post("templates", **SALE)
    sold = market.post(
        "templates/sale/run",
        id="order-1",
        arguments={"amount": "9999", "seller": "acme"},
        metadata={"order": "1"},
    )
    assert {leg["account"]: leg["amount"] for leg in sold["legs"]} == {
        "bank": 9999,
        "fees": 30 + 1250,
        "sellers:acme": 9999 - 30 - 1250,
    }
    # The buyer's client gave up and asks again: nothing moves twice.
    again = market.post(
        "templates/sale/run",
        id="order-1",
        arguments={"amount": "9999", "seller": "acme"},
        metadata={"order": "1"},
    )
    assert again == sold

    # Acme's payout is promised; meanwhile the same money cannot go elsewhere.
    market.move("payout-1", "sellers:acme", "bank", 8000, pending=True, timeout=86_400)
    spent = {"debit": "sellers:acme", "credit": "bank", "amount": 800, "currency": "usd"}
    assert market.refused("transfers", id="other", **spent) == "funds_insufficient"
    assert market.post("transfers/payout-1/post", amount=7500)["amount"] == 7500
    assert market.balance("sellers:acme") == 8719 - 7500

    # The buyer sends a part back: the seller's share and the fee return together.
    market.post(
        "transactions",
        id="refund-1",
        legs=[
            {"account": "sellers:acme", "side": "debit", "amount": 800, "currency": "usd"},
            {"account": "fees", "side": "debit", "amount": 100, "currency": "usd"},
            {"account": "bank", "side": "credit", "amount": 900, "currency": "usd"},
        ],
    )
    statement = market.get("accounts/sellers:acme/usd/statement")
    assert [(line["transaction"], line["balance"]) for line in statement["lines"]] == [
        ("order-1", 8719),
        ("payout-1", 1219),
        ("refund-1", 419),
    ]
    assert market.balance("sellers:acme", at=sold["recorded"]) == 8719
    (totals,) = market.get("trial_balance")["totals"]
    assert totals["debits"] == totals["credits"]
    kinds = [each["kind"] for each in market.get("changes", limit=1000)["data"]]
    assert kinds.count("account_opened") == 4 and "transfer_recorded" in kinds

    # The day is closed for ever.
    last = datetime.fromisoformat(statement["lines"][-1]["recorded"][:19] + "+00:00")
    end = (last + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    closed = seen(lambda: close(market, "day-1", end))
    assert closed["transactions"] == 3
    late = {"debit": "bank", "credit": "fees", "amount": 1, "currency": "usd"}
    early = last.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert market.refused("transfers", id="late", effective=early, **late) == "period_closed"
    proof = market.get("periods/proof")
    assert (proof["is_right"], proof["periods"], proof["transactions"]) == (True, 1, 3)

    check_receipt(market)
    assert market.shop.platform.verify().returncode == 0


def close(market: Market, name: str, end: str) -> dict | None:
    """A period whose end has just passed."""
    answer = market.client.post("/api/ledger/periods", json={"name": name, "end": end})
    assert answer.status_code in (200, 422, 503), answer.text
    return answer.json() if answer.status_code == 200 else None


def check_receipt(market: Market) -> None:
    """What a customer does: three lines, a public key, and nobody to ask."""
    receipt = market.get("transactions/order-1/receipt")
    key = base64.b64decode(market.get("receipts/key")["public_key"])
    signature = base64.b64decode(receipt["signature"])
    Ed25519PublicKey.from_public_bytes(key).verify(signature, receipt["body"].encode())
    said = json.loads(receipt["body"])
    assert said["metadata"] == {"order": "1"} and said["merchant"] == market.shop.id
    forged = receipt["body"].replace("87.19", "97.19")
    assert forged != receipt["body"]
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(key).verify(signature, forged.encode())
    checked = {"body": forged, "signature": receipt["signature"]}
    assert not market.post("receipts/verify", **checked)["is_valid"]


def test_an_operator_reads_a_markets_books_and_no_rival_does(
    platform: Platform, market: Market
) -> None:
    """IA1."""
    market.move("in", "bank", "sellers:bob", 500)
    with operator(platform) as desk:
        there = {"merchant": market.shop.id}
        found = desk.get("/api/ledger/accounts/sellers:bob/usd/balance", params=there)
        assert found.json()["balance"] == 500
        moved = desk.post("/api/ledger/transfers", json={"id": "x"})
        assert moved.status_code == 403
    rival = open_shop(platform)
    with bearer(platform, rival.secret_key) as other:
        assert other.get("/api/ledger/accounts").json()["data"] == []
        for path in ("accounts/sellers:bob/usd", "transactions/in", "transfers/in"):
            assert other.get(f"/api/ledger/{path}").status_code == 404
        assert other.get("/api/ledger/export", params={"format": "jsonl"}).text == ""


def test_books_are_kept_from_the_command_line(market: Market, tmp_path: Path) -> None:
    def said(*words: str) -> str:
        ended = market.run(tmp_path, *words)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert said("open", "sellers:cleo", "usd", "--kind", "liability", "--lower", "0") == (
        "sellers:cleo in USD: open, liability\n"
    )
    told = said("transfer", "in-1", "bank", "sellers:cleo", "12345", "usd")
    assert told == "in-1: 123.45 USD from bank to sellers:cleo, posted\n"
    said("transfer", "out-1", "sellers:cleo", "bank", "2345", "usd", "--pending")
    assert said("post", "out-1", "--amount", "2000").endswith(" to bank, posted\n")
    said("transfer", "out-2", "sellers:cleo", "bank", "1", "usd", "--pending")
    assert said("void", "out-2").endswith("voided\n")
    table = said("accounts", "--prefix", "sellers:c").splitlines()
    assert table[0].split()[:4] == ["account", "currency", "kind", "balance"]
    assert table[1].split() == ["sellers:cleo", "USD", "liability", "103.45", "0.00", "0.00"]
    (listed,) = json.loads(said("accounts", "--prefix", "sellers:c", "--json"))
    assert listed["balance"] == 10345
    lines = said("statement", "sellers:cleo", "usd", "--csv").splitlines()
    assert lines[0] == "recorded,transaction,counterpart,debit,credit,balance,currency"
    assert [line.split(",")[5] for line in lines[1:]] == ["0", "12345", "10345", "10345"]
    moved = json.loads(said("transfers", "sellers:cleo", "usd", "--json"))
    assert [(each["id"], each["status"]) for each in moved] == [
        ("in-1", "posted"),
        ("out-1", "promise posted"),
        ("out-1", "posted"),
        ("out-2", "promise voided"),
    ]


def test_a_no_names_its_field_on_the_command_line(market: Market, tmp_path: Path) -> None:
    refused = market.run(tmp_path, "transfer", "x", "bank", "nobodys", "1", "usd")
    assert refused.returncode == 2
    assert refused.stderr == ("sycee: credit: No such account: nobodys in USD [404 not_found]\n")
    away = market.run(tmp_path, "accounts", SYCEE_URL="http://127.0.0.1:9")
    assert away.returncode == 2 and "does not answer" in away.stderr


def test_books_move_to_another_owner_as_text(
    platform: Platform, market: Market, tmp_path: Path
) -> None:
    for place in range(20):
        market.move(f"in-{place}", "bank", "sellers:bob", 100 + place, metadata={"n": str(place)})
    out = market.run(tmp_path, "export", "--format", "csv", "--output", "books.csv")
    assert out.returncode == 0, out.stderr
    assert not (tmp_path / "books.csv.part").exists()
    heir = open_shop(platform)
    with bearer(platform, heir.secret_key) as client:
        other = Market(heir, client)
        for _ in range(2):
            taken = other.run(tmp_path, "import", "books.csv", "--id", "move")
            assert taken.returncode == 0, taken.stderr
            assert taken.stdout.endswith(": 4 accounts, 20 transactions\n")
        wanted = market.get("balances")["data"]
        assert other.get("balances")["data"] == wanted
        assert other.get("imports/move")["is_done"]


def test_an_import_stops_at_a_wrong_line_and_goes_on_when_it_is_mended(
    market: Market, tmp_path: Path
) -> None:
    rows = [
        "record,id,account,currency,debit,credit",
        "leg,t1,bank,USD,5.00,",
        "leg,t1,sellers:bob,USD,,5.00",
        "leg,t2,bank,USD,five,",
        "leg,t2,sellers:bob,USD,,5.00",
    ]
    file = tmp_path / "may.csv"
    file.write_text("\n".join(rows) + "\n")
    stopped = market.run(tmp_path, "import", "may.csv", "--id", "may")
    assert stopped.returncode == 2
    assert stopped.stderr.startswith("sycee: may.csv: Line 4, debit: ")
    assert market.balance("sellers:bob") == 500
    file.write_text("\n".join(rows).replace("five", "5.00") + "\n")
    mended = market.run(tmp_path, "import", "may.csv", "--id", "may", "--json")
    assert mended.returncode == 0, mended.stderr
    assert json.loads(mended.stdout)["transactions"] == 2
    assert market.balance("sellers:bob") == 1000


def test_a_data_directory_is_proved_by_the_ledgers_own_command(
    platform: Platform, market: Market, tmp_path: Path
) -> None:
    market.move("in", "bank", "sellers:bob", 500)
    proved = ran(tmp_path, "ledger", "verify", "--data", str(platform.data))
    assert proved.returncode == 0, proved.stderr
    assert proved.stdout.endswith("The books are right.\n")


def test_nothing_happened_before_the_platform_was_made(market: Market) -> None:
    then = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d")
    market.move("in", "bank", "sellers:bob", 500)
    assert market.balance("sellers:bob", at=then) == 0
