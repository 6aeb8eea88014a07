"""Builds fraud: its rules from the settings, its memory from the database."""

from __future__ import annotations

import asyncio

import msgspec

from sycee.runtime.host import Host, Profile
from sycee.services.fraud.contract import Fraud
from sycee.services.fraud.domain import Thresholds, VelocityRule, VelocityRules
from sycee.services.fraud.service import FraudService


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the fraud service.

    A velocity limit of 0 switches its rule off; left out, it is off in the dev profile, where one
    test card pays thousands of times, and as described below in production.
    """

    challenge_from: int = 500
    """Score from which on the payer must prove who they are."""
    review_from: int = 700
    """Score from which on a person should look at the payment."""
    decline_from: int = 900
    """Score from which on a payment is declined."""
    velocity_card_per_hour: int | None = None
    """Attempts of one card with one merchant within an hour; 10 in production."""
    velocity_customer_per_hour: int | None = None
    """Attempts of one customer within an hour; 20 in production."""
    velocity_ip_per_hour: int | None = None
    """Attempts from one address with one merchant within an hour; 100 in production."""
    velocity_merchant_minor_per_hour: int | None = None
    """Amount of one merchant in one currency within an hour, in minor units; 0 in production."""
    write_every_s: float = 0.25
    """Seconds for which judgements gather before they are written; a crash loses as much."""

    def __post_init__(self) -> None:
        if not 0 < self.challenge_from < self.review_from < self.decline_from <= 1000:
            raise ValueError("thresholds must rise: challenge_from, review_from, decline_from")


async def build(host: Host, settings: Settings) -> Fraud:
    """Block lists and velocity over this host's database."""
    service = FraudService(
        await host.database("fraud"),
        host.clock,
        Thresholds(settings.challenge_from, settings.review_from, settings.decline_from),
        _rules(settings, host.profile),
    )
    await service.begin()

    async def write_down() -> None:
        try:
            while True:
                await asyncio.sleep(settings.write_every_s)
                await service.write_down()
        finally:
            await service.write_down()

    host.job("fraud.write_down", write_down)
    return service


def _rules(settings: Settings, profile: Profile) -> VelocityRules:
    def limit(configured: int | None, in_production: int) -> int:
        if configured is not None:
            return configured
        return in_production if profile is Profile.PRODUCTION else 0

    card = limit(settings.velocity_card_per_hour, 10)
    customer = limit(settings.velocity_customer_per_hour, 20)
    ip = limit(settings.velocity_ip_per_hour, 100)
    merchant = limit(settings.velocity_merchant_minor_per_hour, 0)
    return VelocityRules(
        card=VelocityRule("velocity_card", card, 500, "attempts of this card"),
        customer=VelocityRule("velocity_customer", customer, 400, "attempts of this customer"),
        ip=VelocityRule("velocity_ip", ip, 500, "attempts from this address"),
        merchant=VelocityRule("velocity_merchant", merchant, 300, "minor units of this merchant"),
    )
