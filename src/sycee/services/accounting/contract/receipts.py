"""Receipts that whoever holds the public key can verify without asking anybody."""

from __future__ import annotations

import msgspec

from sycee.services.accounting.contract.shared import Owner, TransactionId


class GetReceipt(msgspec.Struct, frozen=True):
    """Ask for the receipt of a transaction; the same one each time."""

    owner: Owner
    transaction: TransactionId


class Receipt(msgspec.Struct, frozen=True):
    """What happened, signed by Ed25519 (RFC 8032) over the bytes of ``body``."""

    body: str
    """Canonical JSON (RFC 8785); numbers that may be large are texts."""
    signature: str
    """Base64."""
    key: str
    """Which key signed: the first 16 hex digits of the public key's SHA-256."""


class GetReceiptKey(msgspec.Struct, frozen=True):
    """Ask for the key by which this installation's receipts are verified."""


class ReceiptKey(msgspec.Struct, frozen=True):
    """The public key."""

    key: str
    """As in receipts."""
    public_key: str
    """The 32 bytes, in base64."""
