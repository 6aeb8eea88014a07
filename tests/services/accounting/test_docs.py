"""What the page on accounting shows is so."""

from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from tests.docs.blocks import blocks
from tests.services.accounting.books import SHOP

from sycee.services.accounting.contract import (
    BulkFormat,
    DefineTemplate,
    GetReceipt,
    GetReceiptKey,
    ImportPart,
)

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "accounting.md"


def shown(language):
    (block,) = [each for each in blocks(PAGE.name, PAGE.read_text()) if each.language == language]
    return block.text


async def test_its_verifier_verifies_receipts_and_refuses_changed_ones(books):
    names = {}
    exec(shown("python"), names)
    await books.open("wallet")
    await books.fund("wallet", 5, id="t")
    receipt = await books.accounting.get_receipt(GetReceipt(SHOP, "t"))
    key = (await books.accounting.get_receipt_key(GetReceiptKey())).public_key
    said = names["verified"](receipt.body, receipt.signature, key)
    assert said["transaction"] == "t"
    with pytest.raises(InvalidSignature):
        names["verified"](receipt.body.replace('"5"', '"6"'), receipt.signature, key)


async def test_its_template_can_be_defined_and_run(books):
    fields = {"owner": {"merchant": SHOP.merchant}, **msgspec.json.decode(shown("json"))}
    await books.accounting.define_template(msgspec.convert(fields, DefineTemplate))
    await books.open("gifts:acme", "wallet", "fees", "merchants:acme:available", lower=0)
    await books.fund("gifts:acme", 300)
    await books.fund("wallet", 1000)
    await books.run("sale", payer="wallet", merchant="acme", amount="1000")
    held = [await books.balance(name) for name in ("gifts:acme", "wallet", "fees")]
    assert held == [0, 300, 29]


async def test_its_text_can_be_imported(books):
    part = ImportPart(SHOP, "shown", BulkFormat.CSV, 1, shown("text"), True)
    told = await books.accounting.import_part(part)
    assert (told.accounts, told.transactions, told.is_done) == (2, 1, True)
    assert await books.balance("wallet") == 12_30
