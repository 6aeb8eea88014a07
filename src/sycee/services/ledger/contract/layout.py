"""Where the fields of an account and of a transfer are in a record of 128 bytes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

RECORD_BYTES = 128


class Place(msgspec.Struct, frozen=True):
    """The bytes of one field, counted from the beginning of its record; little-endian."""

    name: str
    """As the Struct has it; empty where the record keeps nothing."""
    offset: int
    width: int
    """Bytes."""


def _places(names: str, widths: tuple[int, ...]) -> Iterator[Place]:
    offset = 0
    for name, width in zip(names.split(), widths, strict=True):
        yield Place(name.strip("-"), offset, width)
        offset += width
    assert offset == RECORD_BYTES, "a record is full"


_WIDTHS = (16, 16, 16, 16, 16, 16, 8, 4, 4, 4, 2, 2, 8)

ACCOUNT_LAYOUT = tuple(
    _places(
        "id debits_pending debits_posted credits_pending credits_posted user_data_128 "
        "user_data_64 user_data_32 - ledger code flags timestamp",
        _WIDTHS,
    )
)
"""An account as a record (TigerBeetle, reference: Account)."""
TRANSFER_LAYOUT = tuple(
    _places(
        "id debit_account_id credit_account_id amount pending_id user_data_128 "
        "user_data_64 user_data_32 timeout_s ledger code flags timestamp",
        _WIDTHS,
    )
)
"""A transfer as a record (TigerBeetle, reference: Transfer)."""
