"""How the ``/v1`` doors word a no: Stripe's error objects, from one table."""

from __future__ import annotations

import base64
import contextlib
from typing import NamedTuple

import msgspec

from sycee.gateway.links import Links
from sycee.gateway.problems import header_fields
from sycee.gateway.request import Answer, Request
from sycee.gateway.stripe.payment_intents.render import render_for_browser, render_payment
from sycee.gateway.stripe.payment_methods import render_method
from sycee.gateway.stripe.setup_intents import render_setup
from sycee.gateway.stripe.shapes import Public
from sycee.kernel.refusal import NotFound, Refusal
from sycee.services.identity.contract import Role
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.customers import Setup
from sycee.services.payments.contract.intents import CardDeclined, Payment, PaymentQuery
from sycee.services.payments.contract.shared import PaymentId

INVALID = "invalid_request_error"
CARD = "card_error"
IDEMPOTENCY = "idempotency_error"
FAULT = "api_error"


class Wording(NamedTuple):
    """What the public error says in place of the refusal's own words; None keeps those."""

    status: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None


WORDINGS: dict[str, Wording] = {
    "not_found": Wording(404, INVALID, "resource_missing"),
    "card_declined": Wording(402, CARD),
    "invalid_number": Wording(402, CARD),
    "invalid_expiry_month": Wording(402, CARD),
    "invalid_expiry_year": Wording(402, CARD),
    "invalid_cvc": Wording(402, CARD),
    "expired_card": Wording(402, CARD),
    "card_brand_unknown": Wording(402, CARD, "invalid_number", "number"),
    "setup_declined": Wording(402, CARD, "card_declined"),
    "duplicate_payment": Wording(402, CARD, "card_declined"),
    "idempotency_conflict": Wording(400, IDEMPOTENCY, "idempotency_conflict"),
    "endpoint_idempotency_conflict": Wording(400, IDEMPOTENCY, "idempotency_conflict"),
    "idempotency_key_in_use": Wording(409, IDEMPOTENCY),
    "merchant_not_active": Wording(403, INVALID, "account_invalid"),
    "payment_intent_unexpected_state": Wording(400),
    "payment_method_missing": Wording(400, INVALID, "payment_intent_unexpected_state"),
    "payment_method_unusable": Wording(400, INVALID, "payment_method_unexpected_state"),
    "setup_intent_unexpected_state": Wording(400),
    "refund_unexpected_state": Wording(400),
    "dispute_unexpected_state": Wording(400),
    "amount_not_positive": Wording(400, INVALID, "parameter_invalid_integer"),
    "amount_too_large_to_capture": Wording(400, INVALID, "amount_too_large", "amount_to_capture"),
    "multicapture_unavailable": Wording(400, INVALID, "parameter_invalid", "final_capture"),
    "refund_exceeds_charge": Wording(400, INVALID, "amount_too_large"),
    "currency_unknown": Wording(400, INVALID, "parameter_invalid"),
    "client_secret_invalid": Wording(
        400, INVALID, "payment_intent_invalid_parameter", "client_secret"
    ),
    "metadata_invalid": Wording(400, INVALID, "parameter_invalid", "metadata"),
    "statement_descriptor_invalid": Wording(400, INVALID, "parameter_invalid"),
    "text_too_long": Wording(400, INVALID, "parameter_too_long"),
    "event_type_unknown": Wording(400, INVALID, "parameter_invalid"),
    "product_invalid": Wording(400, INVALID, "parameter_invalid"),
    "price_invalid": Wording(400, INVALID, "parameter_invalid"),
    "default_price_invalid": Wording(400, INVALID, "parameter_invalid"),
    "product_has_prices": Wording(400, INVALID),
    "lookup_key_taken": Wording(400, INVALID),
    "unavailable": Wording(503, FAULT),
    "overloaded": Wording(503, FAULT),
    "deadline_exceeded": Wording(504, FAULT),
}
"""Refusal code -> public wording. Of those not listed: 402 is a card error, 422 becomes 400."""

PARAMS = {
    "method": "payment_method",
    "payment": "payment_intent",
    "amount_minor": "amount",
    "customer_id": "customer",
}
"""The contract's name of a field -> the public one."""

_encode = msgspec.json.Encoder().encode
_decode_payment = msgspec.msgpack.Decoder(Payment).decode
_decode_setup = msgspec.msgpack.Decoder(Setup).decode


class StripeDialect:
    """Errors of ``/v1``. Those about a payment or a set-up show it."""

    def __init__(self, payments: Payments, links: Links) -> None:
        self._payments = payments
        self._links = links

    async def refused(self, request_id: str, refusal: Refusal, request: Request | None) -> Answer:
        """A refusal as an error object."""
        error = error_object(refusal, self._links, request)
        payment = await self._payment(refusal, request)
        if payment is not None:
            render = render_for_browser if _is_browser(request) else render_payment
            error["payment_intent"] = render(payment, self._links)
            if payment.last_error is not None and payment.last_error.method is not None:
                error["payment_method"] = render_method(payment.last_error.method)
        setup = refusal.facts.get("setup_snapshot")
        if setup is not None:
            shown = render_setup(_decode_setup(base64.b64decode(setup)), self._links)
            error["setup_intent"] = shown
        return error_answer(refusal, error)

    def failed(self, request_id: str) -> Answer:
        """A fault as an error object."""
        message = f"Something failed here. Tell us the request id: {request_id}."
        return Answer(500, _encode({"error": {"type": FAULT, "message": message}}))

    async def _payment(self, refusal: Refusal, request: Request | None) -> Payment | None:
        """The payment as it was when the refusal was first given, or as it is now."""
        if _is_browser(request) and not isinstance(refusal, CardDeclined):
            # Others may come before the client secret was shown to be known.
            return None
        snapshot = refusal.facts.get("snapshot")
        if snapshot is not None:
            return _decode_payment(base64.b64decode(snapshot))
        payment = refusal.facts.get("payment")
        if payment is None or request is None or request.caller is None:
            return None
        with contextlib.suppress(NotFound):
            query = PaymentQuery(request.merchant, PaymentId(payment))
            return await self._payments.get_payment(query)
        return None


def _is_browser(request: Request | None) -> bool:
    caller = request.caller if request is not None else None
    return caller is not None and caller.role is Role.PUBLISHABLE


def error_object(refusal: Refusal, links: Links, request: Request | None = None) -> Public:
    """The error without the objects that it is about."""
    wording = WORDINGS.get(refusal.code, Wording())
    status = public_status(refusal)
    code = refusal.facts.get("error_code") or wording.code or refusal.code
    error: Public = {
        "type": wording.type or (CARD if status == 402 else INVALID if status < 500 else FAULT),
        "code": code,
        "message": refusal.detail,
        "doc_url": links.error(code),
    }
    param = wording.param or _param(refusal, request)
    if param is not None:
        error["param"] = param
    for fact in ("decline_code", "charge"):
        if fact in refusal.facts:
            error[fact] = refusal.facts[fact]
    return error


def error_answer(refusal: Refusal, error: Public) -> Answer:
    """The error as JSON, with the header fields that its status asks for."""
    return Answer(public_status(refusal), _encode({"error": error}), headers=header_fields(refusal))


def public_status(refusal: Refusal | type[Refusal]) -> int:
    """The HTTP status that Stripe's SDKs expect."""
    worded = WORDINGS.get(refusal.code, Wording()).status
    return worded or (400 if refusal.status == 422 else refusal.status)


def _param(refusal: Refusal, request: Request | None) -> str | None:
    """The field at fault; for an object that is not there, the variable part of the path."""
    if refusal.param is not None:
        return PARAMS.get(refusal.param, refusal.param)
    if isinstance(refusal, NotFound) and request is not None and request.arguments:
        return list(request.arguments)[-1]
    return None
