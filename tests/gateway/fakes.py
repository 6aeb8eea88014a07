"""Services that answer what a test told them to, and remember what they were asked."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.services.identity.contract import (
    ApiKeyId,
    ApiKeyInvalid,
    Authenticate,
    Caller,
    Limits,
    Merchant,
    MerchantStatus,
    Role,
)
from tests.gateway.objects import NOON, SHOP

MERCHANT = Merchant(SHOP, "Shop", "US", "USD", MerchantStatus.ACTIVE, Limits(), NOON)
ROLES = {
    "sk_test_1": Role.SECRET,
    "pk_test_1": Role.PUBLISHABLE,
    "rk_test_1": Role.READ_ONLY,
    "op_test_1": Role.OPERATOR,
}


class Scripted:
    """Any service: answers by method name; what is not scripted is not found."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.asked: list[tuple[str, msgspec.Struct]] = []

    def __getattr__(self, name: str) -> Callable[[msgspec.Struct], Awaitable[object]]:
        async def answer(question: msgspec.Struct) -> object:
            self.asked.append((name, question))
            scripted = self.answers.get(name)
            if scripted is None:
                raise NotFound(f"No such object: {name}.")
            if isinstance(scripted, Exception):
                raise scripted
            if inspect.iscoroutinefunction(scripted):
                return await scripted(question)
            return scripted(question) if callable(scripted) else scripted

        return answer

    @property
    def last(self) -> msgspec.Struct:
        """The latest question."""
        return self.asked[-1][1]


class FakeIdentity(Scripted):
    """Knows one merchant with one key of each role, and a narrowed one; the rest is scripted."""

    def __init__(self) -> None:
        super().__init__()
        self.authenticated = 0

    async def authenticate(self, query: Authenticate) -> Caller:
        self.authenticated += 1
        if query.secret == "sk_test_narrow":
            return Caller(ApiKeyId("key_2"), MERCHANT, Role.SECRET, False, ("payments:read",))
        if query.secret not in ROLES:
            raise ApiKeyInvalid("This API key is not valid.")
        return Caller(ApiKeyId("key_1"), MERCHANT, ROLES[query.secret], False)
