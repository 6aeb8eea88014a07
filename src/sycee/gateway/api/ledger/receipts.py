"""Receipts: signed here, verified by whoever holds the public key."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta

from sycee.gateway.api.ledger.shapes import PATH, SCOPE, SEERS, Owned, owner
from sycee.gateway.api.ledger.transactions import TRANSACTIONS
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Empty, Route, route
from sycee.gateway.stripe.shapes import Public, answer
from sycee.services.accounting.contract import (
    Accounting,
    GetReceipt,
    GetReceiptKey,
    Receipt,
    ReceiptKey,
    TransactionId,
)


class VerifyingReceipt(msgspec.Struct, frozen=True):
    """A receipt, as it was answered."""

    body: Annotated[str, Meta(max_length=262_144)]
    signature: Annotated[str, Meta(max_length=200)]


class LedgerReceipts:
    """Signed receipts of transactions."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        one, key, check = "ledger_receipt", "ledger_receipt_key", "ledger_receipt_check"
        who, scope = SEERS, SCOPE
        of_one, at = f"GET {TRANSACTIONS}/{{id}}/receipt", f"{PATH}/receipts"
        return [
            route(of_one, self.issue, Owned, answers=one, roles=who, scope=scope),
            route(f"GET {at}/key", self.key, Empty, answers=key, roles=who, scope=scope),
            route(f"POST {at}/verify", self.verify, VerifyingReceipt, answers=check, scope=scope),
        ]

    async def issue(self, request: Request, given: Owned) -> Answer:
        """Retrieve a transaction's receipt, which its customer can verify offline."""
        query = GetReceipt(owner(request, given), TransactionId(request.arguments["id"]))
        return answer(render_receipt(await self._accounting.get_receipt(query)))

    async def key(self, request: Request, given: Empty) -> Answer:
        """Retrieve the public key by which receipts are verified."""
        return answer(render_receipt_key(await self._accounting.get_receipt_key(GetReceiptKey())))

    async def verify(self, request: Request, given: VerifyingReceipt) -> Answer:
        """Say whether a receipt was signed here and is unchanged."""
        key = await self._accounting.get_receipt_key(GetReceiptKey())
        is_valid = is_signed(key, given.body, given.signature)
        return answer({"object": "ledger_receipt_check", "is_valid": is_valid, "key": key.key})


def is_signed(key: ReceiptKey, body: str, signature: str) -> bool:
    """Whether the holder of the key signed exactly this (RFC 8032)."""
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_key))
    try:
        public.verify(base64.b64decode(signature, validate=True), body.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def render_receipt(receipt: Receipt) -> Public:
    """A receipt."""
    return {
        "object": "ledger_receipt",
        "body": receipt.body,
        "signature": receipt.signature,
        "key": receipt.key,
    }


def render_receipt_key(key: ReceiptKey) -> Public:
    """The public key."""
    return {"object": "ledger_receipt_key", "key": key.key, "public_key": key.public_key}
