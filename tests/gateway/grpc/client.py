"""A program outside: messages of the door's own description, keys, and calls that are refused."""

from __future__ import annotations

from collections.abc import Awaitable

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from sycee.gateway.grpc import schema
from sycee.gateway.grpc.offer import offered
from sycee.kernel.clock import Instant
from sycee.services.identity.contract import (
    ApiKeyId,
    ApiKeyInvalid,
    Authenticate,
    Caller,
    Limits,
    Merchant,
    MerchantId,
    MerchantStatus,
    Role,
)

SHOP = MerchantId("acct_shop")
POOL = DescriptorPool()
POOL.Add(schema.describe(offered(), schema.known_numbers()))


def message(name: str) -> type[Message]:
    """The class of a message."""
    return GetMessageClass(POOL.FindMessageTypeByName(f"sycee.v1.{name}"))


class FakeIdentity:
    """Knows one key per role; the key's text is the role, then the scopes."""

    async def authenticate(self, query: Authenticate) -> Caller:
        role, *scopes = query.secret.split()
        if role not in {each.value for each in Role}:
            raise ApiKeyInvalid("no such key")
        merchant = Merchant(SHOP, "Shop", "US", "USD", MerchantStatus.ACTIVE, Limits(), Instant(0))
        return Caller(ApiKeyId("key_1"), merchant, Role(role), False, tuple(scopes))


def key(text: str = "secret", **more: str) -> tuple[tuple[str, str], ...]:
    """Metadata that show a key."""
    return (("authorization", f"Bearer {text}"), *more.items())


async def refused(call: Awaitable[object]) -> tuple[grpc.StatusCode, dict[str, str | bytes]]:
    """The status of a call that is refused, and what programs are told."""
    with pytest.raises(grpc.aio.AioRpcError) as no:
        await call
    return no.value.code(), dict(no.value.trailing_metadata())
