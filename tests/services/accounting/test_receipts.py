"""Receipts that anybody can verify."""

import base64
import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.services.accounting.books import ASSET, OTHER, SHOP, credit, debit, open_books, refused

from sycee.kernel.clock import Instant
from sycee.services.accounting.contract import GetReceipt, GetReceiptKey


@pytest.fixture
async def receipt(books):
    await books.open("bank", kind=ASSET)
    await books.open("wallet")
    await books.post(
        debit("bank", 12_30),
        credit("wallet", 12_30),
        id="t",
        effective=Instant(1_700_000_000_000_000_001),
        metadata='{"order": 7, "naïve": "é\\n"}',
    )
    return await books.accounting.get_receipt(GetReceipt(SHOP, "t"))


async def public_key(books):
    told = await books.accounting.get_receipt_key(GetReceiptKey())
    octets = base64.b64decode(told.public_key)
    assert hashlib.sha256(octets).hexdigest()[:16] == told.key
    return Ed25519PublicKey.from_public_bytes(octets), told.key


async def test_a_receipt_is_verified_with_the_public_key_alone(books, receipt):
    public, key = await public_key(books)
    public.verify(base64.b64decode(receipt.signature), receipt.body.encode())
    assert receipt.key == key
    said = json.loads(receipt.body)
    assert (said["transaction"], said["merchant"], said["livemode"]) == ("t", "acct_shop", False)
    assert said["effective"] == "2023-11-14T22:13:20.000000001Z"
    assert said["metadata"] == {"order": 7, "naïve": "é\n"}
    assert said["legs"] == [
        {
            "account": account,
            "side": side,
            "amount": "12.30 USD",
            "amount_minor": "1230",
            "currency": "USD",
        }
        for account, side in (("bank", "debit"), ("wallet", "credit"))
    ]
    written = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert written == receipt.body


async def test_one_wrong_bit_shows(books, receipt):
    public, _ = await public_key(books)
    signature, body = base64.b64decode(receipt.signature), receipt.body.encode()
    for place in range(0, len(body), 7):
        changed = bytearray(body)
        changed[place] ^= 1
        with pytest.raises(InvalidSignature):
            public.verify(signature, bytes(changed))
    for place in range(len(signature)):
        changed = bytearray(signature)
        changed[place] ^= 1
        with pytest.raises(InvalidSignature):
            public.verify(bytes(changed), body)


async def test_the_same_receipt_is_given_each_time_and_after_a_restart(tmp_path):
    books = await open_books(tmp_path)
    await books.open("wallet")
    await books.fund("wallet", 5, id="t")
    first = await books.accounting.get_receipt(GetReceipt(SHOP, "t"))
    again = await open_books(tmp_path, books.host.clock)
    assert await again.accounting.get_receipt(GetReceipt(SHOP, "t")) == first


async def test_there_is_no_receipt_of_what_is_another_owners_or_was_refused(books, receipt):
    answers = [
        await refused(books.accounting.get_receipt(GetReceipt(*asked)))
        for asked in ((OTHER, "t"), (SHOP, "nothing"), (SHOP, "\0"))
    ]
    assert answers == [("not_found", "id")] * 3
