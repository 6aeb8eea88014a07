"""Disputes: a payer's bank takes a payment back, and the merchant answers with evidence."""

from __future__ import annotations

from enum import Enum
from typing import Literal, NewType, Protocol, TypeAlias

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound, Refusal, refuses
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.intents import BalanceTransaction, ChargeNotRefundable
from sycee.services.payments.contract.shared import (
    ChargeId,
    IdempotencyConflict,
    Metadata,
    MetadataInvalid,
    Origin,
    Page,
    PaymentId,
    TextTooLong,
)

DisputeId = NewType("DisputeId", str)
"""``dp_…``"""


class DisputeStatus(Enum):
    """Where a dispute stands. Those that begin with ``warning_`` are inquiries: no money moves."""

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"


DisputeReason: TypeAlias = Literal[
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
]
"""What the payer told the bank."""


class Evidence(msgspec.Struct, frozen=True):
    """What the merchant has to say. In updates None leaves a text, an empty one clears it."""

    access_activity_log: str | None = None
    billing_address: str | None = None
    cancellation_policy_disclosure: str | None = None
    cancellation_rebuttal: str | None = None
    customer_email_address: str | None = None
    customer_name: str | None = None
    customer_purchase_ip: str | None = None
    duplicate_charge_explanation: str | None = None
    duplicate_charge_id: str | None = None
    product_description: str | None = None
    refund_policy_disclosure: str | None = None
    refund_refusal_explanation: str | None = None
    service_date: str | None = None
    shipping_address: str | None = None
    shipping_carrier: str | None = None
    shipping_date: str | None = None
    shipping_tracking_number: str | None = None
    uncategorized_text: str | None = None


class Dispute(msgspec.Struct, frozen=True):
    """A payer's bank wants a payment back."""

    id: DisputeId
    merchant: MerchantId
    created: Instant
    livemode: bool
    charge: ChargeId
    payment: PaymentId
    amount: Money
    reason: str
    status: DisputeStatus
    due_by: Instant
    """When the chance to answer lapses."""
    brand: str
    """Of the card."""
    case: str
    """What the rail calls the dispute."""
    is_inquiry: bool = False
    """The bank only asks: nothing was taken."""
    evidence: Evidence = Evidence()
    submissions: int = 0
    """How often evidence was submitted."""
    metadata: Metadata = {}
    balance_transactions: tuple[BalanceTransaction, ...] = ()
    network_reason_code: str | None = None
    is_past_due: bool = False
    """Nobody answered in time."""


class DisputeQuery(msgspec.Struct, frozen=True):
    """Name one dispute."""

    merchant: MerchantId
    id: DisputeId


class ListDisputes(msgspec.Struct, frozen=True):
    """A merchant's disputes, newest first."""

    merchant: MerchantId
    page: Page = Page()
    payment: PaymentId | None = None
    charge: ChargeId | None = None


class DisputePage(msgspec.Struct, frozen=True):
    """One page of disputes."""

    items: tuple[Dispute, ...]
    has_more: bool


class UpdateDispute(msgspec.Struct, frozen=True):
    """Change evidence and metadata; with ``submit`` the evidence goes to the bank, once."""

    origin: Origin
    id: DisputeId
    evidence: Evidence = Evidence()
    submit: bool = False
    metadata: Metadata | None = None


class CloseDispute(msgspec.Struct, frozen=True):
    """Accept a dispute as lost."""

    origin: Origin
    id: DisputeId


class OpenDispute(msgspec.Struct, frozen=True):
    """Dispute a charge as a payer's bank would: of test mode only."""

    origin: Origin
    charge: ChargeId
    amount_minor: int | None = None
    """What is left of the charge when None or above it."""
    reason: DisputeReason = "fraudulent"
    is_inquiry: bool = False


class DisputeStateInvalid(Refusal, code="dispute_unexpected_state", status=409):
    """The dispute's status does not allow this: evidence is submitted once, an end is an end."""


class OnlyInTestMode(Refusal, code="test_mode_only", status=403):
    """Only a key of test mode may do this."""


class Disputes(Protocol):
    """Disputes. They are opened by the rail; their money moves shortly after they do."""

    @refuses(NotFound)
    async def get_dispute(self, query: DisputeQuery) -> Dispute:
        """One dispute."""
        ...

    @refuses(NotFound)
    async def list_disputes(self, query: ListDisputes) -> DisputePage:
        """A page of disputes; an unknown cursor is not found."""
        ...

    @refuses(NotFound, DisputeStateInvalid, TextTooLong, MetadataInvalid, IdempotencyConflict)
    async def update_dispute(self, command: UpdateDispute) -> Dispute:
        """Change what is said about a dispute; metadata may be changed at any time."""
        ...

    @refuses(NotFound, DisputeStateInvalid, IdempotencyConflict)
    async def close_dispute(self, command: CloseDispute) -> Dispute:
        """Give a dispute up: it is lost."""
        ...

    @refuses(NotFound, OnlyInTestMode, ChargeNotRefundable, IdempotencyConflict)
    async def open_dispute(self, command: OpenDispute) -> Dispute:
        """Open a dispute in test mode, in the way in which a notice of the rail does."""
        ...
