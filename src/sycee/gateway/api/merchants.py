"""``/api/merchants``: what the installation's operator does; an operator's key moves no money."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import OPERATORS, Empty, Route, route
from sycee.gateway.stripe.shapes import Id, Public, Text, answer, unix
from sycee.services.identity.contract import (
    ApiKey,
    ApiKeyId,
    CreateMerchant,
    GetMerchant,
    Identity,
    IssueKey,
    Limits,
    ListKeys,
    Merchant,
    MerchantId,
    MerchantStatus,
    RevokeKey,
    Role,
    UpdateMerchant,
)

PATH = "/api/merchants"
ONE = PATH + "/{merchant}"
KEYS = ONE + "/keys"


class CreatingMerchant(msgspec.Struct, frozen=True):
    """A new merchant; the same id again answers the merchant that exists."""

    id: Id
    name: Text
    country: Annotated[str, Meta(max_length=2)] = "US"
    default_currency: Annotated[str, Meta(max_length=3)] = "USD"
    limits: Limits = Limits()


class UpdatingMerchant(msgspec.Struct, frozen=True):
    """A new status or new limits."""

    status: MerchantStatus | None = None
    limits: Limits | None = None


class IssuingKey(msgspec.Struct, frozen=True):
    """A new key. Operators' keys are not made over the network."""

    role: Literal["secret", "publishable", "read_only"] = "secret"
    livemode: bool = False
    scopes: list[Id] | None = None


class Merchants:
    """Merchants and their keys."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def routes(self) -> list[Route]:
        """Their routes."""
        who, scope, one = OPERATORS, "merchants", "merchant"
        revoke, keys = f"DELETE {KEYS}/{{key}}", "list of api_key"
        return [
            route(
                f"POST {PATH}", self.create, CreatingMerchant, answers=one, roles=who, scope=scope
            ),
            route(f"GET {ONE}", self.retrieve, Empty, answers=one, roles=who, scope=scope),
            route(
                f"POST {ONE}", self.update, UpdatingMerchant, answers=one, roles=who, scope=scope
            ),
            route(
                f"POST {KEYS}", self.issue, IssuingKey, answers="issued_key", roles=who, scope=scope
            ),
            route(f"GET {KEYS}", self.list_keys, Empty, answers=keys, roles=who, scope=scope),
            route(revoke, self.revoke, Empty, answers="revoked_key", roles=who, scope=scope),
        ]

    async def create(self, request: Request, given: CreatingMerchant) -> Answer:
        """Create a merchant, once per id."""
        command = CreateMerchant(
            MerchantId(given.id), given.name, given.country, given.default_currency, given.limits
        )
        return answer(render_merchant(await self._identity.create_merchant(command)))

    async def retrieve(self, request: Request, given: Empty) -> Answer:
        """Retrieve a merchant."""
        merchant = await self._identity.get_merchant(GetMerchant(_merchant(request)))
        return answer(render_merchant(merchant))

    async def update(self, request: Request, given: UpdatingMerchant) -> Answer:
        """Suspend a merchant, let it work again, or change its limits."""
        command = UpdateMerchant(_merchant(request), given.status, given.limits)
        return answer(render_merchant(await self._identity.update_merchant(command)))

    async def issue(self, request: Request, given: IssuingKey) -> Answer:
        """Make an API key; only this answer tells its secret."""
        issued = await self._identity.issue_key(
            IssueKey(
                _merchant(request), Role(given.role), given.livemode, tuple(given.scopes or ())
            )
        )
        return answer({"id": issued.id, "object": "issued_key", "secret": issued.secret})

    async def list_keys(self, request: Request, given: Empty) -> Answer:
        """List a merchant's keys, without their secrets."""
        found = await self._identity.list_keys(ListKeys(_merchant(request)))
        data = [render_key(key) for key in found.keys]
        return answer({"object": "list", "data": data, "has_more": False, "url": request.path})

    async def revoke(self, request: Request, given: Empty) -> Answer:
        """End a key; within a second it works nowhere."""
        command = RevokeKey(ApiKeyId(request.arguments["key"]), _merchant(request))
        revoked = await self._identity.revoke_key(command)
        return answer({"id": revoked.id, "object": "revoked_key", "revoked": unix(revoked.at)})


def render_merchant(merchant: Merchant) -> Public:
    """A merchant as its operator sees it."""
    limits = merchant.limits
    return {
        "id": merchant.id,
        "object": "merchant",
        "name": merchant.name,
        "country": merchant.country,
        "default_currency": merchant.default_currency,
        "status": merchant.status.value,
        "limits": {
            "amount_minor_max": limits.amount_minor_max,
            "duplicate_window_s": limits.duplicate_window_s,
            "currencies": limits.currencies,
            "reads_per_s": limits.reads_per_s,
            "writes_per_s": limits.writes_per_s,
        },
        "created": unix(merchant.created),
    }


def render_key(key: ApiKey) -> Public:
    """What is known of a key after its secret was told."""
    return {
        "id": key.id,
        "object": "api_key",
        "role": key.role.value,
        "livemode": key.livemode,
        "scopes": key.scopes,
        "created": unix(key.created),
        "last_used": unix(key.last_used),
        "revoked": unix(key.revoked),
    }


def _merchant(request: Request) -> MerchantId:
    return MerchantId(request.arguments["merchant"])
