"""``/v1/disputes``: retrieve, update, submit evidence, close, list."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Priority, Route, route
from sycee.gateway.stripe.balance import render_transaction
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.shapes import (
    Amount,
    Expanding,
    Id,
    MetadataGiven,
    Public,
    Text,
    changed_metadata,
    listing,
    unix,
)
from sycee.kernel.clock import seconds
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.disputes import (
    CloseDispute,
    Dispute,
    DisputeId,
    DisputeQuery,
    DisputeReason,
    DisputeStatus,
    Evidence,
    ListDisputes,
    OpenDispute,
    UpdateDispute,
)
from sycee.services.payments.contract.shared import ChargeId, Metadata, PaymentId

PATH = "/v1/disputes"
ONE = PATH + "/{id}"

LongText = Annotated[str, Meta(max_length=20_000)]

FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
"""Evidence that would be files; they are always null."""


class EvidenceGiven(msgspec.Struct, frozen=True):
    """What the merchant has to say; an empty text clears."""

    access_activity_log: LongText | None = None
    billing_address: Text | None = None
    cancellation_policy_disclosure: LongText | None = None
    cancellation_rebuttal: LongText | None = None
    customer_email_address: Text | None = None
    customer_name: Text | None = None
    customer_purchase_ip: Text | None = None
    duplicate_charge_explanation: LongText | None = None
    duplicate_charge_id: Text | None = None
    product_description: LongText | None = None
    refund_policy_disclosure: LongText | None = None
    refund_refusal_explanation: LongText | None = None
    service_date: Text | None = None
    shipping_address: Text | None = None
    shipping_carrier: Text | None = None
    shipping_date: Text | None = None
    shipping_tracking_number: Text | None = None
    uncategorized_text: LongText | None = None


class Updating(Expanding, frozen=True, kw_only=True):
    """Parameters of update. Evidence is submitted unless ``submit`` says otherwise."""

    evidence: EvidenceGiven | None = None
    metadata: MetadataGiven = None
    submit: bool | None = None


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    charge: Id | None = None
    payment_intent: Id | None = None


Kind: TypeAlias = Literal["chargeback", "inquiry"]


class Opening(Expanding, frozen=True, kw_only=True):
    """Parameters of the test helper that opens a dispute."""

    amount: Amount | None = None
    case_type: Kind = "chargeback"
    reason: DisputeReason = "fraudulent"


class Disputes:
    """The operations on disputes."""

    def __init__(self, payments: Payments, expander: Expander) -> None:
        self._payments = payments
        self._expander = expander
        expander.fetches("dispute", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One dispute, to be shown inside another object."""
        query = DisputeQuery(request.merchant, DisputeId(id))
        return render_dispute(await self._payments.get_dispute(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        settle = Priority.SETTLE
        helper = "POST /api/test_helpers/charges/{id}/dispute"
        return [
            route(f"GET {PATH}", self.list_page, Listing, answers="list of dispute"),
            route(f"GET {ONE}", self.retrieve, Expanding, answers="dispute"),
            route(f"POST {ONE}", self.update, Updating, answers="dispute", priority=settle),
            route(f"POST {ONE}/close", self.close, Expanding, answers="dispute", priority=settle),
            route(helper, self.open, Opening, answers="dispute"),
        ]

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a dispute."""
        public = await self.fetch(request, _id(request))
        return await self._expander.shown(request, public, given.expand)

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update a dispute's evidence and metadata, and submit the evidence."""
        metadata = await changed_metadata(given.metadata, lambda: self._metadata(request))
        evidence = given.evidence or EvidenceGiven()
        command = UpdateDispute(
            request.origin(),
            _id(request),
            Evidence(**msgspec.structs.asdict(evidence)),
            given.evidence is not None if given.submit is None else given.submit,
            metadata,
        )
        public = render_dispute(await self._payments.update_dispute(command))
        return await self._expander.shown(request, public, given.expand)

    async def close(self, request: Request, given: Expanding) -> Answer:
        """Accept a dispute as lost."""
        command = CloseDispute(request.origin(), _id(request))
        public = render_dispute(await self._payments.close_dispute(command))
        return await self._expander.shown(request, public, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List disputes, newest first."""
        found = await self._payments.list_disputes(
            ListDisputes(
                request.merchant,
                page(given),
                None if given.payment_intent is None else PaymentId(given.payment_intent),
                None if given.charge is None else ChargeId(given.charge),
            )
        )
        public = listing(PATH, found.items, found.has_more, render_dispute)
        return await self._expander.shown(request, public, given.expand)

    async def open(self, request: Request, given: Opening) -> Answer:
        """Dispute a charge of test mode, as its payer's bank would."""
        command = OpenDispute(
            request.origin(),
            ChargeId(request.arguments["id"]),
            given.amount,
            given.reason,
            given.case_type == "inquiry",
        )
        public = render_dispute(await self._payments.open_dispute(command))
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> Metadata:
        query = DisputeQuery(request.merchant, _id(request))
        return (await self._payments.get_dispute(query)).metadata


def render_dispute(dispute: Dispute) -> Public:
    """A dispute as the public ``dispute`` object."""
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount.minor,
        "balance_transactions": [render_transaction(each) for each in dispute.balance_transactions],
        "charge": dispute.charge,
        "created": unix(dispute.created),
        "currency": dispute.amount.currency.lower(),
        "enhanced_eligibility_types": [],
        "evidence": _evidence(dispute.evidence),
        "evidence_details": {
            "due_by": seconds(dispute.due_by),
            "enhanced_eligibility": {},
            "has_evidence": dispute.evidence != Evidence(),
            "past_due": dispute.is_past_due,
            "submission_count": dispute.submissions,
        },
        "is_charge_refundable": _is_refundable(dispute),
        "livemode": dispute.livemode,
        "metadata": dispute.metadata,
        "payment_intent": dispute.payment,
        "payment_method_details": {
            "card": {
                "brand": dispute.brand,
                "case_type": "inquiry" if dispute.is_inquiry else "chargeback",
                "network_reason_code": dispute.network_reason_code,
            },
            "type": "card",
        },
        "reason": dispute.reason,
        "status": dispute.status.value,
    }


def _evidence(evidence: Evidence) -> Public:
    files = dict.fromkeys(FILES)
    return {**msgspec.structs.asdict(evidence), **files, "enhanced_evidence": {}}


def _is_refundable(dispute: Dispute) -> bool:
    """Whether the disputed amount can still be refunded: nobody holds it back."""
    return dispute.is_inquiry or dispute.status is DisputeStatus.WON


def _id(request: Request) -> DisputeId:
    return DisputeId(request.arguments["id"])
