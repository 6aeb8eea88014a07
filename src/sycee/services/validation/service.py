"""Keeps the validation contract: brings the merchant's facts and the time to the rules."""

from __future__ import annotations

from sycee.kernel.clock import Clock
from sycee.kernel.refusal import NotFound
from sycee.services.identity.contract import GetMerchant, Identity, Merchant, MerchantId
from sycee.services.validation import domain
from sycee.services.validation.contract import CardFacts, CheckCard, Checked, CheckPayment

REMEMBERED_MAX = 10_000
"""Merchants remembered at once; beyond that the memory starts afresh."""


class ValidationService:
    """Rules over the caller's facts, and a short memory of merchants."""

    def __init__(self, clock: Clock, identity: Identity, remember_s: float) -> None:
        self._now = clock.now
        self._monotonic_s = clock.monotonic_s
        self._identity = identity
        self._remember_s = remember_s
        self._merchants: dict[MerchantId, tuple[float, Merchant]] = {}

    async def check_card(self, query: CheckCard) -> CardFacts:
        return domain.check_card(query.card, self._now())

    async def check_payment(self, query: CheckPayment) -> Checked:
        now_s = self._monotonic_s()
        known = self._merchants.get(query.merchant)
        if known is not None and now_s < known[0]:
            merchant: Merchant | None = known[1]
        else:
            merchant = await self._look_up(query.merchant, now_s)
        now = self._now()
        domain.check_payment(query, merchant, now)
        return Checked(now)

    async def _look_up(self, merchant: MerchantId, now_s: float) -> Merchant | None:
        try:
            found = await self._identity.get_merchant(GetMerchant(merchant))
        except NotFound:
            return None
        if len(self._merchants) >= REMEMBERED_MAX:
            self._merchants.clear()
        self._merchants[merchant] = (now_s + self._remember_s, found)
        return found
