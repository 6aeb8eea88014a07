"""Limits on how much, and how often, a merchant, a customer or a card may pay within a time."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import CurrencyUnknown
from sycee.kernel.refusal import Refusal, refuses
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.shared import CustomerId

Per: TypeAlias = Literal["merchant", "customer", "card"]
"""Whose payments are counted together. A payment without a customer counts for none."""
Period: TypeAlias = Literal["payment", "day", "week", "month"]
"""``payment`` is each by itself; the others are calendar periods in UTC, weeks begin on Monday."""


class VelocityLimit(msgspec.Struct, frozen=True):
    """One limit: of payments that fit its method and currency, each or all within a period."""

    period: Period
    per: Per = "merchant"
    method: str | None = None
    """A payment method's type, such as ``card``; None means all."""
    currency: str | None = None
    """ISO 4217; limits of amounts need one. None counts payments of all currencies."""
    amount_minor_min: int | None = None
    """Of a single payment, in minor units."""
    amount_minor_max: int | None = None
    """Of a single payment, or the sum of a period, in minor units."""
    count_max: int | None = None
    """How many payments a period may see."""


class VelocityLimits(msgspec.Struct, frozen=True):
    """A merchant's limits in one version; version 0 is that none were ever set."""

    merchant: MerchantId
    version: int
    limits: tuple[VelocityLimit, ...]
    created: Instant | None = None
    author: str | None = None
    """Who set them: ``key_…``."""


class SetVelocityLimits(msgspec.Struct, frozen=True):
    """Replace a merchant's limits as a whole; none lifts all."""

    merchant: MerchantId
    limits: tuple[VelocityLimit, ...]
    author: str | None = None
    replaces: int | None = None
    """The version that is replaced; None replaces whichever there is."""


class VelocityLimitsQuery(msgspec.Struct, frozen=True):
    """Ask for a merchant's limits."""

    merchant: MerchantId


class ListVelocityVersions(msgspec.Struct, frozen=True):
    """Every version of a merchant's limits, newest first."""

    merchant: MerchantId
    limit: int = 100


class VelocityVersions(msgspec.Struct, frozen=True):
    """Versions of one merchant's limits."""

    versions: tuple[VelocityLimits, ...]


class VelocityUseQuery(msgspec.Struct, frozen=True):
    """Ask how far limits are used now. Those per customer or card need to be told whose."""

    merchant: MerchantId
    livemode: bool = False
    customer: CustomerId | None = None
    card: str | None = None
    """The card's fingerprint."""


class LimitUse(msgspec.Struct, frozen=True):
    """A limit and how far it is used in the period that is on; None where nobody asked whose."""

    limit: VelocityLimit
    begins: Instant | None = None
    ends: Instant | None = None
    """When counting begins at zero again, exclusive."""
    count: int | None = None
    amount_minor: int | None = None


class VelocityUse(msgspec.Struct, frozen=True):
    """A merchant's limits with their use."""

    merchant: MerchantId
    version: int
    uses: tuple[LimitUse, ...]


class VelocityLimitInvalid(Refusal, code="velocity_limit_invalid", status=422):
    """A limit contradicts itself or another one; ``param`` names the field."""


class VelocityLimitsChanged(Refusal, code="velocity_limits_changed", status=409):
    """The version to replace is not the one in force any more."""


class PaymentBelowLimit(Refusal, code="charge_below_transaction_limit", status=422):
    """``amount`` is below the least that one payment may be."""


class PaymentAboveLimit(Refusal, code="charge_exceeds_transaction_limit", status=422):
    """``amount`` is above the most that one payment may be."""


class VelocityLimitExceeded(Refusal, code="charge_exceeds_source_limit", status=422):
    """The payment does not fit into what is left of a period; ``facts`` say what is left."""


VELOCITY_REFUSALS = (PaymentBelowLimit, PaymentAboveLimit, VelocityLimitExceeded)
"""Noes to a try to pay."""


class Velocity(Protocol):
    """Limits of merchants. Payments that are open or succeeded count; those that fail do not."""

    @refuses(VelocityLimitInvalid, CurrencyUnknown, VelocityLimitsChanged)
    async def set_velocity_limits(self, command: SetVelocityLimits) -> VelocityLimits:
        """Keep a new version; it acts here at once, and within a second everywhere. Setting what
        is in force already changes nothing."""
        ...

    async def get_velocity_limits(self, query: VelocityLimitsQuery) -> VelocityLimits:
        """The version in force; an unknown merchant has none.

        Never refuses.
        """
        ...

    async def list_velocity_versions(self, query: ListVelocityVersions) -> VelocityVersions:
        """What was in force when, and who set it.

        Never refuses.
        """
        ...

    async def get_velocity_use(self, query: VelocityUseQuery) -> VelocityUse:
        """How far each limit is used.

        Never refuses.
        """
        ...
