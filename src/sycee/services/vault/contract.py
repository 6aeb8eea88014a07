"""The only place where card numbers are kept; everybody else holds tokens."""

from __future__ import annotations

from typing import NewType, Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound, Refusal, refuses
from sycee.services.identity.contract import MerchantId

CardToken = NewType("CardToken", str)
"""19 digits, the first a 9; random, and no card number: its check digit is wrong (Luhn)."""


class Tokenize(msgspec.Struct, frozen=True):
    """Take card numbers into keeping. They must have passed validation's ``check_card``."""

    merchant: MerchantId
    numbers: tuple[str, ...]
    """At most 100."""

    def __repr__(self) -> str:
        return f"Tokenize({self.merchant!r}, {len(self.numbers)} numbers)"


class KeptNumber(msgspec.Struct, frozen=True):
    """What may be known of a number that is kept (PCI DSS 3.4.1)."""

    token: CardToken
    fingerprint: str
    """Equal for equal numbers within this installation; a keyed hash."""
    bin: str
    """The first six digits."""
    last4: str


class Tokenized(msgspec.Struct, frozen=True):
    """One for each number, in order."""

    cards: tuple[KeptNumber, ...]


class Detokenize(msgspec.Struct, frozen=True):
    """Ask for numbers, as only a rail may."""

    merchant: MerchantId
    tokens: tuple[CardToken, ...]
    """At most 100."""
    rail: str
    """Who asks."""
    purpose: str
    """What for, such as ``enrol``."""


class Detokenized(msgspec.Struct, frozen=True):
    """The numbers, in the order of the tokens. Lives in memory only."""

    numbers: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Detokenized({len(self.numbers)} numbers)"


class Forget(msgspec.Struct, frozen=True):
    """Erase one number of a merchant."""

    merchant: MerchantId
    token: CardToken


class Forgotten(msgspec.Struct, frozen=True):
    """The number is no longer kept; nor was it, maybe."""

    token: CardToken


class Rotate(msgspec.Struct, frozen=True):
    """Have a new key encryption key wrap all data keys, and give up the former ones."""


class StatusQuery(msgspec.Struct, frozen=True):
    """Ask how the keys stand."""


class VaultStatus(msgspec.Struct, frozen=True):
    """How the keys stand. No key is in it."""

    keeper: str
    """What keeps the key encryption keys, such as ``file``."""
    version: int
    """The key encryption key in use."""
    versions: tuple[int, ...]
    """All that are kept; more than one only while a rotation is under way."""
    rotated: Instant
    """When the one in use was made."""
    data_keys: int
    data_keys_behind: int
    """Wrapped by a former key still."""
    uses_max: int
    """The most numbers that one data key has sealed."""
    cards: int
    detokenized: int
    """Numbers that were given out, ever."""


class TooMany(Refusal, code="too_many", status=422):
    """More than 100 numbers or tokens in one call."""


class Vault(Protocol):
    """Card numbers by token, sealed at rest to their merchant, row and key."""

    @refuses(TooMany)
    async def tokenize(self, command: Tokenize) -> Tokenized:
        """Keep numbers. The same number of the same merchant again has the same token."""
        ...

    @refuses(TooMany, NotFound)
    async def detokenize(self, query: Detokenize) -> Detokenized:
        """Give numbers out, all or none; who asked for which is on record before they leave.

        ``NotFound`` for tokens that are unknown, forgotten, or another merchant's.
        """
        ...

    async def forget(self, command: Forget) -> Forgotten:
        """Erase a number, and its token with it; again is the same. Never refuses."""
        ...

    async def rotate(self, command: Rotate) -> VaultStatus:
        """Rotate the key encryption key, or finish that. Never refuses."""
        ...

    async def status(self, query: StatusQuery) -> VaultStatus:
        """How the keys stand. Never refuses."""
        ...
