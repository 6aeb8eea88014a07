"""``/api/limits``: how much and how often may be paid; operators set it, merchants see its use."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import OPERATORS, Empty, Route, route
from sycee.gateway.stripe.shapes import Amount, Id, Public, answer, unix
from sycee.services.identity.contract import GetMerchant, Identity, MerchantId
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.shared import CustomerId
from sycee.services.payments.contract.velocity import (
    LimitUse,
    ListVelocityVersions,
    Per,
    Period,
    SetVelocityLimits,
    VelocityLimit,
    VelocityLimits,
    VelocityLimitsQuery,
    VelocityUse,
    VelocityUseQuery,
)

OWN = "/api/limits"
ONE = "/api/merchants/{merchant}/limits"


class LimitGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One limit: of payments that fit its method and currency, each or all within a period."""

    period: Period
    per: Per = "merchant"
    method: Id | None = None
    currency: Annotated[str, Meta(max_length=3)] | None = None
    amount_min: Amount | None = None
    amount_max: Amount | None = None
    count_max: Amount | None = None


class SettingLimits(msgspec.Struct, frozen=True):
    """All limits; they replace those there are."""

    limits: list[LimitGiven]
    replaces: int | None = None


class ListingVersions(msgspec.Struct, frozen=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class AskingUse(msgspec.Struct, frozen=True):
    """Whose use, of limits per customer and per card."""

    customer: Id | None = None
    card: Id | None = None


class VelocityDoor:
    """Limits and their use."""

    def __init__(self, payments: Payments, identity: Identity) -> None:
        self._payments = payments
        self._identity = identity

    def routes(self) -> list[Route]:
        """Their routes."""
        who, scope, name = OPERATORS, "merchants", "velocity_limits"
        past, many = f"GET {ONE}/versions", f"list of {name}"
        return [
            route(f"POST {ONE}", self.set, SettingLimits, answers=name, roles=who, scope=scope),
            route(f"GET {ONE}", self.retrieve, Empty, answers=name, roles=who, scope=scope),
            route(past, self.list_all, ListingVersions, answers=many, roles=who, scope=scope),
            route(f"GET {OWN}", self.use, AskingUse, answers="velocity_use"),
        ]

    async def set(self, request: Request, given: SettingLimits) -> Answer:
        """Replace a merchant's limits; they act within a second everywhere."""
        merchant = await self._merchant(request)
        assert request.caller is not None, "only operators come here"
        command = SetVelocityLimits(
            merchant, tuple(map(_limit, given.limits)), request.caller.key, given.replaces
        )
        return answer(render_limits(await self._payments.set_velocity_limits(command)))

    async def retrieve(self, request: Request, given: Empty) -> Answer:
        """Retrieve a merchant's limits."""
        query = VelocityLimitsQuery(await self._merchant(request))
        return answer(render_limits(await self._payments.get_velocity_limits(query)))

    async def list_all(self, request: Request, given: ListingVersions) -> Answer:
        """List every version of a merchant's limits, newest first."""
        query = ListVelocityVersions(await self._merchant(request), given.limit)
        found = await self._payments.list_velocity_versions(query)
        data = [render_limits(each) for each in found.versions]
        return answer({"object": "list", "data": data, "has_more": False, "url": request.path})

    async def use(self, request: Request, given: AskingUse) -> Answer:
        """Show how far the own limits are used, in the key's mode."""
        customer = None if given.customer is None else CustomerId(given.customer)
        assert request.caller is not None, "strangers have no limits"
        query = VelocityUseQuery(request.merchant, request.caller.livemode, customer, given.card)
        return answer(render_use(await self._payments.get_velocity_use(query)))

    async def _merchant(self, request: Request) -> MerchantId:
        """The merchant of the path, who must be there."""
        id = MerchantId(request.arguments["merchant"])
        return (await self._identity.get_merchant(GetMerchant(id))).id


def render_limits(limits: VelocityLimits) -> Public:
    """One version of a merchant's limits."""
    return {
        "object": "velocity_limits",
        "merchant": limits.merchant,
        "version": limits.version,
        "limits": [_render_limit(each) for each in limits.limits],
        "created": unix(limits.created),
        "author": limits.author,
    }


def render_use(use: VelocityUse) -> Public:
    """A merchant's limits as they are used."""
    return {
        "object": "velocity_use",
        "merchant": use.merchant,
        "version": use.version,
        "limits": [_render_used(each) for each in use.uses],
    }


def _render_used(use: LimitUse) -> Public:
    return {
        **_render_limit(use.limit),
        "begins": unix(use.begins),
        "ends": unix(use.ends),
        "count": use.count,
        "amount": use.amount_minor,
    }


def _render_limit(limit: VelocityLimit) -> Public:
    return {
        "period": limit.period,
        "per": limit.per,
        "method": limit.method,
        "currency": limit.currency,
        "amount_min": limit.amount_minor_min,
        "amount_max": limit.amount_minor_max,
        "count_max": limit.count_max,
    }


def _limit(given: LimitGiven) -> VelocityLimit:
    return VelocityLimit(
        given.period,
        given.per,
        given.method,
        None if given.currency is None else given.currency.upper(),
        given.amount_min,
        given.amount_max,
        given.count_max,
    )
