"""``/v1/charges``: retrieve, update, list. Charges are made by payment intents."""

from __future__ import annotations

from typing import Literal

import msgspec

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.expand import Expander
from sycee.gateway.stripe.pages import DatedPaging, page
from sycee.gateway.stripe.payment_methods import card_checks
from sycee.gateway.stripe.shapes import (
    Expanding,
    Id,
    MetadataGiven,
    Public,
    ShippingGiven,
    Text,
    changed_metadata,
    listing,
    render_billing,
    render_shipping,
    shipping,
    unix,
)
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.intents import (
    Charge,
    ChargeQuery,
    ListCharges,
    Outcome,
    UpdateCharge,
)
from sycee.services.payments.contract.shared import (
    ChargeId,
    CustomerId,
    Metadata,
    PaymentId,
)

PATH = "/v1/charges"
ONE = PATH + "/{id}"


class Reported(msgspec.Struct, frozen=True):
    """What the merchant says about fraud."""

    user_report: Literal["fraudulent", "safe", ""]


class Updating(Expanding, frozen=True, kw_only=True):
    """Parameters of update."""

    customer: Id | None = None
    description: Text | None = None
    fraud_details: Reported | None = None
    metadata: MetadataGiven = None
    receipt_email: Text | None = None
    shipping: ShippingGiven = None


class Listing(DatedPaging, frozen=True, kw_only=True):
    """Parameters of list."""

    customer: Id | None = None
    payment_intent: Id | None = None


class Charges:
    """The operations on charges."""

    def __init__(self, payments: Payments, expander: Expander) -> None:
        self._payments = payments
        self._expander = expander
        expander.fetches("charge", self.fetch)

    async def fetch(self, request: Request, id: str) -> Public:
        """One charge, to be shown inside another object."""
        query = ChargeQuery(request.merchant, ChargeId(id))
        return render_charge(await self._payments.get_charge(query))

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            route(f"GET {PATH}", self.list_page, Listing, answers="list of charge"),
            route(f"GET {ONE}", self.retrieve, Expanding, answers="charge"),
            route(f"POST {ONE}", self.update, Updating, answers="charge"),
        ]

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve a charge."""
        public = await self.fetch(request, _id(request))
        return await self._expander.shown(request, public, given.expand)

    async def update(self, request: Request, given: Updating) -> Answer:
        """Update what is noted on a charge."""
        reported = given.fraud_details
        command = UpdateCharge(
            request.origin(),
            _id(request),
            given.description,
            given.receipt_email,
            await changed_metadata(given.metadata, lambda: self._metadata(request)),
            None if given.customer is None else CustomerId(given.customer),
            shipping(given.shipping),
            None if reported is None else {"user_report": reported.user_report},
        )
        public = render_charge(await self._payments.update_charge(command))
        return await self._expander.shown(request, public, given.expand)

    async def list_page(self, request: Request, given: Listing) -> Answer:
        """List charges, newest first."""
        found = await self._payments.list_charges(
            ListCharges(
                request.merchant,
                page(given),
                None if given.payment_intent is None else PaymentId(given.payment_intent),
                None if given.customer is None else CustomerId(given.customer),
            )
        )
        public = listing(PATH, found.items, found.has_more, render_charge)
        return await self._expander.shown(request, public, given.expand)

    async def _metadata(self, request: Request) -> Metadata:
        query = ChargeQuery(request.merchant, _id(request))
        return (await self._payments.get_charge(query)).metadata


def render_charge(charge: Charge) -> Public:
    """A charge as the public ``charge`` object."""
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount.minor,
        "amount_captured": charge.amount_captured_minor,
        "amount_refunded": charge.amount_refunded_minor,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": charge.balance_transaction,
        "billing_details": render_billing(charge.billing),
        "calculated_statement_descriptor": _descriptor(charge),
        "captured": charge.captured,
        "created": unix(charge.created),
        "currency": charge.amount.currency.lower(),
        "customer": charge.customer,
        "description": charge.description,
        "disputed": charge.disputed,
        "failure_balance_transaction": None,
        "failure_code": charge.failure_code,
        "failure_message": charge.failure_message,
        "fraud_details": charge.fraud_details,
        "livemode": charge.livemode,
        "metadata": charge.metadata,
        "on_behalf_of": None,
        "outcome": _outcome(charge.outcome),
        "paid": charge.status == "succeeded",
        "payment_intent": charge.payment,
        "payment_method": charge.method.id,
        "payment_method_details": {"card": _card(charge), "type": "card"},
        "radar_options": {},
        "receipt_email": charge.receipt_email,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": charge.captured
        and charge.amount_refunded_minor >= charge.amount_captured_minor,
        "refunds": None,
        "review": None,
        "shipping": render_shipping(charge.shipping),
        "source_transfer": None,
        "statement_descriptor": charge.statement_descriptor,
        "statement_descriptor_suffix": charge.statement_descriptor_suffix,
        "status": charge.status,
        "transfer_data": None,
        "transfer_group": None,
    }


def _descriptor(charge: Charge) -> str | None:
    """What the payer reads on a statement: prefix and suffix in 22 characters."""
    parts = [charge.statement_descriptor, charge.statement_descriptor_suffix]
    return "* ".join(part for part in parts if part)[:22].upper() or None


def _outcome(outcome: Outcome) -> Public:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": outcome.network_status,
        "reason": outcome.reason,
        "risk_level": outcome.risk_level,
        "risk_score": outcome.risk_score // 10,
        "seller_message": outcome.seller_message,
        "type": outcome.type,
    }


def _card(charge: Charge) -> Public:
    card = charge.method.card
    public: Public = {
        "amount_authorized": charge.amount.minor,
        "authorization_code": charge.authorization_code,
        "brand": card.brand,
        "checks": card_checks(card),
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "available" if charge.is_multicapture else "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {
            "maximum_amount_capturable": charge.amount.minor,
            "status": "unavailable",
        },
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }
    if charge.capture_before is not None:
        public["capture_before"] = unix(charge.capture_before)
    return public


def _id(request: Request) -> ChargeId:
    return ChargeId(request.arguments["id"])
