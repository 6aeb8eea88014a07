"""What must hold after every fault: pure functions from what was heard, and what is so.

Each returns one line per violation, and none when all is well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tests.faults.lab.line import Answer, Json
from tests.faults.lab.stories import (
    CREATE,
    MOVING,
    REFUND,
    Plot,
    Story,
    asks,
    number_of,
)
from tests.faults.lab.truth import Order, Payment, Refund, Truth

LATER = {
    "requires_payment_method": frozenset(
        {"requires_confirmation", "processing", "requires_capture", "succeeded", "canceled"}
    ),
    "requires_confirmation": frozenset(
        {"requires_payment_method", "processing", "requires_capture", "succeeded", "canceled"}
    ),
    "processing": frozenset(
        {"requires_payment_method", "requires_capture", "succeeded", "canceled"}
    ),
    "requires_capture": frozenset({"processing", "succeeded", "canceled"}),
    "succeeded": frozenset[str](),
    "canceled": frozenset[str](),
    "pending": frozenset({"succeeded", "failed"}),
    "failed": frozenset[str](),
}
"""Status that was acknowledged -> those that may have followed."""


def all_of(told: Sequence[Story], truth: Truth) -> list[str]:
    """Every check there is."""
    return [
        *broken_promises(told, truth),
        *repeated_effects(told, truth),
        *changed_answers(told),
        *wrong_sums(told, truth),
        *disagreements(told, truth),
    ]


def broken_promises(told: Sequence[Story], truth: Truth) -> Iterator[str]:
    """MS1: whatever was acknowledged is there, in the status that was told or a later one."""
    now: dict[str, Payment | Refund] = {}
    now.update((payment.id, payment) for payment in truth.payments)
    now.update((refund.id, refund) for refund in truth.refunds)
    for ask in asks(told):
        for answer in ask.answers:
            if not answer.is_good:
                continue
            then = answer.json()
            there = now.get(str(then["id"]))
            if there is None:
                yield f"lost: {then['id']}, acknowledged as {then['status']} ({ask.key})"
            elif not _follows(str(then["status"]), there.status):
                yield (
                    f"undone: {there.id} was acknowledged as {then['status']}"
                    f" and is {there.status} ({ask.key})"
                )
            elif isinstance(there, Payment) and there.amount_received < _minor(
                then, "amount_received"
            ):
                yield f"shrunk: {there.id} has received less than was acknowledged ({ask.key})"


def repeated_effects(told: Sequence[Story], truth: Truth) -> Iterator[str]:
    """MS2: one payment per story, one refund per refunding key, and none that nobody asked for."""
    made = Counter(each.metadata.get("story", each.id) for each in truth.payments)
    made.update(each.metadata.get("story", each.id) for each in truth.refunds)
    asked: set[str] = set()
    for ask in asks(told):
        name = ask.form.get("metadata[story]")
        if name is None:
            continue
        asked.add(name)
        kept = ask.kept
        is_made = kept is not None and (kept.is_good or ask.path == CREATE)
        if made[name] > 1 or (is_made and made[name] == 0):
            yield f"{made[name]} effects of {ask.path} with key {ask.key}"
        elif kept is not None and not is_made and made[name]:
            yield f"refused, and done all the same: {ask.path} with key {ask.key}"
    for name in made.keys() - asked:
        yield f"nobody asked for {name}"


def changed_answers(told: Sequence[Story]) -> Iterator[str]:
    """MS2: a key's answer stays the same, byte by byte."""
    for ask in asks(told):
        kept = [answer for answer in ask.answers if answer.is_kept]
        other = next((answer for answer in kept if answer != kept[0]), None)
        if other is not None:
            yield (
                f"another answer to {ask.path} with key {ask.key}:"
                f" {_around(kept[0], other)} became {_around(other, kept[0])}"
            )


def _around(answer: Answer, other: Answer) -> str:
    """An answer's status, and its body where the two begin to differ."""
    pairs = enumerate(zip(answer.body, other.body, strict=False))
    differ = next((place for place, (one, two) in pairs if one != two), len(other.body))
    return f"{answer.status} …{answer.body[max(0, differ - 40) : differ + 60]!r}"


def wrong_sums(told: Sequence[Story], truth: Truth) -> Iterator[str]:
    """MS3: what we heard adds up to the charges, the balance transactions and the balance."""
    captured, refunded = heard(told, truth)
    charges = {each.payment_intent: each for each in truth.charges if each.status == "succeeded"}
    changes: Counter[str] = Counter()
    for change in truth.changes:
        changes[change.type] += change.amount
    figures = (
        ("captured by charges", sum(each.amount_captured for each in charges.values()), captured),
        ("captured by balance transactions", changes["charge"], captured),
        ("refunded by charges", sum(each.amount_refunded for each in charges.values()), refunded),
        (
            "refunded by balance transactions",
            -changes["refund"] - changes["refund_failure"],
            refunded,
        ),
        ("the balance", truth.balance_minor, sum(each.net for each in truth.changes)),
    )
    for what, is_so, expected in figures:
        if is_so != expected:
            yield f"{what}: {is_so}, expected {expected}"
    for charge in truth.charges:
        if charge.amount_refunded > charge.amount_captured:
            yield f"{charge.id} gave back more than it took"


def heard(told: Sequence[Story], truth: Truth) -> tuple[int, int]:
    """Captured and refunded by what we heard; what was left in doubt is read from the truth."""
    payments = {each.id: each for each in truth.payments}
    refunds = {each.id: each for each in truth.refunds}
    captured = refunded = 0
    for story in told:
        received = 0
        for ask in story.asks:
            kept = ask.kept
            if kept is None or not kept.is_good:
                continue
            then = kept.json()
            in_doubt = then["status"] in MOVING
            if ask.path != REFUND:
                now = payments.get(str(then["id"]))
                received = _received(then, now if in_doubt else None)
                continue
            refund = refunds.get(str(then["id"]))
            status = refund.status if in_doubt and refund else then["status"]
            refunded += _minor(then, "amount") if status == "succeeded" else 0
        captured += received
    return captured, refunded


def disagreements(told: Sequence[Story], truth: Truth) -> Iterator[str]:
    """MS9: the acquirer's book took, holds and gave back what the platform says, once."""
    books = _by_story(truth.book)
    refunded = _refunded(truth.refunds)
    payments = {each.metadata.get("story"): each for each in truth.payments}
    for story in told:
        payment = payments.get(story.name)
        if payment is None:
            continue
        entry = books.pop(story.number, _Position())
        yield from _disagreement(payment, entry, refunded[payment.id])
        if story.plot is Plot.DECLINED and entry.taken:
            yield f"{payment.id}: the acquirer took money with a card that is declined"
    for number in books:
        yield f"the acquirer's book knows a payment that the platform does not: story {number}"


EVENTS = (
    "payment_intent.created",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "refund.created",
)
"""Types of which exactly one event belongs to what happened."""


def wrong_events(truth: Truth) -> Iterator[str]:
    """MS8: what happened was published once, and nothing else."""
    expected: set[tuple[str, str]] = set()
    for payment in truth.payments:
        expected.add(("payment_intent.created", payment.id))
        if payment.status in ("succeeded", "canceled"):
            expected.add((f"payment_intent.{payment.status}", payment.id))
    expected.update(("refund.created", refund.id) for refund in truth.refunds)
    published = Counter((event.type, event.data.object.id) for event in truth.events)
    for event in sorted(expected - published.keys()):
        yield f"never published: {event[0]} of {event[1]}"
    for event in sorted(published.keys() - expected):
        yield f"published, and did not happen: {event[0]} of {event[1]}"
    for event, times in published.items():
        if times > 1:
            yield f"published {times} times: {event[0]} of {event[1]}"


class _Position(msgspec.Struct):
    """What the acquirer's book says of one story."""

    taken: int = 0
    takes: int = 0
    """Money-taking orders that stand."""
    given_back: int = 0
    held: int = 0


def _disagreement(payment: Payment, entry: _Position, refunded: int) -> Iterator[str]:
    if payment.status in MOVING:
        yield f"{payment.id} is still {payment.status}"
        return
    takes = 1 if payment.status == "succeeded" else 0
    if entry.takes != takes:
        yield f"{payment.id} {payment.status}: {entry.takes} money-taking orders"
    if entry.taken != payment.amount_received:
        yield f"{payment.id}: taken {entry.taken}, received {payment.amount_received}"
    if entry.given_back != refunded:
        yield f"{payment.id}: given back {entry.given_back}, refunded {refunded}"
    held = payment.amount if payment.status == "requires_capture" else 0
    if entry.held != held:
        yield f"{payment.id} {payment.status}: the acquirer holds {entry.held}"


def _by_story(book: Iterable[Order]) -> dict[int, _Position]:
    """Add the book up; an order that was voided does not stand."""
    orders = [order for order in book if order.is_approved and order.operation != "verify"]
    by_id = {order.id: order for order in orders}
    voided = {order.original for order in orders if order.operation == "void"}
    positions: dict[int, _Position] = defaultdict(_Position)
    released = {order.original for order in orders if order.operation in ("capture", "void")}
    for order in orders:
        if order.id in voided or order.operation == "void":
            continue
        entry = positions[number_of(_first(order, by_id).amount)]
        if order.operation in ("pay", "capture"):
            entry.taken += order.amount
            entry.takes += 1
        elif order.operation == "refund":
            entry.given_back += order.amount
        elif order.id not in released:
            entry.held += order.amount
    return dict(positions)


def _first(order: Order, by_id: dict[str, Order]) -> Order:
    """The order with which the payment began."""
    while order.original is not None and order.original in by_id:
        order = by_id[order.original]
    return order


def _refunded(refunds: Iterable[Refund]) -> Counter[str]:
    total: Counter[str] = Counter()
    for refund in refunds:
        if refund.status == "succeeded":
            total[refund.payment_intent] += refund.amount
    return total


def _received(then: Json, now: Payment | None) -> int:
    return now.amount_received if now is not None else _minor(then, "amount_received")


def _minor(told: Json, field: str) -> int:
    value = told.get(field, 0)
    assert isinstance(value, int)
    return value


def _follows(then: str, now: str) -> bool:
    return now == then or now in LATER[then]
