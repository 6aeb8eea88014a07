"""Asks a card's rail whether the card may be kept for later; no money moves."""

from __future__ import annotations

import asyncio

from sycee.kernel.money import Currency, Money
from sycee.services.payments.adapters.rail import (
    Answer,
    NoAnswer,
    Operation,
    Order,
    RailDown,
    Verdict,
)
from sycee.services.payments.contract.customers import Method
from sycee.services.payments.service.parts import Parts

NOTHING = Money(0, Currency("USD"))
"""A verification has no amount, so its currency says nothing."""

UNANSWERED = Answer(
    Verdict.DECLINED,
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
"""In place of an answer that did not come. As nothing can have moved, nobody waits for it."""


async def verify(parts: Parts, method: Method, authenticated: bool = False) -> Answer:
    """The rail's answer, or ``UNANSWERED``. Every asking is an order of its own."""
    order = Order(
        id=parts.ids.new("ver"),
        operation=Operation.VERIFY,
        token=method.card.rail_token,
        amount=NOTHING,
        authenticated=authenticated,
    )
    try:
        async with asyncio.timeout(parts.settings.rail_timeout_s):
            answer = await parts.rail.perform(order)
    except (NoAnswer, RailDown, TimeoutError):
        return UNANSWERED
    return UNANSWERED if answer.verdict is Verdict.PENDING else answer
