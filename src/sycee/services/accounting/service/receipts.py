"""Keeps the contract about receipts: signs what is recorded."""

from __future__ import annotations

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sycee.services.accounting.contract import (
    GetReceipt,
    GetReceiptKey,
    GetTransaction,
    Receipt,
    ReceiptKey,
)
from sycee.services.accounting.domain.receipts import key_name, receipt_body
from sycee.services.accounting.service.transactions import TransactionsService


class ReceiptsService:
    """Signs with the installation's own key. A signature by Ed25519 is the same each time."""

    def __init__(self, seed: bytes, transactions: TransactionsService) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key().public_bytes_raw()
        self._transactions = transactions

    async def get_receipt(self, query: GetReceipt) -> Receipt:
        transaction = await self._transactions.get_transaction(
            GetTransaction(query.owner, query.transaction)
        )
        body = receipt_body(query.owner, transaction)
        signature = b64encode(self._private.sign(body.encode())).decode()
        return Receipt(body, signature, key_name(self._public))

    async def get_receipt_key(self, query: GetReceiptKey) -> ReceiptKey:
        return ReceiptKey(key_name(self._public), b64encode(self._public).decode())
