"""The judge of histories takes what could have happened, and nothing else (MS5)."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.lab.hammered import UNEXPECTED, Act, Hammered, Verb
from tests.faults.lab.line import Answer
from tests.faults.lab.linear import NEVER, orders_fail

AMOUNT = 100
NO = "charge_already_refunded"
LARGE = "amount_too_large"


def said(code: int, /, **told: object) -> Answer:
    return Answer(code, msgspec.json.encode(told))


def payment(status: str, received: int = 0) -> Answer:
    return said(200, status=status, amount_received=received)


def no(code: str, status: int = 400) -> Answer:
    return said(status, error={"code": code})


def refund(minor: int) -> Answer:
    return said(200, status="succeeded", amount=minor)


def charge(refunded: int) -> Answer:
    return said(200, latest_charge={"amount_refunded": refunded})


def disputed(minor: int) -> Answer:
    return said(200, id="dp_1", status="needs_response", amount=minor)


def act(verb: Verb, called: int, returned: int, answer: Answer, minor: int = 0) -> Act:
    return Act(verb, f"k{called}", called, minor, returned=returned, answer=answer)


PAID = act(Verb.CONFIRM, 0, 1, payment("succeeded", AMOUNT))
HELD = act(Verb.CONFIRM, 0, 1, payment("requires_capture"))
CANCELED = payment("canceled")
DOUBT = act(Verb.CONFIRM, 0, NEVER, payment("processing"))

POSSIBLE = {
    "nothing": [],
    "paid and refunded": [PAID, act(Verb.REFUND, 2, 3, refund(60), 60)],
    "a refund at the same time takes the rest": [
        PAID,
        act(Verb.REFUND, 2, 5, refund(60), 60),
        act(Verb.REFUND, 3, 4, no(LARGE), 50),
    ],
    "a look during a refund may see it": [
        PAID,
        act(Verb.REFUND, 2, 5, refund(60), 60),
        act(Verb.LOOK_AT_CHARGE, 3, 4, charge(60)),
    ],
    "or may not": [
        PAID,
        act(Verb.REFUND, 2, 5, refund(60), 60),
        act(Verb.LOOK_AT_CHARGE, 3, 4, charge(0)),
    ],
    "one of two captures wins": [
        HELD,
        act(Verb.CAPTURE, 2, 5, no(UNEXPECTED), 10),
        act(Verb.CAPTURE, 3, 4, payment("succeeded", 20), 20),
        act(Verb.LOOK, 6, 7, payment("succeeded", 20)),
    ],
    "a bank takes all that is left": [
        PAID,
        act(Verb.REFUND, 2, 3, refund(60), 60),
        act(Verb.DISPUTE, 4, 5, disputed(40), 50),
        act(Verb.REFUND, 6, 7, no("charge_disputed"), 1),
    ],
    "or what a refund at the same time leaves": [
        PAID,
        act(Verb.REFUND, 2, 5, refund(60), 60),
        act(Verb.DISPUTE, 3, 4, disputed(40), 50),
    ],
    "more than was held cannot be captured": [
        HELD,
        act(Verb.CAPTURE, 2, 3, no(LARGE), AMOUNT + 1),
        act(Verb.CANCEL, 4, 5, CANCELED),
    ],
    "a failure ends where it began": [
        act(Verb.CONFIRM, 0, 1, no("processing_error", 402)),
        act(Verb.CONFIRM, 2, 3, payment("succeeded", AMOUNT)),
    ],
    "what was in doubt is done later": [
        DOUBT,
        act(Verb.LOOK, 1, 2, payment("processing")),
        act(Verb.LOOK, 3, 4, payment("succeeded", AMOUNT)),
    ],
    "or is not": [DOUBT, act(Verb.CANCEL, 3, 4, CANCELED)],
}

IMPOSSIBLE = {
    "more refunded than was paid": [
        PAID,
        act(Verb.REFUND, 2, 5, refund(60), 60),
        act(Verb.REFUND, 3, 4, refund(60), 60),
    ],
    "a refund that nobody sees afterwards": [
        PAID,
        act(Verb.REFUND, 2, 3, refund(60), 60),
        act(Verb.LOOK_AT_CHARGE, 4, 5, charge(0)),
    ],
    "a refund that is seen before it was asked for": [
        PAID,
        act(Verb.LOOK_AT_CHARGE, 2, 3, charge(60)),
        act(Verb.REFUND, 4, 5, refund(60), 60),
    ],
    "refunded and disputed": [
        PAID,
        act(Verb.REFUND, 2, 5, refund(60), 60),
        act(Verb.DISPUTE, 3, 4, disputed(50), 50),
    ],
    "a bank that takes less than it could": [PAID, act(Verb.DISPUTE, 2, 3, disputed(40), 50)],
    "two captures": [
        HELD,
        act(Verb.CAPTURE, 2, 5, payment("succeeded", 10), 10),
        act(Verb.CAPTURE, 3, 4, payment("succeeded", 20), 20),
    ],
    "captured and canceled": [
        HELD,
        act(Verb.CAPTURE, 2, 5, payment("succeeded", 10), 10),
        act(Verb.CANCEL, 3, 4, CANCELED),
    ],
    "more captured than held": [
        HELD,
        act(Verb.CAPTURE, 2, 3, payment("succeeded", AMOUNT + 1), AMOUNT + 1),
    ],
    "another amount than was asked for": [
        HELD,
        act(Verb.CAPTURE, 2, 3, payment("succeeded", 10), 20),
    ],
    "a no without a reason": [PAID, act(Verb.REFUND, 2, 3, no(NO), 60)],
    "a capture that is refused alone": [HELD, act(Verb.CAPTURE, 2, 3, no(UNEXPECTED), 10)],
    "a look back in time": [
        PAID,
        act(Verb.LOOK, 2, 3, payment("requires_confirmation")),
    ],
    "processing, and nothing is": [PAID, act(Verb.LOOK, 2, 3, payment("processing"))],
    "refunded before it was paid": [
        act(Verb.REFUND, 0, 1, refund(1), 1),
        act(Verb.CONFIRM, 2, 3, payment("succeeded", AMOUNT)),
    ],
    "a doubt that ends in two ways": [
        DOUBT,
        act(Verb.LOOK, 3, 4, payment("succeeded", AMOUNT)),
        act(Verb.CANCEL, 5, 6, CANCELED),
    ],
}


def judged(acts: list[Act]) -> list[str]:
    is_manual = any(act.verb is Verb.CAPTURE for act in acts) or HELD in acts
    return Hammered("pi_1", AMOUNT, is_manual, acts=acts).judged()


@pytest.mark.parametrize("acts", POSSIBLE.values(), ids=POSSIBLE)
def test_what_could_have_happened_is_explained(acts: list[Act]) -> None:
    assert judged(acts) == []


@pytest.mark.parametrize("acts", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_could_not_is_found(acts: list[Act]) -> None:
    assert len(judged(acts)) == 1


class Write(msgspec.Struct, frozen=True):
    """A register is written, or read; the value."""

    called: int
    returned: int
    is_read: bool
    value: int


def register(state: int, op: Write) -> list[int]:
    if op.is_read:
        return [state] if op.value == state else []
    return [op.value]


def explained_by_brute_force(ops: list[Write]) -> bool:
    for order in itertools.permutations(ops):
        if any(b.returned < a.called for a, b in itertools.combinations(order, 2)):
            continue
        state: int | None = 0
        for op in order:
            after = register(state, op)
            state = after[0] if after else None
            if state is None:
                break
        if state is not None:
            return True
    return False


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 5), st.booleans(), st.integers(0, 2)),
        max_size=5,
    )
)
def test_the_search_finds_an_order_just_where_trying_all_orders_does(
    drawn: list[tuple[int, int, bool, int]],
) -> None:
    ops = [Write(called, called + took, is_read, value) for called, took, is_read, value in drawn]
    assert (orders_fail(ops, 0, register) is None) == explained_by_brute_force(ops)
