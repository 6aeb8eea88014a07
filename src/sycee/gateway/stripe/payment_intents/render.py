"""A payment as the public ``payment_intent`` object."""

from __future__ import annotations

from sycee.gateway.links import Links
from sycee.gateway.stripe.payment_methods import render_method
from sycee.gateway.stripe.shapes import Public, render_shipping, unix
from sycee.services.payments.contract.intents import NextAction, Payment, PaymentError

BROWSER_KEYS = (
    "id",
    "object",
    "amount",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "status",
)
"""What a browser that knows the client secret may see."""

_CARD_OPTIONS: Public = {
    "installments": None,
    "mandate_options": None,
    "network": None,
    "request_three_d_secure": "automatic",
}


def render_payment(payment: Payment, links: Links) -> Public:
    """All of it."""
    return {
        "id": payment.id,
        "object": "payment_intent",
        "amount": payment.amount.minor,
        "amount_capturable": payment.amount_capturable_minor,
        "amount_details": {"tip": {}},
        "amount_received": payment.amount_received_minor,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": _automatic(payment.automatic_methods),
        "canceled_at": unix(payment.canceled_at),
        "cancellation_reason": payment.cancellation_reason,
        "capture_method": payment.capture_method.value,
        "client_secret": payment.client_secret,
        "confirmation_method": payment.confirmation_method,
        "created": unix(payment.created),
        "currency": payment.amount.currency.lower(),
        "customer": payment.customer,
        "customer_account": None,
        "description": payment.description,
        "excluded_payment_method_types": None,
        "last_payment_error": _error(payment.last_error, links),
        "latest_charge": payment.latest_charge,
        "livemode": payment.livemode,
        "managed_payments": None,
        "metadata": payment.metadata,
        "next_action": _next_action(payment.next_action, links),
        "on_behalf_of": None,
        "payment_details": {"customer_reference": None, "order_reference": None},
        "payment_method": payment.method,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": _card_options(payment)},
        "payment_method_types": payment.method_types,
        "processing": None,
        "receipt_email": payment.receipt_email,
        "review": None,
        "setup_future_usage": payment.setup_future_usage,
        "shipping": render_shipping(payment.shipping),
        "statement_descriptor": payment.statement_descriptor,
        "statement_descriptor_suffix": payment.statement_descriptor_suffix,
        "status": payment.status.value,
        "transfer_data": None,
        "transfer_group": None,
    }


def render_for_browser(payment: Payment, links: Links) -> Public:
    """The part that a publishable key may read."""
    public = render_payment(payment, links)
    return {key: public[key] for key in BROWSER_KEYS}


def _card_options(payment: Payment) -> Public:
    if payment.multicapture is None:
        return _CARD_OPTIONS
    return _CARD_OPTIONS | {"request_multicapture": payment.multicapture}


def _automatic(redirects: str | None) -> Public | None:
    return None if redirects is None else {"allow_redirects": redirects, "enabled": True}


def _error(error: PaymentError | None, links: Links) -> Public | None:
    if error is None:
        return None
    public: Public = {
        "type": "card_error",
        "code": error.code,
        "message": error.message,
        "doc_url": links.error(error.code),
    }
    if error.decline_code is not None:
        public["decline_code"] = error.decline_code
    if error.charge is not None:
        public["charge"] = error.charge
    if error.method is not None:
        public["payment_method"] = render_method(error.method)
    return public


def _next_action(action: NextAction | None, links: Links) -> Public | None:
    if action is None:
        return None
    redirect = {"return_url": action.return_url, "url": links.absolute(action.url)}
    return {"type": "redirect_to_url", "redirect_to_url": redirect}
