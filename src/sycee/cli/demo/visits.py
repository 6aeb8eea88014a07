"""Who comes to the shop on a day: the same people for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from random import Random

import msgspec

from sycee.kernel.money import Currency, Money


class Kind(Enum):
    """What happens at a visit."""

    PAY = "pay"
    PAY_IN_TWO_STEPS = "pay_in_two_steps"
    PAY_WITH_SAVED_CARD = "pay_with_saved_card"
    SAVE_CARD_WHILE_PAYING = "save_card_while_paying"
    DECLINED_THEN_OTHER_CARD = "declined_then_other_card"
    DECLINED_AND_GONE = "declined_and_gone"
    BANK_ASKS_AND_AGREES = "bank_asks_and_agrees"
    BANK_ASKS_AND_REFUSES = "bank_asks_and_refuses"
    HOLD_AND_CAPTURE = "hold_and_capture"
    HOLD_AND_CAPTURE_PART = "hold_and_capture_part"
    HOLD_AND_RELEASE = "hold_and_release"
    REFUND_ALL = "refund_all"
    REFUND_PARTS = "refund_parts"
    RETRY = "retry"
    ANSWER_LOST = "answer_lost"


class Visit(msgspec.Struct, frozen=True):
    """One visit, decided before it begins."""

    number: int
    kind: Kind
    amount: Money
    card: str
    """A payment method of the test rail that pays."""
    bad_card: str
    """One that its bank declines."""
    customer: int
    """Which of the shop's regulars it is; only some kinds of visits ask who comes."""
    percent: int
    """How much of the amount a part is."""


GOOD_CARDS = (
    *("visa", "visa_debit", "mastercard", "mastercard_prepaid", "amex", "discover", "diners"),
    *("jcb", "unionpay", "de", "fr", "gb", "jp", "in", "sg", "br", "mx", "ca", "au", "ch", "sa"),
)
DECLINED_CARDS = {
    "visa_chargeDeclined": ("card_declined", "generic_decline"),
    "visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "visa_chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", "incorrect_cvc"),
    "chargeDeclinedProcessingError": ("processing_error", "processing_error"),
}
"""Card -> the code and the decline code that its bank answers."""
REGULARS = {
    "Ada": "visa",
    "Bilal": "mastercard",
    "Chiara": "amex",
    "Dae-jung": "gb",
    "Esi": "jp",
    "Farouk": "de",
    "Greta": "unionpay",
    "Hanako": "discover",
}
"""The shop's regulars, and their cards."""

_WEIGHTS = {
    Kind.PAY: 30,
    Kind.PAY_IN_TWO_STEPS: 8,
    Kind.PAY_WITH_SAVED_CARD: 12,
    Kind.SAVE_CARD_WHILE_PAYING: 4,
    Kind.DECLINED_THEN_OTHER_CARD: 9,
    Kind.DECLINED_AND_GONE: 6,
    Kind.BANK_ASKS_AND_AGREES: 7,
    Kind.BANK_ASKS_AND_REFUSES: 3,
    Kind.HOLD_AND_CAPTURE: 5,
    Kind.HOLD_AND_CAPTURE_PART: 5,
    Kind.HOLD_AND_RELEASE: 4,
    Kind.REFUND_ALL: 5,
    Kind.REFUND_PARTS: 5,
    Kind.RETRY: 4,
    Kind.ANSWER_LOST: 1,
}
_PRICES = {
    "USD": (40, 3_00, 250_00),
    "EUR": (25, 3_00, 250_00),
    "GBP": (10, 2_50, 200_00),
    "JPY": (15, 300, 40_000),
    "KWD": (10, 1_000, 80_000),
}
"""Currency -> how often of a hundred, and the prices from and to, in minor units."""


def visits(seed: int, count: int) -> Sequence[Visit]:
    """The day's visits. Chance decides once every kind and every currency had its turn."""
    chance = Random(seed)  # noqa: S311 - a day is to be repeated, not to be secret
    kinds = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count)
    kinds[: len(_WEIGHTS)] = list(_WEIGHTS)[:count]
    currencies = chance.choices(list(_PRICES), [each[0] for each in _PRICES.values()], k=count)
    currencies[: len(_PRICES)] = list(_PRICES)[:count]
    chance.shuffle(kinds)
    return [
        Visit(
            number,
            kind,
            _price(chance, currency),
            f"pm_card_{chance.choice(GOOD_CARDS)}",
            f"pm_card_{chance.choice(list(DECLINED_CARDS))}",
            chance.randrange(len(REGULARS)),
            chance.randint(20, 80),
        )
        for number, (kind, currency) in enumerate(zip(kinds, currencies, strict=True), 1)
    ]


def part(visit: Visit) -> Money:
    """The visit's part of its amount."""
    return Money(visit.amount.minor * visit.percent // 100, visit.amount.currency)


def _price(chance: Random, currency: str) -> Money:
    _, least, most = _PRICES[currency]
    return Money(chance.randint(least, most), Currency(currency))
