"""Words that all parts of the payments contract use: ids, pages, idempotency."""

from __future__ import annotations

from typing import Literal, NewType, TypeAlias

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Refusal
from sycee.services.identity.contract import MerchantId

PaymentId = NewType("PaymentId", str)
"""``pi_…``"""
ChargeId = NewType("ChargeId", str)
"""``ch_…``"""
RefundId = NewType("RefundId", str)
"""``re_…``"""
CustomerId = NewType("CustomerId", str)
"""``cus_…``"""
MethodId = NewType("MethodId", str)
"""``pm_…``"""
SetupId = NewType("SetupId", str)
"""``seti_…``"""
BalanceTransactionId = NewType("BalanceTransactionId", str)
"""``txn_…``"""
AttemptId = NewType("AttemptId", str)
"""``att_…``: one try to move money over a rail; also the rail's idempotency key."""


class Origin(msgspec.Struct, frozen=True):
    """Where a command comes from: it scopes, traces and makes repetition safe.

    With an ``idempotency_key``, the first call's outcome, answer or refusal, is kept with the
    ``request_hash``; a repetition gets the same outcome and changes nothing. Keys are scoped to the
    merchant and kept at least 24 hours.
    """

    merchant: MerchantId
    livemode: bool = False
    request: str | None = None
    """``req_…`` of the public request."""
    idempotency_key: str | None = None
    request_hash: bytes = b""
    """Digest of method, path and parameters; compared on repetition."""
    ip: str | None = None
    """The payer's address where the door knows it."""


class Page(msgspec.Struct, frozen=True):
    """A cursor page, newest first: up to ``limit`` objects after or before the named one."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    created_from: Instant | None = None
    """Inclusive."""
    created_to: Instant | None = None
    """Exclusive."""


class Address(msgspec.Struct, frozen=True):
    """A postal address, as given."""

    city: str | None = None
    country: str | None = None
    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    state: str | None = None


class Shipping(msgspec.Struct, frozen=True):
    """Where goods go."""

    address: Address = Address()
    name: str | None = None
    phone: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None


class BillingDetails(msgspec.Struct, frozen=True):
    """Who a payment method belongs to, as given."""

    address: Address = Address()
    email: str | None = None
    name: str | None = None
    phone: str | None = None


Confirmation: TypeAlias = Literal["automatic", "manual"]
"""Whether a payment is confirmed by anybody who may, or by the merchant's server alone."""
Redirects: TypeAlias = Literal["always", "never"]
"""Whether methods that are chosen automatically may lead the payer elsewhere."""
Usage: TypeAlias = Literal["off_session", "on_session"]
"""Whether a kept method will pay while the payer is away."""
UsageChange: TypeAlias = Literal[Usage, ""]
"""An empty text clears it."""
Redisplay: TypeAlias = Literal["always", "limited", "unspecified"]
"""Whether a kept method may be shown to its customer again."""
RefundReason: TypeAlias = Literal["duplicate", "fraudulent", "requested_by_customer"]
CancelReason: TypeAlias = Literal[RefundReason, "abandoned"]
Requesting: TypeAlias = Literal["if_available", "never"]
"""Whether something that not every card offers is asked for."""
SetupCancelReason: TypeAlias = Literal["abandoned", "duplicate", "requested_by_customer"]

Metadata = dict[str, str]
"""At most 50 keys of 40 characters with values of 500. In updates an empty value removes a key."""


class MetadataInvalid(Refusal, code="metadata_invalid", status=422):
    """``metadata`` has too many keys, or a key or value that is too long."""


class TextTooLong(Refusal, code="text_too_long", status=422):
    """A text field, named by ``param``, is longer than may be kept."""


class IdempotencyConflict(Refusal, code="idempotency_conflict", status=409):
    """The idempotency key was used before with other parameters."""


class IdempotencyInFlight(Refusal, code="idempotency_key_in_use", status=409):
    """A request with the same idempotency key is still being worked on; ask again."""
