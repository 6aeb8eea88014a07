"""What the doors of the books have in common: whose they are, amounts, pages, metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from sycee.gateway.refusals import ParameterMissing, ParameterUnknown
from sycee.gateway.request import Request
from sycee.gateway.routes import OPERATORS, READERS
from sycee.gateway.stripe.shapes import Public
from sycee.kernel.money import Currency, currency
from sycee.services.accounting.contract import Metadata, Owner
from sycee.services.identity.contract import MerchantId, Role

Item = TypeVar("Item")

PATH = "/api/ledger"
SCOPE = "ledger"
SEERS = READERS | OPERATORS
"""Operators see all books, and move nothing in any."""
LONG_S = 120.0
"""For what looks at all of an owner's books at once."""

Minor = Annotated[int, Meta(ge=1, le=2**63 - 1)]
"""An amount in minor units."""
Bound = Annotated[int, Meta(ge=-(2**63 - 1), le=2**63 - 1)]
Name = Annotated[str, Meta(max_length=255)]
Code = Annotated[str, Meta(max_length=3)]
When = Annotated[str, Meta(max_length=40)]
Cursor = Annotated[str, Meta(max_length=300)]
MetadataGiven: TypeAlias = dict[str, str]

_encode = msgspec.json.Encoder().encode


class Owned(msgspec.Struct, frozen=True, kw_only=True):
    """Whose books: an operator names the merchant, everybody else has their own."""

    merchant: Name | None = None
    """Only with an operator's key, which needs it."""
    livemode: bool | None = None
    """Only with an operator's key: live books, or test ones (the default)."""


class Paged(Owned, frozen=True, kw_only=True):
    """A page of what is listed."""

    after: Cursor = ""
    """``next`` of the page before."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


def owner(request: Request, given: Owned | None = None) -> Owner:
    """Whose books a request is about."""
    caller = request.caller
    assert caller is not None, "no route of the books lets strangers in"
    given = given or Owned()
    if caller.role is Role.OPERATOR:
        if given.merchant is None:
            raise ParameterMissing("An operator names the merchant.", param="merchant")
        return Owner(MerchantId(given.merchant), bool(given.livemode))
    for name, value in (("merchant", given.merchant), ("livemode", given.livemode)):
        if value is not None:
            raise ParameterUnknown(f"Received unknown parameter: {name}", param=name)
    return Owner(caller.merchant.id, caller.livemode)


def code_of(text: str) -> Currency:
    """A currency as the books write it."""
    return currency(text)


def metadata(given: MetadataGiven | None) -> Metadata:
    """Metadata as the contract takes it."""
    return Metadata(_encode(given or {}).decode())


def shown(text: Metadata) -> msgspec.Raw:
    """Metadata as it is answered: the very JSON that is kept."""
    return msgspec.Raw(text.encode())


def paged(
    path: str,
    items: Iterable[Item],
    following: str,
    has_more: bool,
    render: Callable[[Item], Public],
) -> Public:
    """A page of objects, and the cursor after it."""
    return {
        "object": "list",
        "data": [render(item) for item in items],
        "has_more": has_more,
        "next": following or None,
        "url": path,
    }
