"""Words that all parts of the accounting contract use."""

from __future__ import annotations

from enum import Enum
from typing import NewType

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.services.identity.contract import MerchantId

AccountName = NewType("AccountName", str)
"""Parts of letters, digits, ``-`` and ``_``, joined by colons: ``merchants:acme:available``.
At most 200 characters; every part begins with a letter or a digit."""
TransactionId = NewType("TransactionId", str)
"""Given by the caller: 1 to 80 letters, digits, ``-``, ``_``, ``.`` or ``:``."""

Metadata = NewType("Metadata", str)
"""A JSON object as text: at most 50 keys at its top and 4096 bytes in canonical form (RFC 8785).
Numbers are integers within ±(2⁵³-1), as every reader of JSON agrees on them; write others as text.
Answers hold the canonical form. ``{}`` is none."""

NO_METADATA = Metadata("{}")


class Owner(msgspec.Struct, frozen=True):
    """Whose books: a merchant's live ones or its test ones. Nothing of one is seen from another."""

    merchant: MerchantId
    livemode: bool = False


class Side(Enum):
    """One of the two sides of an account."""

    DEBIT = "debit"
    CREDIT = "credit"


class Rounding(Enum):
    """How a share that is no whole number of minor units becomes one."""

    FLOOR = "floor"
    """Down."""
    CEILING = "ceiling"
    """Up."""
    HALF_UP = "half_up"
    """To the nearest; from the middle up."""
    HALF_EVEN = "half_even"
    """To the nearest; from the middle to the even one."""
    LARGEST_REMAINDER = "largest_remainder"
    """Down all; what is left goes one by one to those that lost most, the first of equals first.
    Only of shares that make up a whole."""


class NameInvalid(Refusal, code="name_invalid", status=422):
    """A name or an id is empty, too long, or has letters that it may not have; ``param`` says which
    field."""


class AmountInvalid(Refusal, code="amount_invalid", status=422):
    """An amount is no whole number of minor units that the books can hold; ``param`` names it."""


class TimeInvalid(Refusal, code="time_invalid", status=422):
    """An instant is before 1970 or after 2200, or a span ends before it begins."""


class AccountingMetadataInvalid(Refusal, code="accounting_metadata_invalid", status=422):
    """``metadata`` is not a JSON object, too large, or holds a number that readers disagree on."""
