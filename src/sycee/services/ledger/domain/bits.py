"""The contract's flags and bounds as plain ints, because arithmetic on ``IntFlag`` is slow."""

from __future__ import annotations

from typing import Final

from sycee.kernel.clock import SECOND_NS
from sycee.services.ledger.contract import AccountFlags, TransferFlags

LINKED: Final = int(TransferFlags.LINKED)
PENDING: Final = int(TransferFlags.PENDING)
POST_PENDING: Final = int(TransferFlags.POST_PENDING)
VOID_PENDING: Final = int(TransferFlags.VOID_PENDING)
BALANCING_DEBIT: Final = int(TransferFlags.BALANCING_DEBIT)
BALANCING_CREDIT: Final = int(TransferFlags.BALANCING_CREDIT)
CLOSING_DEBIT: Final = int(TransferFlags.CLOSING_DEBIT)
CLOSING_CREDIT: Final = int(TransferFlags.CLOSING_CREDIT)
IMPORTED: Final = int(TransferFlags.IMPORTED)

RESOLVING: Final = POST_PENDING | VOID_PENDING
BALANCING: Final = BALANCING_DEBIT | BALANCING_CREDIT
CLOSING: Final = CLOSING_DEBIT | CLOSING_CREDIT
EXPIRED_ROW: Final = 1 << 15
"""Marks a journal's row that tells of an expiry; reserved in every event."""
TRANSFER_RESERVED: Final = ~(LINKED | PENDING | RESOLVING | BALANCING | CLOSING | IMPORTED)

DEBITS_LIMITED: Final = int(AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS)
CREDITS_LIMITED: Final = int(AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS)
LIMITED: Final = DEBITS_LIMITED | CREDITS_LIMITED
HISTORY: Final = int(AccountFlags.HISTORY)
CLOSED: Final = int(AccountFlags.CLOSED)
ACCOUNT_IMPORTED: Final = int(AccountFlags.IMPORTED)
ACCOUNT_RESERVED: Final = ~(LINKED | LIMITED | HISTORY | ACCOUNT_IMPORTED | CLOSED)

TIMESTAMP_MAX: Final = 2**63 - 1


def expires_at(timestamp: int, timeout_s: int) -> int:
    """When a pending transfer of that time and timeout voids itself."""
    return timestamp + timeout_s * SECOND_NS
