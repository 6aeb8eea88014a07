"""Structs survive the wire, and nothing else passes as one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.u128 import U128, U128_MAX
from sycee.runtime import wire
from sycee.services.ledger.contract import AccountId, LookupAccounts

numbers = st.integers(min_value=0, max_value=U128_MAX).map(lambda number: AccountId(U128(number)))


@given(st.tuples(numbers, numbers))
def test_128_bit_numbers_survive(ids: tuple[AccountId, AccountId]) -> None:
    query = LookupAccounts(ids)
    read = wire.decoder(LookupAccounts).decode(wire.encode(query))
    assert read == query
    assert all(type(number) is U128 for number in read.ids)


@pytest.mark.parametrize("octets", [b"", b"\0" * 15, b"\0" * 17])
def test_a_number_of_the_wrong_size_is_refused(octets: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        wire.decoder(LookupAccounts).decode(msgspec.msgpack.encode({"ids": [octets]}))


def test_a_strange_value_does_not_leave() -> None:
    with pytest.raises(TypeError):
        wire.encode({"value": object()})
