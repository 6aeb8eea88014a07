"""What a route is given, and what it gives back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from sycee.gateway.asgi import Header
from sycee.gateway.card_blanks import blanked, tells_of_card
from sycee.services.identity.contract import Caller, MerchantId, Role
from sycee.services.payments.contract.shared import Origin

Raw: TypeAlias = "str | int | float | bool | list[Raw] | dict[str, Raw] | None"
"""A parameter as it came: forms bring texts only, JSON brings the rest."""

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"

_canonical = msgspec.json.Encoder(order="sorted")


class Request(msgspec.Struct):
    """One request that was let in."""

    id: str
    method: str
    path: str
    arguments: Mapping[str, str]
    """The variable parts of the path."""
    parameters: dict[str, Raw]
    form: bool = True
    """Whether the parameters came as texts, from a form or a query."""
    body: bytes = b""
    """What came, where the route takes text; its parameters are in the query."""
    operation: str = "unknown"
    """The route's name, for logs and metrics: a few dozen values whatever is asked."""
    caller: Caller | None = None
    idempotency_key: str | None = None
    ip: str | None = None
    standing: tuple[Header, ...] = ()
    """Where the caller stands within its rates, as header fields of the answer."""

    @property
    def merchant(self) -> MerchantId:
        """Whose request it is; only routes that ask for a key may ask this."""
        assert self.caller is not None, "the route lets strangers in"
        return self.caller.merchant.id

    def origin(self) -> Origin:
        """The request as services know it. Only a browser's address is the payer's."""
        caller = self.caller
        assert caller is not None, "the route lets strangers in"
        return Origin(
            merchant=caller.merchant.id,
            livemode=caller.livemode,
            request=self.id,
            idempotency_key=self.idempotency_key,
            request_hash=self._hash() if self.idempotency_key else b"",
            ip=self.ip if caller.role is Role.PUBLISHABLE else None,
        )

    def _hash(self) -> bytes:
        digest = blake2b(f"{self.method}|{self.path}|".encode(), digest_size=16)
        asked = _canonical.encode(self.parameters)
        if tells_of_card(asked):
            asked = _canonical.encode(blanked(self.parameters))
        digest.update(asked)
        return digest.digest()


class Answer(msgspec.Struct, frozen=True):
    """What is sent back."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    stream: AsyncIterator[bytes] | None = None
    """What follows the body, piece by piece, of an answer whose length nobody knows yet."""
