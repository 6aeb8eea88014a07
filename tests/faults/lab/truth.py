"""What is so: the shop's objects as the API tells them, and the acquirer's own book."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from sycee.services.payments.adapters import rail
from tests.faults.lab.line import Line
from tests.faults.lab.stories import MOVING

PAGE_SIZE = 100


class Row(msgspec.Struct, frozen=True):
    """Anything that a list of the API holds."""

    id: str


class Payment(Row, frozen=True):
    """A payment intent."""

    status: str
    amount: int
    amount_received: int
    amount_capturable: int
    metadata: dict[str, str]


class Refund(Row, frozen=True):
    """A refund."""

    status: str
    amount: int
    payment_intent: str
    metadata: dict[str, str]


class Charge(Row, frozen=True):
    """A charge."""

    payment_intent: str
    status: str
    amount_captured: int
    amount_refunded: int


class Change(Row, frozen=True):
    """A balance transaction."""

    type: str
    amount: int
    net: int
    source: str


class Dispute(Row, frozen=True):
    """A dispute."""

    status: str
    amount: int
    payment_intent: str
    balance_transactions: list[Change]


class Funds(msgspec.Struct, frozen=True):
    """One currency of one part of the balance."""

    amount: int


class Balance(msgspec.Struct, frozen=True):
    """The balance."""

    available: list[Funds]
    pending: list[Funds]


class Subject(msgspec.Struct, frozen=True):
    """What an event is about."""

    id: str


class Shown(msgspec.Struct, frozen=True):
    """How an event shows it."""

    object: Subject


class Event(Row, frozen=True):
    """An event."""

    type: str
    data: Shown


class Order(msgspec.Struct, frozen=True):
    """A row of the acquirer's book."""

    id: str
    operation: str
    original: str | None
    amount: int
    is_approved: bool


class Truth(msgspec.Struct):
    """Everything at one moment of quiet."""

    payments: list[Payment]
    refunds: list[Refund]
    charges: list[Charge]
    changes: list[Change]
    balance_minor: int
    book: list[Order]
    events: list[Event] = []


Item = TypeVar("Item", bound=Row)


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list."""

    data: list[Item]
    has_more: bool


async def read(url: str, key: str, data: Path) -> Truth:
    """Read all of it."""
    line = Line(url, key)
    try:
        balance = msgspec.json.decode((await line.get("/v1/balance")).body, type=Balance)
        return Truth(
            await _all(line, "/v1/payment_intents", Payment),
            await _all(line, "/v1/refunds", Refund),
            await _all(line, "/v1/charges", Charge),
            await _all(line, "/v1/balance_transactions", Change),
            sum(funds.amount for funds in (*balance.available, *balance.pending)),
            book(data),
        )
    finally:
        line.close()


async def events(url: str, key: str, types: Iterable[str]) -> list[Event]:
    """All events of some types."""
    line = Line(url, key)
    try:
        found = [await _all(line, f"/v1/events?type={type}", Event) for type in types]
    finally:
        line.close()
    return [event for part in found for event in part]


async def settled(url: str, key: str, data: Path, patience_s: float) -> Truth:
    """Read all of it when nothing is in doubt any more, or when patience ends."""
    deadline = time.monotonic() + patience_s
    while True:
        truth = await read(url, key, data)
        statuses = {payment.status for payment in truth.payments}
        statuses |= {refund.status for refund in truth.refunds}
        if not statuses & MOVING or time.monotonic() > deadline:
            return truth
        await asyncio.sleep(0.25)


async def disputes(url: str, key: str, patience_s: float) -> list[Dispute]:
    """All disputes, when the money of each has moved or patience ends."""
    deadline = time.monotonic() + patience_s
    line = Line(url, key)
    try:
        while True:
            found = await _all(line, "/v1/disputes", Dispute)
            if all(each.balance_transactions for each in found) or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.25)
    finally:
        line.close()


def book(data: Path) -> list[Order]:
    """The simulated acquirer's orders, in the order of their arrival."""
    with closing(sqlite3.connect(data / "testcard.sqlite", timeout=10)) as connection:
        rows = connection.execute(
            "SELECT id, operation, original, amount, answer FROM orders ORDER BY arrived"
        ).fetchall()
    return list(_orders(rows))


def _orders(rows: list[tuple[str, str, str | None, int, bytes]]) -> Iterator[Order]:
    for id, operation, original, amount, answer in rows:
        verdict = msgspec.msgpack.decode(answer, type=rail.Answer).verdict
        yield Order(id, operation, original, amount, verdict is rail.Verdict.APPROVED)


async def page(line: Line, path: str, kind: type[Item]) -> list[Item]:
    """The first page of a list, whose path has a question mark already."""
    return (await _page(line, path, kind)).data


async def _all(line: Line, path: str, kind: type[Item]) -> list[Item]:
    found: list[Item] = []
    mark = "&" if "?" in path else "?"
    cursor = ""
    while True:
        told = await _page(line, f"{path}{mark}limit={PAGE_SIZE}{cursor}", kind)
        found += told.data
        if not told.has_more:
            return found
        cursor = f"&starting_after={told.data[-1].id}"


async def _page(line: Line, path: str, kind: type[Item]) -> Page[Item]:
    answer = await line.get(path)
    assert answer.is_good, answer
    told: Page[Item] = msgspec.json.decode(answer.body, type=Page[kind])  # type: ignore[valid-type]
    return told
