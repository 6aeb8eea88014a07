"""How an API key is written and hashed, and what a merchant may look like."""

from __future__ import annotations

import hmac

from sycee.kernel.currencies import BY_CODE
from sycee.services.identity.contract import (
    CreateMerchant,
    Limits,
    MerchantInvalid,
    Role,
)

ENTROPY_BYTES = 32
SECRET_LENGTH_MAX = 128
"""Longer texts are refused before they are hashed."""
NAME_LENGTH_MAX = 200
ID_LENGTH_MAX = 64

_PREFIXES = {Role.SECRET: "sk", Role.PUBLISHABLE: "pk", Role.READ_ONLY: "rk", Role.OPERATOR: "op"}
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE62_LENGTH = 43
"""Characters that hold 32 bytes: the smallest n with 62ⁿ ≥ 2²⁵⁶."""


def secret_text(role: Role, livemode: bool, entropy: bytes) -> str:
    """Write a key such as ``sk_test_…``; secret scanners know it by its prefix."""
    assert len(entropy) == ENTROPY_BYTES, "a key takes 32 bytes of entropy"
    mode = "live" if livemode else "test"
    return f"{_PREFIXES[role]}_{mode}_{_base62(int.from_bytes(entropy, 'big'))}"


def digest(pepper: bytes, secret: str) -> bytes:
    """The keyed hash under which a key is kept (HMAC-SHA256, RFC 2104).

    Keys are found by this digest, never compared as text: what the search's timing tells is about
    a hash that the caller cannot steer.
    """
    return hmac.digest(pepper, secret.encode("utf-8", "surrogatepass"), "sha256")


def check_merchant(command: CreateMerchant) -> None:
    """Refuse a merchant that could not be paid or shown."""
    if not command.id.startswith("acct_") or not 6 <= len(command.id) <= ID_LENGTH_MAX:
        raise MerchantInvalid("A merchant id begins with acct_.", param="id")
    if not 0 < len(command.name.strip()) <= NAME_LENGTH_MAX:
        raise MerchantInvalid("A merchant has a name of 1 to 200 characters.", param="name")
    if len(command.country) != 2 or not command.country.isascii() or not command.country.isupper():
        raise MerchantInvalid("Use two capital letters, as in ISO 3166-1.", param="country")
    if command.default_currency not in BY_CODE:
        raise MerchantInvalid("Use an ISO 4217 code, such as USD.", param="default_currency")
    check_limits(command.limits)


def check_limits(limits: Limits) -> None:
    """Refuse limits that make no sense."""
    if limits.amount_minor_max < 1:
        raise MerchantInvalid("The largest payment is at least 1.", param="amount_minor_max")
    if limits.duplicate_window_s < 0:
        raise MerchantInvalid("A window is 0 seconds or more.", param="duplicate_window_s")
    if limits.reads_per_s < 0:
        raise MerchantInvalid("A rate is 0 or more a second.", param="reads_per_s")
    if limits.writes_per_s < 0:
        raise MerchantInvalid("A rate is 0 or more a second.", param="writes_per_s")
    if any(code not in BY_CODE for code in limits.currencies):
        raise MerchantInvalid("Use ISO 4217 codes, such as USD.", param="currencies")


def _base62(number: int) -> str:
    digits = []
    for _ in range(_BASE62_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
