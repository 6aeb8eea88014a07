"""The layout that the contract tells is the one in which the ledger keeps its records."""

from __future__ import annotations

import msgspec
import pytest

from sycee.kernel.u128 import U128
from sycee.services.ledger.contract import Account, AccountId, Transfer, TransferId
from sycee.services.ledger.contract.layout import (
    ACCOUNT_LAYOUT,
    RECORD_BYTES,
    TRANSFER_LAYOUT,
    Place,
)
from sycee.services.ledger.domain.record import encode_account, encode_transfer

NOTHING = U128(0)
TRANSFER = Transfer(TransferId(NOTHING))
ACCOUNT = Account(AccountId(NOTHING), 0, 0)


def largest(place: Place) -> int:
    return U128(256**place.width - 1)


@pytest.mark.parametrize("place", TRANSFER_LAYOUT, ids=lambda place: place.name)
def test_a_field_of_a_transfer_is_where_the_layout_says(place: Place) -> None:
    record = encode_transfer(msgspec.structs.replace(TRANSFER, **{place.name: largest(place)}))
    assert len(record) == RECORD_BYTES
    assert [at for at, octet in enumerate(record) if octet] == within(place)


@pytest.mark.parametrize(
    "place", [each for each in ACCOUNT_LAYOUT if each.name], ids=lambda place: place.name
)
def test_a_field_of_an_account_is_where_the_layout_says(place: Place) -> None:
    record = encode_account(msgspec.structs.replace(ACCOUNT, **{place.name: largest(place)}))
    assert len(record) == RECORD_BYTES
    assert [at for at, octet in enumerate(record) if octet] == within(place)


@pytest.mark.parametrize(
    ("layout", "struct"), [(ACCOUNT_LAYOUT, Account), (TRANSFER_LAYOUT, Transfer)]
)
def test_every_field_has_a_place(layout: tuple[Place, ...], struct: type[msgspec.Struct]) -> None:
    assert sorted(place.name for place in layout if place.name) == sorted(struct.__struct_fields__)


def within(place: Place) -> list[int]:
    return list(range(place.offset, place.offset + place.width))
