"""An open door with real books behind it."""

from __future__ import annotations

import pytest

from sycee.services.identity.contract import Caller
from tests.gateway.door import opened
from tests.services.accounting.books import open_books

RIVAL = {"authorization": "Bearer sk_test_rival"}


class Shop:
    """A merchant at the door, in few words."""

    def __init__(self, door, books) -> None:
        self.door = door
        self.books = books
        self.client = door.client
        self.client.timeout = 30

    async def post(self, path, headers=None, **fields):
        return await self.client.post(f"/api/ledger/{path}", json=fields, headers=headers)

    async def get(self, path, headers=None, **query):
        return await self.client.get(f"/api/ledger/{path}", params=query, headers=headers)

    async def text(self, path, text, kind="text/csv", **query):
        body = text if isinstance(text, bytes) else text.encode()
        headers = {"content-type": kind}
        url = f"/api/ledger/{path}"
        return await self.client.post(url, params=query, content=body, headers=headers)

    async def made(self, path, **fields):
        answer = await self.post(path, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def got(self, path, **query):
        answer = await self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def open(self, name, kind="liability", currency="usd", **fields):
        return await self.made("accounts", name=name, kind=kind, currency=currency, **fields)

    async def pay(self, id, debit, credit, amount, **fields):
        moved = {"id": id, "debit": debit, "credit": credit, "amount": amount, "currency": "usd"}
        return await self.made("transfers", **moved, **fields)


@pytest.fixture
async def shop(tmp_path):
    books = await open_books(tmp_path)
    async with opened(books=books.accounting) as door:
        usual = door.identity.authenticate

        async def authenticate(query) -> Caller:
            if query.secret != "sk_test_rival":
                return await usual(query)
            caller = await usual(type(query)("sk_test_1"))
            rival = type(caller.merchant)(
                "acct_RIVAL",
                *[
                    getattr(caller.merchant, name)
                    for name in caller.merchant.__struct_fields__
                    if name != "id"
                ],
            )
            return type(caller)(caller.key, rival, caller.role, caller.livemode)

        door.identity.authenticate = authenticate
        shop = Shop(door, books)
        await shop.open("bank", "asset")
        await shop.open("wallet", lower=0)
        await shop.open("fees", "income")
        yield shop
