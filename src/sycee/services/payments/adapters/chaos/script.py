"""Scripts of misbehaviour: phases, what they aim at, and what goes wrong then."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec

from sycee.runtime.config import ConfigurationInvalid
from sycee.services.payments.adapters.rail import Order

Share = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class Asked(Enum):
    """What a rail can be asked: its operations, and the rest of its contract."""

    AUTHORIZE = "authorize"
    PAY = "pay"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    VERIFY = "verify"
    QUERY = "query"
    NOTICES = "notices"
    ACKNOWLEDGE = "acknowledge"
    CONTEST = "contest"


ORDERS = frozenset(
    {Asked.AUTHORIZE, Asked.PAY, Asked.CAPTURE, Asked.VOID, Asked.REFUND, Asked.VERIFY}
)


class Fault(Enum):
    """What goes wrong."""

    DOWN = "down"
    """The rail is away, and certainly does nothing."""
    LOST_ORDER = "lost_order"
    """It never arrives, and nobody is told."""
    LOST_ANSWER = "lost_answer"
    """It is done, and nobody is told."""
    LATE_ORDER = "late_order"
    """Nobody is told, and it arrives ``delay_s`` later: behind what is ordered meanwhile."""
    SLOW_ORDER = "slow_order"
    """It takes ``delay_s`` on its way there."""
    SLOW_ANSWER = "slow_answer"
    """It is done, and the answer takes ``delay_s``."""
    TWICE = "twice"
    """It arrives two times; the second answer counts."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that goes wrong, and where. What is left out matches everything."""

    fault: Fault
    per_mille: Share = 1000
    """Of a thousand that match, how many it hits."""
    every: Count = 1
    """It hits only every so many-th that matches."""
    asked: tuple[Asked, ...] = ()
    """Left out, all orders."""
    cards: tuple[str, ...] = ()
    """Names of test cards: ``visa``, ``chargeDeclined``, …"""
    amount_minor_min: Annotated[int, msgspec.Meta(ge=0)] = 0
    amount_minor_max: int | None = None
    delay_s: Seconds = 0.0

    def __post_init__(self) -> None:
        """What is no order cannot be lost in ways that only orders can."""
        if self.fault is not Fault.DOWN and not ORDERS.issuperset(self.asked):
            raise ValueError("queries, notices and contests know no fault but down")

    def matches(self, asked: Asked, order: Order | None) -> bool:
        """Whether the rule is about this."""
        if asked not in (self.asked or ORDERS):
            return False
        if order is None:
            return True
        if self.cards and order.token.partition(".")[0] not in self.cards:
            return False
        most = self.amount_minor_max
        minor = order.amount.minor
        return minor >= self.amount_minor_min and (most is None or minor <= most)


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A while with the same rules; of those that hit, the first counts.

    It ends after ``for_s`` seconds or ``for_orders`` orders, whichever comes first; without both
    it never ends.
    """

    rules: tuple[Rule, ...] = ()
    for_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    for_orders: Count | None = None


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phases, one after the other from the start of the process; then nothing goes wrong."""

    phases: tuple[Phase, ...]
    seed: str = "sycee"
    """Chooses what is hit: the same orders, in the same phase, meet the same faults."""


_LOSSY = (
    Rule(Fault.LOST_ORDER, 100),
    Rule(Fault.LOST_ANSWER, 100),
    Rule(Fault.TWICE, 100),
)
BUILT_IN = {
    "lossy": Script((Phase(_LOSSY),)),
    "outage": Script(
        (
            Phase((Rule(Fault.DOWN), Rule(Fault.DOWN, asked=(Asked.QUERY,))), for_s=10),
            Phase((Rule(Fault.DOWN, every=2), Rule(Fault.SLOW_ORDER, delay_s=1)), for_s=10),
            Phase((Rule(Fault.DOWN, 100), Rule(Fault.SLOW_ORDER, 500, delay_s=0.5)), for_s=10),
        )
    ),
    "slow": Script(
        (Phase((Rule(Fault.SLOW_ORDER, 500, delay_s=1), Rule(Fault.SLOW_ANSWER, delay_s=3))),)
    ),
    "storm": Script(
        (
            Phase(
                (
                    *_LOSSY,
                    Rule(Fault.LATE_ORDER, 100, delay_s=2),
                    Rule(Fault.SLOW_ANSWER, 100, delay_s=1),
                    Rule(Fault.DOWN, 50),
                    Rule(Fault.DOWN, 200, asked=(Asked.QUERY, Asked.NOTICES, Asked.ACKNOWLEDGE)),
                )
            ),
        )
    ),
}
"""Scripts with a name."""


def script_of(named: str) -> Script:
    """The script of this name, or in this JSON file; raises ``ConfigurationInvalid``."""
    if named in BUILT_IN:
        return BUILT_IN[named]
    try:
        return msgspec.json.decode(Path(named).read_bytes(), type=Script)
    except OSError as error:
        names = ", ".join(BUILT_IN)
        raise ConfigurationInvalid(
            f"testcard.script is neither one of {names} nor a file: {error}."
        ) from None
    except msgspec.DecodeError as error:
        raise ConfigurationInvalid(f"testcard.script, {named}: {error}.") from None
