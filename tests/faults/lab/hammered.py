"""A payment as many clients see it at once: its operations, and the model that judges them.

The model is a dozen lines where the product is thousands: a payment is paid, held, captured,
canceled or refunded, one thing at a time, and never beyond what there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import msgspec

from tests.faults.lab.line import Answer, Json
from tests.faults.lab.linear import NEVER, orders_fail
from tests.faults.lab.stories import CREATE, REFUND

VISA = "pm_card_visa"
UNEXPECTED = "payment_intent_unexpected_state"


class Verb(Enum):
    """What clients do to a payment."""

    CONFIRM = "confirm"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"
    DISPUTE = "dispute"
    """The payer's bank takes money back: nobody is asked."""
    ACCEPT = "accept a dispute"
    LOOK = "look"
    LOOK_AT_CHARGE = "look at its charge"


CHANGING = frozenset({Verb.CONFIRM, Verb.CAPTURE, Verb.CANCEL, Verb.REFUND, Verb.DISPUTE})
TAKING_BACK = frozenset({Verb.REFUND, Verb.DISPUTE})
LOOKING = frozenset({Verb.LOOK, Verb.LOOK_AT_CHARGE})


class State(msgspec.Struct, frozen=True):
    """All that the model knows of a payment."""

    status: str
    received: int = 0
    refunded: int = 0
    disputed: int = 0

    @property
    def left(self) -> int:
        """What may still be taken back."""
        return self.received - self.refunded - self.disputed


class Act(msgspec.Struct):
    """One operation: what was asked, when, and what was answered."""

    verb: Verb
    key: str
    called: int
    minor: int = 0
    dispute: str | None = None
    """The one that is accepted."""
    returned: int = NEVER
    answer: Answer | None = None
    held: int = 0
    """Refunds and disputes under way at the same time may hold up to this much."""
    is_crowded: bool = False
    """Whether another change may have been under way."""

    def told(self) -> Json:
        """What was answered; of a refusal, its error."""
        assert self.answer is not None
        body = self.answer.json()
        error = body.get("error")
        return error if isinstance(error, dict) else body

    def __str__(self) -> str:
        if self.answer is None:
            return f"[{self.called}–?] {self.verb.value} {self.minor}"
        told = self.told()
        shown = {
            name: told[name]
            for name in ("status", "code", "amount_received", "amount_refunded", "amount")
            if name in told
        }
        until = "?" if self.returned == NEVER else self.returned
        return (
            f"[{self.called}–{until}] {self.verb.value} {self.minor}: {self.answer.status} {shown}"
        )


class Hammered(msgspec.Struct):
    """One payment under the hammer."""

    id: str
    amount: int
    is_manual: bool
    charge: str | None = None
    """Once it is known; the last one that was told."""
    disputes: list[str] = []
    acts: list[Act] = []

    def note(self, act: Act) -> None:
        """Learn the names of its charge and its disputes from an answer."""
        told = act.told()
        if act.verb is Verb.DISPUTE and "id" in told:
            self.disputes.append(str(told["id"]))
        charge = told.get("latest_charge")
        if isinstance(charge, dict):
            charge = charge["id"]
        self.charge = self.charge if charge is None else str(charge)

    def path(self, act: Act) -> str:
        """Where an operation is asked for."""
        match act.verb:
            case Verb.REFUND:
                return REFUND
            case Verb.DISPUTE:
                return f"/api/test_helpers/charges/{self.charge}/dispute"
            case Verb.ACCEPT:
                return f"/v1/disputes/{act.dispute}/close"
            case Verb.LOOK | Verb.LOOK_AT_CHARGE:
                return f"{CREATE}/{self.id}?expand[]=latest_charge"
            case _:
                return f"{CREATE}/{self.id}/{act.verb.value}"

    def form(self, act: Act) -> dict[str, str]:
        """What it takes."""
        match act.verb:
            case Verb.CONFIRM:
                return {"payment_method": VISA}
            case Verb.CAPTURE:
                return {"amount_to_capture": str(act.minor)}
            case Verb.REFUND:
                return {"payment_intent": self.id, "amount": str(act.minor)}
            case Verb.DISPUTE:
                return {"amount": str(act.minor)}
            case _:
                return {}

    def judged(self) -> list[str]:
        """What nobody could have seen; nothing when there is an order that explains it all."""
        _look_around(self.acts)
        start = State("requires_confirmation")
        stuck = orders_fail(self.acts, start, lambda state, act: step(self, state, act))
        if stuck is None:
            return []
        history = "\n    ".join(map(str, self.acts))
        return [
            f"{self.id} of {self.amount}: no order explains what was seen; one of"
            f" {[str(act) for act in stuck]} cannot be; all of it:\n    {history}"
        ]


def _look_around(acts: Sequence[Act]) -> None:
    """Note of every act what else may have been under way: a change that is, holds what it needs.

    A payment whose outcome was not known when it was answered is under way until nobody knows when.
    """
    for act in acts:
        others = [
            other
            for other in acts
            if other is not act
            and other.verb in CHANGING
            and other.called < act.returned
            and act.called < other.returned
        ]
        act.is_crowded = bool(others)
        act.held = sum(other.minor for other in others if other.verb in TAKING_BACK)


def step(payment: Hammered, state: State, act: Act) -> Iterator[State]:
    """What the payment may be after the act; nothing when this was not to be seen of it."""
    if act.answer is None:
        yield from _open(payment, state, act)
    elif act.verb is Verb.LOOK:
        yield from _looked(state, act)
    elif act.verb is Verb.LOOK_AT_CHARGE:
        yield from _looked_at_charge(state, act)
    elif act.verb is Verb.ACCEPT:
        # What was disputed is gone already; whether it was accepted twice is asked elsewhere.
        yield state
    elif not act.answer.is_good:
        yield from _refused(payment, state, act)
    elif act.verb is Verb.DISPUTE:
        yield from _disputed(state, act)
    elif act.told()["status"] in ("processing", "pending"):
        yield from _open(payment, state, act)
    else:
        after = _done(payment, state, act)
        if after is not None and _agrees(act, after):
            yield after


def _open(payment: Hammered, state: State, act: Act) -> Iterator[State]:
    """Nobody knows: it is done or not; of a confirmation, a no is an end as well."""
    after = _done(payment, state, act)
    if after is not None:
        yield after
    if act.verb is Verb.CONFIRM and _is_ready(state):
        yield State("requires_payment_method")
    yield state


def _done(payment: Hammered, state: State, act: Act) -> State | None:
    """The payment after what was asked is done; None where that cannot be."""
    match act.verb:
        case Verb.CONFIRM if _is_ready(state):
            held = State("requires_capture")
            return held if payment.is_manual else State("succeeded", payment.amount)
        case Verb.CAPTURE if state.status == "requires_capture" and act.minor <= payment.amount:
            return State("succeeded", act.minor)
        case Verb.CANCEL if _is_ready(state) or state.status == "requires_capture":
            return State("canceled")
        case Verb.REFUND if act.minor <= state.left:
            return msgspec.structs.replace(state, refunded=state.refunded + act.minor)
    return None


def _is_ready(state: State) -> bool:
    return state.status in ("requires_confirmation", "requires_payment_method")


def _agrees(act: Act, after: State) -> bool:
    told = act.told()
    if act.verb is Verb.REFUND:
        return told["status"] == "succeeded" and told["amount"] == act.minor
    return (told["status"], told["amount_received"]) == (after.status, after.received)


def _refused(payment: Hammered, state: State, act: Act) -> Iterator[State]:
    """A no changes nothing, and has a reason; a payment that failed says so itself."""
    code = act.told().get("code")
    assert act.answer is not None
    if act.verb is Verb.CONFIRM and act.answer.status == 402:
        if _is_ready(state):
            yield State("requires_payment_method")
    elif act.verb in TAKING_BACK:
        if _may_be_refused(state, act, code):
            yield state
    elif code == UNEXPECTED:
        if act.is_crowded or _done(payment, state, act) is None:
            yield state
    elif code == "amount_too_large" and act.verb is Verb.CAPTURE and act.minor > payment.amount:
        yield state


def _disputed(state: State, act: Act) -> Iterator[State]:
    """A bank takes what it wants, or all that is left when that is less."""
    taken = act.told()["amount"]
    assert isinstance(taken, int)
    if taken <= state.left and (taken == act.minor or taken >= state.left - act.held):
        yield msgspec.structs.replace(state, disputed=state.disputed + taken)


def _may_be_refused(state: State, act: Act, code: object) -> bool:
    """Why money is not taken back: there is none left, or others have their hands on it."""
    if code in ("charge_not_refundable", "resource_missing"):
        return act.is_crowded or state.left == 0
    if code == "charge_already_refunded":
        return state.refunded + act.held >= state.received > 0
    if code == "charge_disputed":
        return state.disputed + act.held > 0 and act.held >= state.left
    return code == "amount_too_large" and act.minor > state.left - act.held


def _looked(state: State, act: Act) -> Iterator[State]:
    told = act.told()
    if told["status"] == "processing":
        if act.is_crowded:
            yield state
    elif (told["status"], told["amount_received"]) == (state.status, state.received):
        yield state


def _looked_at_charge(state: State, act: Act) -> Iterator[State]:
    """What refunds under way hold counts from the first unit on."""
    charge = act.told().get("latest_charge")
    refunded = charge["amount_refunded"] if isinstance(charge, dict) else 0
    if state.refunded <= refunded <= min(state.refunded + act.held, max(state.received, 0)):
        yield state
