"""Whether time tells a foreign id from an unknown one (IA1): medians over interleaved requests.

Each round asks for a foreign id once and for unknown ids twice, in random order. The two medians of
unknown ids are the baseline: as far apart as chance puts them.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.http_load import Connection, post
from bench.machine import report
from bench.payments import Running, platform

TAIL = 8
"""Characters at the end of an id that are exchanged to make one that nobody has."""
WARM_UP = 200
"""Rounds that are not counted."""
STRANGER = "acct_stranger"


class Question(msgspec.Struct, frozen=True):
    """A path whose ``{id}`` is filled in, and an id that exists and is not to be seen."""

    path: str
    id: str
    key: str
    status: int = 404


class Answered(msgspec.Struct, frozen=True):
    """Medians of one question, in microseconds."""

    foreign_us: float
    unknown_us: float
    ratio: float
    """Foreign to unknown."""
    ratio_by_chance: float
    """Unknown to unknown."""


class Shop:
    """A merchant on a connection of its own."""

    def __init__(self, line: Connection, host: str, key: str) -> None:
        self._line = line
        self._host = host
        self._key = key
        self._count = 0

    async def make(self, path: str, **form: str) -> dict[str, str]:
        """Create something."""
        self._count += 1
        request = post(self._host, path, self._key, form, f"{self._key[-8:]}-{self._count}")
        status, body = await self._line.ask(request)
        assert status == 200, body
        made: dict[str, str] = msgspec.json.decode(body)
        return made


async def dial(url: str) -> tuple[Connection, str]:
    """A connection, and how it names its host."""
    target = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(Connection, target.hostname, target.port)
    return line, target.netloc


async def stranger(server: Running) -> Shop:
    """Another merchant, made by the operator."""
    line, host = await dial(server.url)
    desk = Shop(line, host, server.operator_key)
    await desk.make("/api/merchants", id=STRANGER, name="Stranger")
    key = await desk.make(f"/api/merchants/{STRANGER}/keys", role="secret")
    return Shop(line, host, key["secret"])


async def questions(server: Running) -> list[Question]:
    """What one shop asks about another's belongings, and a browser about its shop's."""
    other, key = await stranger(server), server.secret_key
    customer = (await other.make("/v1/customers", name="Jenny"))["id"]
    lunch = {"amount": "2000", "currency": "usd", "payment_method": "pm_card_visa"}
    paid = await other.make("/v1/payment_intents", **lunch, confirm="true")
    refund = await other.make("/v1/refunds", payment_intent=paid["id"])
    setup = await other.make("/v1/setup_intents", payment_method="pm_card_visa")
    line, host = await dial(server.url)
    own = await Shop(line, host, key).make("/v1/payment_intents", **lunch)
    secret = "/v1/payment_intents/{id}?client_secret=guessed"
    return [
        Question("/v1/payment_intents/{id}", paid["id"], key),
        Question("/v1/charges/{id}", paid["latest_charge"], key),
        Question("/v1/refunds/{id}", refund["id"], key),
        Question("/v1/customers/{id}", customer, key),
        Question("/v1/payment_methods/{id}", paid["payment_method"], key),
        Question("/v1/setup_intents/{id}", setup["id"], key),
        Question(secret, own["id"], server.publishable_key, 400),
    ]


async def timed(line: Connection, host: str, question: Question, id: str) -> float:
    """How long the no took, in microseconds."""
    path = question.path.format(id=id)
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {question.key}\r\n\r\n"
    octets = request.encode()
    start = time.perf_counter()
    status, body = await line.ask(octets)
    took_us = (time.perf_counter() - start) * 1e6
    assert status == question.status, body
    return took_us


def unknown_like(id: str) -> str:
    """An id of the same form that nobody has."""
    return id[:-TAIL] + "".join(random.choices("ABCDEFGHJKMNPQRSTVWXYZ", k=TAIL))


async def answered(server: Running, question: Question, rounds: int) -> Answered:
    """Ask, foreign and unknown by turns."""
    line, host = await dial(server.url)
    took_us: dict[str, list[float]] = {"foreign": [], "unknown": [], "again": []}
    for number in range(WARM_UP + rounds):
        for name in random.sample(sorted(took_us), len(took_us)):
            id = question.id if name == "foreign" else unknown_like(question.id)
            one_us = await timed(line, host, question, id)
            if number >= WARM_UP:
                took_us[name].append(one_us)
    foreign, unknown, again = (
        statistics.median(took_us[name]) for name in ("foreign", "unknown", "again")
    )
    return Answered(
        round(foreign, 1), round(unknown, 1), round(foreign / unknown, 3), round(again / unknown, 3)
    )


async def measured(server: Running, rounds: int) -> dict[str, Answered]:
    """Every question in turn."""
    return {
        question.path: await answered(server, question, rounds)
        for question in await questions(server)
    }


def main() -> None:
    """Measure both topologies and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--only", nargs="+", default=["one", "processes"])
    options = parser.parse_args()
    figures: dict[str, object] = {"rounds": options.rounds}
    for topology in options.only:
        with (
            tempfile.TemporaryDirectory(prefix="sycee-bench-") as directory,
            platform(topology, Path(directory)) as server,
        ):
            figures[topology] = asyncio.run(measured(server, options.rounds))
    report(figures)


if __name__ == "__main__":
    main()
