"""Changing money of one currency into another."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from sycee.kernel.money import exponent
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import AmountInvalid, Exchange, Leg, RateInvalid, Side
from sycee.services.accounting.domain.canonical import Json
from sycee.services.accounting.domain.legs import AMOUNT_MAX
from sycee.services.accounting.domain.rounding import decimal, rounded


class Exchanged(NamedTuple):
    """Both amounts, in minor units."""

    sold: int
    bought: int


def exchanged(command: Exchange) -> Exchanged:
    """The amounts of an exchange: the one given, and the other by the rate."""
    rate = decimal(command.rate)
    if not rate:
        text = "A rate is a positive decimal of at most 18 digits before and after the point."
        raise RateInvalid(text, param="rate")
    if command.sold == command.bought:
        raise RateInvalid("The two currencies are the same.", param="bought")
    if (command.sold_minor is None) == (command.bought_minor is None):
        text = "Give either the amount that is sold or the one that is bought."
        raise AmountInvalid(text, param="sold_minor")
    minor_rate = rate * Fraction(10) ** (exponent(command.bought) - exponent(command.sold))
    if command.sold_minor is not None:
        sold = int(command.sold_minor)
        amounts = Exchanged(sold, rounded(sold * minor_rate, command.rounding))
    else:
        bought = int(command.bought_minor or 0)
        amounts = Exchanged(rounded(bought * minor_rate**-1, command.rounding), bought)
    if not 0 < min(amounts) <= max(amounts) <= AMOUNT_MAX:
        raise RateInvalid("At this rate one of the amounts is zero or too large.", param="rate")
    return amounts


def exchange_legs(command: Exchange, amounts: Exchanged) -> tuple[Leg, ...]:
    """The four legs: what is sold to the liquidity account, and what is bought from it."""
    return (
        Leg(command.source, Side.DEBIT, U128(amounts.sold), command.sold),
        Leg(command.liquidity, Side.CREDIT, U128(amounts.sold), command.sold),
        Leg(command.liquidity, Side.DEBIT, U128(amounts.bought), command.bought),
        Leg(command.target, Side.CREDIT, U128(amounts.bought), command.bought),
    )


def exchange_note(command: Exchange, amounts: Exchanged) -> Json:
    """What the metadata says of an exchange."""
    return {
        "rate": command.rate,
        "rounding": command.rounding.value,
        "sold": {"currency": command.sold, "minor": str(amounts.sold)},
        "bought": {"currency": command.bought, "minor": str(amounts.bought)},
    }
