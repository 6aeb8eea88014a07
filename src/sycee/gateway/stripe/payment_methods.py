"""``/v1/payment_methods``, and a customer's own."""

from __future__ import annotations

from sycee.gateway.stripe.shapes import Public, render_billing, unix
from sycee.services.payments.contract.customers import Card, Method

DISPLAY_BRANDS = {"amex": "american_express", "diners": "diners_club", "unionpay": "union_pay"}


def render_method(method: Method) -> Public:
    """A method as the public ``payment_method`` object."""
    return {
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": method.allow_redisplay,
        "billing_details": render_billing(method.billing),
        "card": _card(method.card),
        "created": unix(method.created),
        "customer": method.customer,
        "customer_account": None,
        "livemode": method.livemode,
        "metadata": method.metadata,
        "radar_options": {},
        "type": method.type,
    }


def _card(card: Card) -> Public:
    return {
        "brand": card.brand,
        "checks": card_checks(card),
        "country": card.country,
        "display_brand": DISPLAY_BRANDS.get(card.brand, card.brand),
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def card_checks(card: Card) -> Public:
    """What the issuer compared."""
    return {
        "address_line1_check": None,
        "address_postal_code_check": None,
        "cvc_check": card.cvc_check,
    }
