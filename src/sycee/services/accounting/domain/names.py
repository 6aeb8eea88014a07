"""Which names, ids and instants are taken, and how an owner is written."""

from __future__ import annotations

import re
from typing import Final

from sycee.kernel.clock import Instant
from sycee.services.accounting.contract import NameInvalid, Owner, TimeInvalid
from sycee.services.identity.contract import MerchantId

_PART = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_ACCOUNT: Final = re.compile(rf"{_PART}(:{_PART})*")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_:-]*")
_TRANSACTION: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
ACCOUNT_LENGTH_MAX: Final = 200

YEAR_2200: Final = Instant(7_258_118_400_000_000_000)
"""No instant is as late as this: the ledger keeps one in 64 bits."""


def owner_key(owner: Owner) -> str:
    """How rows say whose they are."""
    return f"{owner.merchant}/{'live' if owner.livemode else 'test'}"


def owner_of(key: str) -> Owner:
    """The owner that is written so."""
    merchant, _, mode = key.rpartition("/")
    return Owner(MerchantId(merchant), mode == "live")


def is_account_name(name: str) -> bool:
    """Whether an account may be called so."""
    return len(name) <= ACCOUNT_LENGTH_MAX and _ACCOUNT.fullmatch(name) is not None


def is_account_part(text: str) -> bool:
    """Whether a text may stand between two colons of an account's name."""
    return len(text) <= ACCOUNT_LENGTH_MAX and re.fullmatch(_PART, text) is not None


def check_account_name(name: str, param: str) -> None:
    """Refuse a name that no account can have."""
    if not is_account_name(name):
        text = "An account's name is parts of letters, digits, - and _, joined by colons."
        raise NameInvalid(text, param=param)


def is_prefix(text: str) -> bool:
    """Whether names of accounts may begin so."""
    return _PREFIX.fullmatch(text) is not None


def is_transaction_id(id: str) -> bool:
    """Whether a transaction may have this id."""
    return _TRANSACTION.fullmatch(id) is not None


def check_transaction_id(id: str) -> None:
    """Refuse an id that no transaction can have."""
    if not is_transaction_id(id):
        text = "An id is 1 to 80 letters, digits, hyphens, underscores, dots or colons."
        raise NameInvalid(text, param="id")


def is_plain_name(name: str) -> bool:
    """Whether a template, a period or an import may be called so."""
    return _PLAIN.fullmatch(name) is not None


def check_plain_name(name: str, param: str) -> None:
    """Refuse a name that no template, period or import can have."""
    if not is_plain_name(name):
        text = f"{param} is 1 to 60 letters, digits, hyphens, underscores or dots."
        raise NameInvalid(text, param=param)


def check_instant(instant: Instant | None, param: str) -> None:
    """Refuse a time that cannot be written into the books."""
    if instant is not None and not 0 < instant < YEAR_2200:
        raise TimeInvalid(f"{param} is between 1970 and 2200.", param=param)
