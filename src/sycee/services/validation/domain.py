"""The rules a payment and a card must keep, each as a guard, in order of precedence."""

from __future__ import annotations

from typing import NewType

from sycee.kernel.clock import Instant, seconds
from sycee.kernel.money import Money
from sycee.services.identity.contract import Limits, Merchant, MerchantStatus
from sycee.services.validation.contract import (
    AmountNotPositive,
    AmountTooLarge,
    AmountTooSmall,
    CardBrandUnknown,
    CardCvcInvalid,
    CardExpired,
    CardExpiryMonthInvalid,
    CardExpiryYearInvalid,
    CardFacts,
    CardNumber,
    CardNumberInvalid,
    CheckPayment,
    CurrencyNotAccepted,
    DuplicatePayment,
    MerchantNotActive,
    MethodNotAccepted,
)

Month = NewType("Month", int)
"""Months since the year 0: 12 × year + month - 1."""

METHODS = frozenset({"card"})
"""Payment methods that some rail carries."""

EXPIRY_YEARS_MAX = 50
"""A card that claims to last longer is a typing error."""

BRANDS: tuple[tuple[int, int, str, frozenset[int]], ...] = (
    (2221_00, 2720_99, "mastercard", frozenset({16})),
    (3000_00, 3059_99, "diners", frozenset(range(14, 20))),
    (3400_00, 3499_99, "amex", frozenset({15})),
    (3528_00, 3589_99, "jcb", frozenset(range(16, 20))),
    (3600_00, 3699_99, "diners", frozenset(range(14, 20))),
    (3700_00, 3799_99, "amex", frozenset({15})),
    (3800_00, 3999_99, "diners", frozenset(range(14, 20))),
    (4000_00, 4999_99, "visa", frozenset({13, 16, 19})),
    (5100_00, 5599_99, "mastercard", frozenset({16})),
    (6011_00, 6011_99, "discover", frozenset(range(16, 20))),
    (6200_00, 6299_99, "unionpay", frozenset(range(16, 20))),
    (6440_00, 6599_99, "discover", frozenset(range(16, 20))),
    (8100_00, 8199_99, "unionpay", frozenset(range(16, 20))),
)
"""First six digits from and to, scheme, lengths; in order, without overlaps.

Ranges: ISO/IEC 7812-1 gives the leading digits to schemes; Mastercard's 2-series bulletin (2016),
Discover's, JCB's and UnionPay's public acceptance guides give the rest.
"""

SMALLEST: dict[str, int] = {
    "AED": 2_00,
    "AUD": 50,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 15_00,
    "DKK": 2_50,
    "EUR": 50,
    "GBP": 30,
    "HKD": 4_00,
    "HUF": 175_00,
    "INR": 50,
    "JPY": 50,
    "MXN": 10_00,
    "MYR": 2_00,
    "NOK": 3_00,
    "NZD": 50,
    "PLN": 2_00,
    "RON": 2_00,
    "SEK": 3_00,
    "SGD": 50,
    "THB": 10_00,
    "USD": 50,
}
"""Smallest payment in minor units, as Stripe documents it (docs.stripe.com/currencies, minimum
charge amounts), so that shops move over unchanged. Other currencies: one minor unit."""

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Twice a digit, less nine when above nine."""


def check_card(card: CardNumber, now: Instant) -> CardFacts:
    """Read a card's facts from its number, or refuse it by the first rule it breaks."""
    number = card.number
    if not 12 <= len(number) <= 19 or not _is_digits(number) or not passes_luhn(number):
        raise CardNumberInvalid("Your card number is incorrect.", param="number")
    brand, lengths = _scheme(number)
    if len(number) not in lengths:
        raise CardNumberInvalid("Your card number is incorrect.", param="number")
    _check_expiry(card, month_of(now))
    _check_cvc(card.cvc, brand)
    return CardFacts(brand, number[-4:], number[:6], card.exp_month, card.exp_year)


def check_payment(query: CheckPayment, merchant: Merchant | None, now: Instant) -> None:
    """Refuse a payment by the first rule that it breaks."""
    if merchant is None or merchant.status is not MerchantStatus.ACTIVE:
        raise MerchantNotActive("This account may not take payments.", param="merchant")
    if query.method not in METHODS:
        raise MethodNotAccepted(f"No rail carries {query.method!r}.", param="method")
    _check_amount(query.amount, merchant.limits)
    if query.card is not None and _month(query.card.exp_year, query.card.exp_month) < month_of(now):
        raise CardExpired("Your card has expired.", param="exp_month")
    window_s = merchant.limits.duplicate_window_s
    if query.twin_at is not None and seconds(now) - seconds(query.twin_at) < window_s:
        raise DuplicatePayment(
            f"The same card paid the same amount within {window_s} seconds.", param="amount"
        )


def passes_luhn(number: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        total += _DOUBLED[int(digit)] if place % 2 else int(digit)
    return total % 10 == 0


def month_of(instant: Instant) -> Month:
    """The UTC month of an instant, by the proleptic Gregorian calendar.

    Days are counted in years that begin in March, so that the leap day comes last
    (H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days).
    """
    days = seconds(instant) // 86_400 + 719_468
    era, day_of_era = divmod(days, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    months_since_march = (5 * day_of_year + 2) // 153
    return Month((era * 400 + year_of_era) * 12 + months_since_march + 2)


def _check_amount(amount: Money, limits: Limits) -> None:
    if limits.currencies and amount.currency not in limits.currencies:
        raise CurrencyNotAccepted(
            f"This account does not take {amount.currency}.", param="currency"
        )
    if amount.minor <= 0:
        raise AmountNotPositive("The amount must be greater than zero.", param="amount")
    smallest = SMALLEST.get(amount.currency, 1)
    if amount.minor < smallest:
        least = Money(smallest, amount.currency)
        raise AmountTooSmall(f"The amount must be at least {least}.", param="amount")
    if amount.minor > limits.amount_minor_max:
        most = Money(limits.amount_minor_max, amount.currency)
        raise AmountTooLarge(f"The amount must be no more than {most}.", param="amount")


def _check_expiry(card: CardNumber, now: Month) -> None:
    if not 1 <= card.exp_month <= 12:
        raise CardExpiryMonthInvalid("Your card's expiration month is invalid.", param="exp_month")
    this_year = now // 12
    if not this_year <= card.exp_year <= this_year + EXPIRY_YEARS_MAX:
        raise CardExpiryYearInvalid("Your card's expiration year is invalid.", param="exp_year")
    if _month(card.exp_year, card.exp_month) < now:
        raise CardExpired("Your card has expired.", param="exp_month")


def _check_cvc(cvc: str | None, brand: str) -> None:
    if cvc is None:
        return
    length = 4 if brand == "amex" else 3
    if len(cvc) != length or not _is_digits(cvc):
        raise CardCvcInvalid("Your card's security code is invalid.", param="cvc")


def _scheme(number: str) -> tuple[str, frozenset[int]]:
    first_six = int(number[:6])
    for start, end, brand, lengths in BRANDS:
        if start <= first_six <= end:
            return brand, lengths
    raise CardBrandUnknown("Your card's scheme is not supported.", param="number")


def _month(year: int, month: int) -> Month:
    return Month(12 * year + month - 1)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
