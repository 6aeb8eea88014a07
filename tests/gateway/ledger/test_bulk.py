"""Books in and out as text."""

from __future__ import annotations

import httpx
import pytest

from sycee.gateway.edge.limits import Limits
from sycee.kernel.refusal import Unavailable
from tests.gateway.door import opened
from tests.services.accounting.books import open_books

HEADING = "record,id,effective,account,currency,debit,credit,kind,lower,upper,metadata\n"
FORMATS = pytest.mark.parametrize("format", ["csv", "jsonl", "beancount"])


def payments(count, start=0):
    return "".join(
        f"leg,p{place},,bank,USD,1,,,,,\nleg,p{place},,wallet,USD,,1,,,,\n"
        for place in range(start, count)
    )


async def test_a_text_is_imported_once_however_often_it_is_sent(shop):
    text = HEADING + payments(300)
    for _ in range(2):
        answer = await shop.text("imports/may", text, format="csv")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["lines"], told["transactions"], told["is_done"]) == (601, 300, True)
    assert await shop.got("imports/may") == told
    assert (await shop.got("accounts/wallet/usd/balance"))["balance"] == 30000


async def test_a_large_text_goes_in_piece_by_piece(shop):
    lines = (HEADING + payments(40)).splitlines(keepends=True)
    done, told = 0, None
    while done < len(lines):
        piece = "".join(lines[done : done + 17])
        is_last = done + 17 >= len(lines)
        query = {"first_line": done + 1, "is_last": str(is_last).lower()}
        told = (await shop.text("imports/may", piece, format="csv", **query)).json()
        assert told["lines"] > done
        done = told["lines"]
    assert (told["transactions"], told["is_done"]) == (40, True)


async def test_a_record_larger_than_a_part_is_sent_whole(shop):
    legs = "".join("leg,big,,wallet,USD,,1,,,,\n" for _ in range(600))
    text = HEADING + "leg,big,,bank,USD,600,,,,,\n" + legs
    told = (await shop.text("imports/big", text, format="csv")).json()
    assert (told["lines"], told["transactions"]) == (602, 1), told


async def test_a_wrong_line_is_named_and_what_was_before_stays(shop):
    text = HEADING + payments(1) + "leg,x,,bank,XXX,1,,,,,\n"
    answer = await shop.text("imports/bad", text, format="csv")
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "line_invalid")
    assert (told["line"], told["field"]) == ("4", "currency") and told["reason"]
    assert (await shop.got("imports/bad"))["lines"] == 3
    mended = HEADING + payments(2)
    assert (await shop.text("imports/bad", mended, format="csv")).json()["transactions"] == 2


@pytest.mark.parametrize(
    ("body", "kind", "query", "code"),
    [
        (b"x", "application/x-www-form-urlencoded", {"format": "csv"}, "media_type_unsupported"),
        (b"x", "application/json", {"format": "csv"}, "media_type_unsupported"),
        (b"\xff", "text/csv", {"format": "csv"}, "body_invalid"),
        (b"x", "text/csv", {}, "parameter_missing"),
        (b"x", "text/csv", {"format": "xls"}, "parameter_invalid"),
        (b"x", "text/csv", {"format": "csv", "first_line": 7}, "import_gap"),
        (b"", "text/csv", {"format": "csv", "merchant": "acct_RIVAL"}, "parameter_unknown"),
    ],
)
async def test_what_cannot_be_imported_is_refused(shop, body, kind, query, code):
    answer = await shop.text("imports/x", body, kind, **query)
    assert answer.json()["code"] == code


@FORMATS
async def test_what_is_exported_can_be_imported(shop, format, tmp_path):
    await shop.pay("a", "bank", "wallet", 70, metadata={"n": 'ä,"x"'})
    await shop.pay("b", "wallet", "fees", 3)
    out = await shop.get("export", format=format)
    assert out.status_code == 200 and "content-length" not in out.headers
    assert f'filename="ledger.{format}"' in out.headers["content-disposition"]
    folder = tmp_path / "empty"
    folder.mkdir()
    empty = await open_books(folder)
    async with opened(books=empty.accounting) as door:
        answer = await door.client.post(
            "/api/ledger/imports/all",
            params={"format": format},
            content=out.content,
            headers={"content-type": "text/plain"},
        )
        assert answer.json()["transactions"] == 2, answer.text
        there = await door.client.get("/api/ledger/balances")
        assert there.json()["data"] == (await shop.got("balances"))["data"]
        assert (await door.client.get("/api/ledger/export", params={"format": format})).text == (
            out.text
        )


@pytest.mark.parametrize("failure", [Unavailable("the ledger went away"), RuntimeError("a bug")])
async def test_an_export_comes_part_by_part_and_breaks_off_visibly(shop, monkeypatch, failure):
    first = shop.books.accounting.export_part

    async def second_fails(query):
        if query.after:
            raise failure
        return await first(query)

    monkeypatch.setattr(shop.books.accounting, "export_part", second_fails)
    with pytest.raises(httpx.RemoteProtocolError):
        await shop.get("export", format="csv")


async def test_only_an_import_may_be_large(tmp_path):
    """AE2: the limit of imports is theirs alone."""
    limits = Limits(body_bytes_max=2000, import_bytes_max=50_000, drain_timeout_s=2)
    books = await open_books(tmp_path)
    async with opened(limits, books=books.accounting) as door:

        async def sent(path, size):
            answer = await door.client.post(
                path, content=b"#" * size, headers={"content-type": "text/plain"}
            )
            return answer.json()["code"] if answer.status_code != 200 else "ok"

        assert await sent("/api/ledger/imports/x?format=beancount", 40_000) != "body_too_large"
        assert await sent("/api/ledger/imports/x?format=beancount", 50_001) == "body_too_large"
        assert await sent("/api/ledger/transfers", 2001) == "body_too_large"
        # The connection that carried a large import carries no other large request.
        assert await sent("/api/ledger/imports/x?format=beancount", 3000) != "body_too_large"
        assert await sent("/api/ledger/transfers", 2001) == "body_too_large"
