"""Earned money that becomes available sooner, for tests of those who wait for it."""

from __future__ import annotations

from typing import Protocol

import msgspec

from sycee.kernel.refusal import NotFound, refuses
from sycee.services.payments.contract.disputes import OnlyInTestMode
from sycee.services.payments.contract.intents import Charge, ChargeNotRefundable
from sycee.services.payments.contract.shared import ChargeId, IdempotencyConflict, Origin


class MakeAvailable(msgspec.Struct, frozen=True):
    """Let a charge's money, and what was taken of it, be available now: of test mode only."""

    origin: Origin
    charge: ChargeId


class Maturing(Protocol):
    """What happens to money that waits."""

    @refuses(NotFound, OnlyInTestMode, ChargeNotRefundable, IdempotencyConflict)
    async def make_available(self, command: MakeAvailable) -> Charge:
        """End the waiting of a captured charge; its money moves shortly after."""
        ...
