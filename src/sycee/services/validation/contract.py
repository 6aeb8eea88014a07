"""Is a payment well formed and allowed? Every no names the field and has a stable code."""

from __future__ import annotations

from typing import Protocol

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.kernel.refusal import Refusal, refuses
from sycee.services.identity.contract import MerchantId


class CardNumber(msgspec.Struct, frozen=True):
    """A card as typed by its holder. Lives in memory only: never stored, logged or queued."""

    number: str
    exp_month: int
    exp_year: int
    """Four digits."""
    cvc: str | None = None


class CardFacts(msgspec.Struct, frozen=True):
    """What may be known of a card without its number."""

    brand: str
    """``visa``, ``mastercard``, ``amex``, ``discover``, ``diners``, ``jcb``, ``unionpay``."""
    last4: str
    bin: str
    """The first six digits."""
    exp_month: int
    exp_year: int


class CheckCard(msgspec.Struct, frozen=True):
    """Ask whether a card number is well formed and unexpired."""

    card: CardNumber


class CheckPayment(msgspec.Struct, frozen=True):
    """A payment about to be tried."""

    merchant: MerchantId
    amount: Money
    method: str
    """``card``; other methods come with their rails."""
    card: CardFacts | None = None
    twin_at: Instant | None = None
    """When this merchant last took the same amount from the same card, if it did."""


class Checked(msgspec.Struct, frozen=True):
    """The payment may go on."""

    checked_at: Instant


class AmountNotPositive(Refusal, code="amount_not_positive", status=422):
    """``amount`` is zero or below."""


class AmountTooSmall(Refusal, code="amount_too_small", status=422):
    """``amount`` is below the smallest payment of its currency."""


class AmountTooLarge(Refusal, code="amount_too_large", status=422):
    """``amount`` is above the merchant's limit for one payment."""


class CurrencyNotAccepted(Refusal, code="currency_not_accepted", status=422):
    """The merchant does not take this ``currency``."""


class MethodNotAccepted(Refusal, code="method_not_accepted", status=422):
    """No rail carries this payment method."""


class MerchantNotActive(Refusal, code="merchant_not_active", status=403):
    """The merchant is unknown or suspended and may not take money."""


class CardNumberInvalid(Refusal, code="invalid_number", status=402):
    """``number`` fails its length or its check digit (ISO/IEC 7812-1 annex B, Luhn)."""


class CardExpiryMonthInvalid(Refusal, code="invalid_expiry_month", status=402):
    """``exp_month`` is not 1 to 12."""


class CardExpiryYearInvalid(Refusal, code="invalid_expiry_year", status=402):
    """``exp_year`` is in the past or absurdly far away."""


class CardCvcInvalid(Refusal, code="invalid_cvc", status=402):
    """``cvc`` is not three digits (four for American Express)."""


class CardExpired(Refusal, code="expired_card", status=402):
    """The card's last month has passed."""


class CardBrandUnknown(Refusal, code="card_brand_unknown", status=402):
    """The first digits belong to no known card scheme."""


class DuplicatePayment(Refusal, code="duplicate_payment", status=402):
    """The same card paid the same amount within the merchant's duplicate window."""


class Validation(Protocol):
    """Stateless rules over facts that the caller brings; asking changes nothing."""

    @refuses(
        CardNumberInvalid,
        CardBrandUnknown,
        CardExpiryMonthInvalid,
        CardExpiryYearInvalid,
        CardExpired,
        CardCvcInvalid,
    )
    async def check_card(self, query: CheckCard) -> CardFacts:
        """Read a card's brand and facts from its number."""
        ...

    @refuses(
        MerchantNotActive,
        MethodNotAccepted,
        CurrencyNotAccepted,
        AmountNotPositive,
        AmountTooSmall,
        AmountTooLarge,
        CardExpired,
        DuplicatePayment,
    )
    async def check_payment(self, query: CheckPayment) -> Checked:
        """Say whether the payment may be tried, refusing by the first rule that it breaks."""
        ...
