"""Counts payments toward their merchant's limits, inside the unit that records the try."""

from __future__ import annotations

import msgspec

from sycee.kernel.clock import Clock
from sycee.runtime.cache import Cache
from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.shared import CustomerId
from sycee.services.payments.contract.velocity import VelocityLimits
from sycee.services.payments.domain import velocity as rules
from sycee.services.payments.domain.attempts import Attempt
from sycee.services.payments.store import velocity as rows

REMEMBER_S = 0.5
"""Seconds for which limits are remembered: those that another process set act within a second."""


class Allowance:
    """What limits leave, with a short memory of which limits there are."""

    def __init__(self, clock: Clock) -> None:
        self._remembered: Cache[MerchantId, VelocityLimits] = Cache(clock.monotonic_s, REMEMBER_S)

    def take(self, session: Session, attempt: Attempt, customer: CustomerId | None) -> Attempt:
        """The attempt with what it takes of its limits; refuses one that does not fit."""
        limits = self._limits(session, attempt.merchant).limits
        if not limits:
            return attempt
        counters = rules.counters(limits, attempt, customer)
        for counter in counters:
            if not rows.take(session, counter):
                count, minor = rows.used(session, counter.counted.key)
                raise rules.exceeded(counter, attempt.amount, count, minor)
        counted = tuple(counter.counted for counter in counters)
        return msgspec.structs.replace(attempt, counted=counted)

    def give_back(self, session: Session, attempt: Attempt) -> None:
        """Count an attempt that failed no more."""
        for counted in attempt.counted:
            rows.give_back(session, counted)

    def forget(self) -> None:
        """Limits were changed: look afresh."""
        self._remembered.forget()

    def _limits(self, session: Session, merchant: MerchantId) -> VelocityLimits:
        remembered = self._remembered.get(merchant)
        if remembered is None:
            look = self._remembered.look()
            remembered = rows.current(session, merchant)
            self._remembered.remember(merchant, remembered, look)
        return remembered
