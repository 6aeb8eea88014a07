"""What a shop's customers do: seeded stories, every request of them remembered with its answers.

The amounts of a story tell it from all others, so that a row of the acquirer's book names its
story: a payment asks for ``10_000 + 10 * number``, and a capture takes at most 9 less.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec

from tests.faults.lab.line import Answer

FIRST_AMOUNT = 10_000
SPAN = 10
CREATE = "/v1/payment_intents"
REFUND = "/v1/refunds"
MOVING = frozenset({"processing", "pending"})
"""Statuses whose outcome is not known yet."""


class Plot(Enum):
    """How a story goes."""

    PAID = "create, confirm"
    REFUNDED = "create, confirm, refund a part, refund the rest"
    PARTLY_REFUNDED = "create confirmed, refund a part"
    CAPTURED = "authorize, capture a part"
    CAPTURED_AND_REFUNDED = "authorize, capture, refund a part"
    CANCELED = "authorize, cancel"
    DECLINED = "create with a card that is declined"
    IMPATIENT = "create, confirm, and while the outcome is not known confirm again or cancel"


RESTLESS = frozenset({Plot.IMPATIENT, Plot.REFUNDED})
"""Who does not wait until an outcome is known."""


class Ask(msgspec.Struct):
    """One request, noted before it is sent, and every answer to it, in order."""

    key: str
    path: str
    form: dict[str, str]
    answers: list[Answer] = []
    lost: int = 0
    """How often it was sent and no answer came."""

    @property
    def kept(self) -> Answer | None:
        """The answer that stays; None while there is none."""
        return next((answer for answer in self.answers if answer.is_kept), None)


class Story(msgspec.Struct):
    """One customer's requests so far."""

    name: str
    number: int
    plot: Plot
    asks: list[Ask] = []

    @property
    def amount(self) -> int:
        """What is asked for."""
        return FIRST_AMOUNT + SPAN * self.number

    @property
    def capture(self) -> int:
        """What is captured of it."""
        return self.amount - 1 - self.number % (SPAN - 1)

    @property
    def part(self) -> int:
        """What is refunded first."""
        return 1_000 + self.number % 997

    @property
    def payment(self) -> str | None:
        """The id of its payment, once told."""
        first = self.asks[0].kept if self.asks else None
        if first is None:
            return None
        told = first.json()
        if first.is_good:
            return str(told["id"])
        intent = _nested(told, "error", "payment_intent")
        return str(intent["id"]) if intent else None

    def next_ask(self) -> Ask | None:
        """The request to send now: one without an answer, or the next; None at the end."""
        for ask in self.asks:
            if ask.kept is None:
                return ask
        if self.asks and not self._goes_on(self.asks[-1]):
            return None
        steps = list(self._steps())
        if len(self.asks) == len(steps):
            return None
        path, form = steps[len(self.asks)]
        ask = Ask(f"{self.name}.{len(self.asks)}", path, form)
        self.asks.append(ask)
        return ask

    def _goes_on(self, ask: Ask) -> bool:
        """A no ends the story; an outcome that is not known yet only makes some people wait."""
        kept = ask.kept
        assert kept is not None
        if not kept.is_good:
            return False
        return self.plot in RESTLESS or kept.json()["status"] not in MOVING

    def _steps(self) -> Iterator[tuple[str, dict[str, str]]]:
        payment = self.payment or ""
        create = {
            "amount": str(self.amount),
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "metadata[story]": self.name,
        }
        manual = {"capture_method": "manual", "confirm": "true"}
        refund = {"payment_intent": payment, "amount": str(self.part)}
        match self.plot:
            case Plot.PAID | Plot.REFUNDED:
                yield CREATE, create
                yield f"{CREATE}/{payment}/confirm", {}
                if self.plot is Plot.REFUNDED:
                    yield REFUND, {**refund, "metadata[story]": f"{self.name}.2"}
                    yield REFUND, {"payment_intent": payment, "metadata[story]": f"{self.name}.3"}
            case Plot.IMPATIENT:
                yield CREATE, create
                yield f"{CREATE}/{payment}/confirm", {}
                yield f"{CREATE}/{payment}/{'cancel' if self.number % 2 else 'confirm'}", {}
            case Plot.PARTLY_REFUNDED:
                yield CREATE, {**create, "confirm": "true"}
                yield REFUND, {**refund, "metadata[story]": f"{self.name}.1"}
            case Plot.CAPTURED | Plot.CAPTURED_AND_REFUNDED:
                yield CREATE, {**create, **manual}
                yield f"{CREATE}/{payment}/capture", {"amount_to_capture": str(self.capture)}
                if self.plot is Plot.CAPTURED_AND_REFUNDED:
                    yield REFUND, {**refund, "metadata[story]": f"{self.name}.2"}
            case Plot.CANCELED:
                yield CREATE, {**create, **manual}
                yield f"{CREATE}/{payment}/cancel", {}
            case Plot.DECLINED:
                card = "pm_card_visa_chargeDeclined"
                yield CREATE, {**create, "payment_method": card, "confirm": "true"}


def stories(seed: int) -> Iterator[Story]:
    """An endless row of stories; the same for the same seed."""
    dice = random.Random(seed)
    number = 0
    while True:
        yield Story(f"s{seed}-{number}", number, dice.choice(list(Plot)))
        number += 1


def number_of(amount: int) -> int:
    """The story that an amount of the acquirer's book belongs to."""
    return -(-(amount - FIRST_AMOUNT) // SPAN)


def asks(told: Sequence[Story]) -> Iterator[Ask]:
    """Every request of all stories."""
    for story in told:
        yield from story.asks


def _nested(value: dict[str, object], *path: str) -> dict[str, object] | None:
    for step in path:
        inner = value.get(step)
        if not isinstance(inner, dict):
            return None
        value = inner
    return value
