"""Who calls, for which merchant, with what rights."""

from __future__ import annotations

from enum import Enum
from typing import NewType, Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound, Refusal, refuses

MerchantId = NewType("MerchantId", str)
"""``acct_…``"""
ApiKeyId = NewType("ApiKeyId", str)
"""``key_…``"""


class Role(Enum):
    """What a key may do; each role includes nothing of the others."""

    SECRET = "secret"  # noqa: S105 - the name of a role
    """Everything of its own merchant."""
    PUBLISHABLE = "publishable"
    """What a browser may do: create payment methods, confirm with a client secret."""
    READ_ONLY = "read_only"
    """Reads of its own merchant."""
    OPERATOR = "operator"
    """Runs the installation: makes merchants and keys, moves no money."""


class MerchantStatus(Enum):
    """Whether a merchant may take money."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Limits(msgspec.Struct, frozen=True):
    """What one payment of a merchant may be, and how often it may ask.

    Amounts in minor units of the payment's currency. The rates hold at each gateway process.
    """

    amount_minor_max: int = 99_999_999
    duplicate_window_s: int = 0
    """Refuse a payment equal in card, amount and currency within this time; 0 switches it off."""
    currencies: tuple[str, ...] = ()
    """ISO 4217 codes accepted; empty means all."""
    reads_per_s: int = 0
    """Requests that only read, of all its keys together; 0 sets no limit."""
    writes_per_s: int = 0
    """Requests that create; captures, refunds and cancellations have as many of their own."""


class Merchant(msgspec.Struct, frozen=True):
    """A business that takes payments."""

    id: MerchantId
    name: str
    country: str
    """ISO 3166-1 alpha-2."""
    default_currency: str
    status: MerchantStatus
    limits: Limits
    created: Instant


class Caller(msgspec.Struct, frozen=True):
    """The answer to "who is this?": a key, its merchant, its rights."""

    key: ApiKeyId
    merchant: Merchant
    role: Role
    livemode: bool
    scopes: tuple[str, ...] = ()
    """Narrower than the role when not empty: ``payments:read``, ``payments:write``, …"""


class CreateMerchant(msgspec.Struct, frozen=True):
    """A new merchant. Repeating it with the same ``id`` answers the merchant that exists."""

    id: MerchantId
    name: str
    country: str = "US"
    default_currency: str = "USD"
    limits: Limits = Limits()


class UpdateMerchant(msgspec.Struct, frozen=True):
    """Change status or limits; None leaves a field as it is."""

    id: MerchantId
    status: MerchantStatus | None = None
    limits: Limits | None = None


class GetMerchant(msgspec.Struct, frozen=True):
    """Ask for one merchant."""

    id: MerchantId


class IssueKey(msgspec.Struct, frozen=True):
    """A new API key for a merchant."""

    merchant: MerchantId
    role: Role
    livemode: bool = False
    scopes: tuple[str, ...] = ()


class IssuedKey(msgspec.Struct, frozen=True):
    """The only time a key's secret is told; only a keyed hash of it is kept."""

    id: ApiKeyId
    secret: str
    """``sk_test_…``, ``pk_test_…``, ``rk_test_…``, ``op_test_…``, or ``_live_``."""


class ApiKey(msgspec.Struct, frozen=True):
    """What is known of a key after its secret was told."""

    id: ApiKeyId
    merchant: MerchantId
    role: Role
    livemode: bool
    created: Instant
    scopes: tuple[str, ...] = ()
    last_used: Instant | None = None
    """To within a minute."""
    revoked: Instant | None = None


class ListKeys(msgspec.Struct, frozen=True):
    """A merchant's keys, newest first, dead ones included."""

    merchant: MerchantId
    limit: int = 100


class ApiKeys(msgspec.Struct, frozen=True):
    """Keys of one merchant."""

    keys: tuple[ApiKey, ...]


class RevokeKey(msgspec.Struct, frozen=True):
    """End a key; it stops working within one second everywhere."""

    id: ApiKeyId
    merchant: MerchantId


class Revoked(msgspec.Struct, frozen=True):
    """The key is dead from ``at`` on; revoking it again answers the same."""

    id: ApiKeyId
    at: Instant


class Authenticate(msgspec.Struct, frozen=True):
    """A key as it came over the wire."""

    secret: str


class ApiKeyInvalid(Refusal, code="api_key_invalid", status=401):
    """The key is malformed, unknown or revoked; the three answer alike."""


class MerchantInvalid(Refusal, code="merchant_invalid", status=422):
    """A field of the merchant is not usable; ``param`` names it."""


class Identity(Protocol):
    """Merchants and their API keys. Repeating any call is safe, except that ``issue_key`` makes
    another key each time."""

    @refuses(MerchantInvalid)
    async def create_merchant(self, command: CreateMerchant) -> Merchant:
        """Create a merchant once per id."""
        ...

    @refuses(NotFound, MerchantInvalid)
    async def update_merchant(self, command: UpdateMerchant) -> Merchant:
        """Change a merchant; acts everywhere within one second."""
        ...

    @refuses(NotFound)
    async def get_merchant(self, query: GetMerchant) -> Merchant:
        """One merchant."""
        ...

    @refuses(NotFound)
    async def issue_key(self, command: IssueKey) -> IssuedKey:
        """Make a key and tell its secret, this once."""
        ...

    @refuses(NotFound)
    async def revoke_key(self, command: RevokeKey) -> Revoked:
        """End a key of this merchant; another merchant's key is not found."""
        ...

    async def list_keys(self, query: ListKeys) -> ApiKeys:
        """A merchant's keys without their secrets; an unknown merchant has none.

        Never refuses.
        """
        ...

    @refuses(ApiKeyInvalid)
    async def authenticate(self, query: Authenticate) -> Caller:
        """Say who holds a key. Suspended merchants authenticate: they may still read."""
        ...
