"""What a receipt says."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from sycee.kernel.money import Money
from sycee.services.accounting.contract import Owner, Transaction
from sycee.services.accounting.domain.canonical import canonical
from sycee.services.accounting.domain.dates import written

VERSION: Final = 1
_KEY_DIGITS: Final = 16


def receipt_body(owner: Owner, transaction: Transaction) -> str:
    """The canonical JSON that is signed."""
    metadata: object = msgspec.json.decode(transaction.metadata)
    return canonical(
        {
            "receipt": VERSION,
            "merchant": owner.merchant,
            "livemode": owner.livemode,
            "transaction": transaction.id,
            "recorded": written(transaction.recorded),
            "effective": written(transaction.effective),
            "legs": [
                {
                    "account": leg.account,
                    "side": leg.side.value,
                    "amount": str(Money(leg.amount_minor, leg.currency)),
                    "amount_minor": str(int(leg.amount_minor)),
                    "currency": leg.currency,
                }
                for leg in transaction.legs
            ],
            "transfers": [str(int(transfer)) for transfer in transaction.transfers],
            "metadata": metadata,
            "template": transaction.template,
            "template_version": transaction.version,
        }
    )


def key_name(public_key: bytes) -> str:
    """How a receipt names the key that signed it."""
    return sha256(public_key).hexdigest()[:_KEY_DIGITS]
