"""``/v1/account``: the merchant itself."""

from __future__ import annotations

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.shapes import Expanding, Public, answer, unix
from sycee.services.identity.contract import Merchant, MerchantStatus


class Accounts:
    """One operation; merchants are made by the installation's operator."""

    def routes(self) -> list[Route]:
        """Its route."""
        return [
            route("GET /v1/account", self.retrieve, Expanding, answers="account", scope="account")
        ]

    async def retrieve(self, request: Request, given: Expanding) -> Answer:
        """Retrieve the merchant whose key is used."""
        assert request.caller is not None
        return answer(render_account(request.caller.merchant))


def render_account(merchant: Merchant) -> Public:
    """A merchant as the public ``account`` object."""
    active = merchant.status is MerchantStatus.ACTIVE
    return {
        "id": merchant.id,
        "object": "account",
        "business_profile": _profile(merchant),
        "business_type": None,
        "capabilities": {"card_payments": "active" if active else "inactive"},
        "charges_enabled": active,
        "controller": {"type": "account"},
        "country": merchant.country,
        "created": unix(merchant.created),
        "default_currency": merchant.default_currency.lower(),
        "details_submitted": True,
        "email": None,
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{merchant.id}/external_accounts",
        },
        "future_requirements": _requirements(),
        "groups": None,
        "metadata": {},
        "payouts_enabled": False,
        "requirements": _requirements(),
        "settings": None,
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }


def _profile(merchant: Merchant) -> Public:
    unknown = ("annual_revenue", "estimated_worker_count", "mcc", "product_description")
    support = ("support_address", "support_email", "support_phone", "support_url", "url")
    return {
        "name": merchant.name,
        "minority_owned_business_designation": None,
        **dict.fromkeys((*unknown, *support)),
    }


def _requirements() -> Public:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }
