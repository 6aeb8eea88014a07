"""Keeps the validation contract: brings the merchant's facts and the time to the rules."""

from __future__ import annotations

from sycee.kernel.clock import Clock
from sycee.kernel.refusal import NotFound
from sycee.runtime.cache import Cache
from sycee.services.identity.contract import GetMerchant, Identity, Merchant, MerchantId
from sycee.services.validation import domain
from sycee.services.validation.contract import CardFacts, CheckCard, Checked, CheckPayment


class ValidationService:
    """Rules over the caller's facts, and a short memory of merchants."""

    def __init__(self, clock: Clock, identity: Identity, remember_s: float) -> None:
        self._now = clock.now
        self._identity = identity
        self._merchants: Cache[MerchantId, Merchant] = Cache(clock.monotonic_s, remember_s)

    async def check_card(self, query: CheckCard) -> CardFacts:
        return domain.check_card(query.card, self._now())

    async def check_payment(self, query: CheckPayment) -> Checked:
        merchant = self._merchants.get(query.merchant) or await self._look_up(query.merchant)
        now = self._now()
        domain.check_payment(query, merchant, now)
        return Checked(now)

    async def _look_up(self, merchant: MerchantId) -> Merchant | None:
        look = self._merchants.look()
        try:
            found = await self._identity.get_merchant(GetMerchant(merchant))
        except NotFound:
            return None
        self._merchants.remember(merchant, found, look)
        return found
